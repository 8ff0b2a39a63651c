"""Finding the DMARC record that applies, and asking those who are to get reports."""

from __future__ import annotations

import pytest
from zoned_lab import ZonedLab, gathered

from diag.facts.dkim import Below, DkimSelectors
from diag.facts.dmarc import DmarcAlignment, DmarcDiscovery, DmarcPolicy, ReportDestination
from diag.gather.dmarc import discovery, policy
from diag.gather.dmarc_alignment import alignment
from diag.gather.dmarc_reports import destinations
from diag.gather.registration import claimable, is_free, registrable
from diag.lab.once import Once
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.records.dmarc import Kind, Policy

Found = tuple[DmarcDiscovery, DmarcPolicy | Absent | Unavailable]


def find(lab: ZonedLab, domain: str) -> Found:
    async def both(once: Once) -> Found:
        walked = await discovery.function(Target(domain), once)
        return walked, await policy.function(walked, once)

    return gathered(lab, both)


def dmarc(**records: str) -> str:
    """A zone with these records at `_dmarc`; a double underscore stands for a dot."""
    lines = [f'_dmarc.{name.replace("__", ".")}. TXT "v=DMARC1; {text}"' for name, text in records.items()]
    return "\n".join(["d.example. A 192.0.2.1", *lines])


@pytest.mark.parametrize(
    ("zone", "domain", "at", "kind", "effect", "organizational"),
    [
        (dmarc(d__example="p=reject"), "d.example", "d.example", Kind.DOMAIN, "reject", "d.example"),
        # The Organizational Domain's record, not the nearest above (section 4.10.1).
        (
            dmarc(d__example="p=reject; sp=quarantine", mail__d__example="p=none")
            + "\na.mail.d.example. A 192.0.2.1",
            "a.mail.d.example",
            "d.example",
            Kind.SUBDOMAIN,
            "quarantine",
            "d.example",
        ),
        (
            dmarc(d__example="p=reject; sp=quarantine; np=none"),
            "ghost.d.example",
            "d.example",
            Kind.NONEXISTENT,
            "none",
            "d.example",
        ),
        # psd=y at the start is exempt; above the start it makes the name below it organizational.
        (dmarc(d__example="p=reject; psd=y"), "d.example", "d.example", Kind.DOMAIN, "reject", "d.example"),
        (
            dmarc(d__example="p=reject; psd=y; np=quarantine") + "\nsub.d.example. A 192.0.2.1",
            "sub.d.example",
            "d.example",
            Kind.SUBDOMAIN,
            "reject",
            "sub.d.example",
        ),
        (
            dmarc(example="p=none", d__example="p=reject; psd=n"),
            "sub.d.example",
            "d.example",
            Kind.NONEXISTENT,
            "reject",
            "d.example",
        ),
    ],
)
def test_the_record_that_applies(
    zone: str, domain: str, at: str, kind: Kind, effect: str, organizational: str
) -> None:
    walked, applies = find(ZonedLab(zone), domain)
    assert isinstance(applies, DmarcPolicy), applies
    assert (applies.found_at, applies.kind, applies.policy) == (at, kind, Policy(effect))
    assert walked.organizational == applies.organizational == organizational
    assert applies.inherited is (at != domain)


def test_a_long_name_costs_eight_questions() -> None:
    lab = ZonedLab(dmarc(d__example="p=reject"))
    find(lab, "a.b.c.d.e.f.g.h.i.j.k.d.example")
    asked = [name for name in lab.names() if name.startswith("_dmarc.")]
    assert len(asked) == 8
    assert asked[0] == "_dmarc.a.b.c.d.e.f.g.h.i.j.k.d.example"
    assert asked[1] == "_dmarc.g.h.i.j.k.d.example"
    assert asked[-1] == "_dmarc.example"


def test_a_domain_with_a_record_costs_its_walk_and_what_spf_asks_anyway() -> None:
    lab = ZonedLab(dmarc(d__example="p=reject"))
    find(lab, "d.example")
    assert sorted(lab.names()) == ["_dmarc.d.example", "_dmarc.example", "d.example"]


def test_several_records_are_all_discarded_and_the_walk_goes_on() -> None:
    zone = dmarc(d__example="p=reject") + (
        '\n_dmarc.sub.d.example. TXT "v=DMARC1; p=none"\n_dmarc.sub.d.example. TXT "v=DMARC1; p=reject"'
    )
    walked, applies = find(ZonedLab(zone), "sub.d.example")
    assert len(walked.steps[0].records) == 2
    assert walked.steps[0].record is None
    assert isinstance(applies, DmarcPolicy)
    assert applies.found_at == "d.example"


def test_text_of_a_wildcard_is_passed_over() -> None:
    zone = dmarc(d__example="p=reject") + '\n*.sub.d.example. TXT "v=spf1 -all"\nsub.d.example. A 192.0.2.1'
    walked, applies = find(ZonedLab(zone), "sub.d.example")
    assert (walked.steps[0].records, walked.steps[0].near) == ((), ())
    assert isinstance(applies, DmarcPolicy)


def test_a_walk_that_ends_leaves_the_rest_unused() -> None:
    walked, _ = find(ZonedLab(dmarc(d__example="p=reject; psd=n", example="p=none")), "sub.d.example")
    assert [(step.name, step.reached) for step in walked.steps] == [
        ("sub.d.example", True),
        ("d.example", True),
        ("example", False),
    ]


@pytest.mark.parametrize(
    ("fails", "known"),
    [("_dmarc.d.example", False), ("_dmarc.sub.d.example", False), ("_dmarc.example", False)],
)
def test_what_could_not_be_looked_up_is_not_absent(fails: str, known: bool) -> None:
    zone = dmarc(d__example="p=reject") if fails != "_dmarc.d.example" else dmarc()
    walked, applies = find(ZonedLab(zone, fails={(fails, "TXT"): "servfail"}), "sub.d.example")
    assert isinstance(applies, Unavailable)
    assert (walked.organizational == "") is not known
    assert "SERVFAIL" in walked.unknown


def test_an_own_record_needs_nothing_from_above() -> None:
    lab = ZonedLab(dmarc(d__example="p=reject"), fails={("_dmarc.example", "TXT"): "timeout"})
    walked, applies = find(lab, "d.example")
    assert isinstance(applies, DmarcPolicy)
    assert applies.organizational == walked.organizational == ""


def test_a_record_in_the_wrong_place_is_looked_for_where_none_applies() -> None:
    zone = dmarc() + '\n_dmarc.d.example.d.example. TXT "v=DMARC1; p=none"'
    walked, applies = find(ZonedLab(zone), "d.example")
    assert isinstance(applies, Absent)
    assert [place.name for place in walked.misplaced] == ["_dmarc.d.example.d.example"]


def reports(lab: ZonedLab, domain: str = "d.example") -> Many[ReportDestination]:
    async def all_three(once: Once) -> Many[ReportDestination]:
        walked = await discovery.function(Target(domain), once)
        found: Many[ReportDestination] = await destinations.function(
            await policy.function(walked, once), once
        )
        return found

    return gathered(lab, all_three)


TO = dmarc(d__example="p=reject; rua=mailto:a@r.example,mailto:b@d.example; ruf=mailto:c@r.example")
SERVICE = "\nr.example. MX 10 mx.r.example.\nd.example. MX 10 mx.r.example."


def test_nobody_sends_failure_reports_for_public_suffixes() -> None:
    """RFC 9991 section 2."""
    suffix = dmarc(d__example="p=reject; psd=y; rua=mailto:b@d.example; ruf=mailto:c@r.example")
    assert list(reports(ZonedLab(suffix + SERVICE)).items) == ["d.example"]


def test_one_destination_for_each_domain_named() -> None:
    found = reports(ZonedLab(TO + SERVICE))
    assert list(found.items) == ["r.example", "d.example"]
    service, own = found.values()
    assert (service.tags, len(service.uris), service.external, service.agrees) == (
        ("rua", "ruf"),
        2,
        True,
        False,
    )
    assert (own.external, own.agrees, own.takes_mail) == (False, None, True)


@pytest.mark.parametrize(
    ("consent", "agrees", "others"),
    [
        ('d.example._report._dmarc.r.example. TXT "v=DMARC1"', True, ()),
        ('*._report._dmarc.r.example. TXT "v=DMARC1;"', True, ()),
        ('*._report._dmarc.r.example. TXT "v=DMARC1; rua=mailto:x@r.example"', True, ()),
        ('*._report._dmarc.r.example. TXT "v=DMARC1; rua=mailto:x@z.example"', True, ("z.example",)),
        ('d.example._report._dmarc.r.example. TXT "yes"', False, ()),
    ],
)
def test_consent(consent: str, agrees: bool, others: tuple[str, ...]) -> None:
    lab = ZonedLab(TO + SERVICE + "\n" + consent)
    service = next(reports(lab).values())
    assert (service.agrees, service.redirected) == (agrees, others)
    assert not [name for name in lab.names() if "*" in name]


def test_consent_that_could_not_be_looked_up_is_open() -> None:
    name = "d.example._report._dmarc.r.example"
    service = next(reports(ZonedLab(TO + SERVICE, fails={(name, "TXT"): "timeout"})).values())
    assert service.agrees is None
    assert name in service.unknown


@pytest.mark.parametrize(
    ("records", "takes"),
    [
        ("r.example. MX 0 .", False),
        ("r.example. A 192.0.2.1", True),
        ("r.example. AAAA 2001:db8::1", True),
        ('r.example. TXT "nothing"', False),
        ("", False),
    ],
)
def test_whether_a_destination_takes_mail(records: str, takes: bool) -> None:
    lab = ZonedLab(dmarc(d__example="p=none; rua=mailto:a@r.example") + "\n" + records)
    assert next(reports(lab).values()).takes_mail is takes


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.b.example", "b.example"), ("x.y.co.uk", "y.co.uk"), ("co.uk", "co.uk"), ("a.b.uk", "b.uk")],
)
def test_the_registrable_part(name: str, expected: str) -> None:
    assert registrable(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x.y.co.uk", "y.co.uk"), ("mail.go.nl", "go.nl"), ("a.b.example", "b.example"), ("co.uk", "co.uk")],
)
def test_what_can_be_claimed_is_never_a_host_of_somebody_s_domain(name: str, expected: str) -> None:
    assert claimable(name) == expected


REGISTRY = "example. NS a.nic.example.\nexample. NS b.nic.example.\na.nic.example. A 192.0.2.1\nb.nic.example. A 192.0.2.2"


@pytest.mark.parametrize(
    ("says", "free"),
    [
        ({}, True),
        ({("gone.example", "192.0.2.2"): "NOERROR"}, False),
        ({("gone.example", "192.0.2.2"): "SERVFAIL"}, None),
    ],
)
def test_a_name_is_free_only_where_two_servers_of_the_parent_say_so(
    says: dict[tuple[str, str], str], free: bool | None
) -> None:
    lab = ZonedLab(REGISTRY, says=says)
    assert gathered(lab, lambda once: is_free(once, "mail.gone.example"))[0] is free
    assert {q.server for q in lab.asked if q.name == "gone.example"} == {"192.0.2.1", "192.0.2.2"}


def aligned(zone: str, below: Below, record: str) -> tuple[DmarcAlignment, ZonedLab]:
    lab = ZonedLab(dmarc(d__example=record) + zone)
    dkim = DkimSelectors("d.example", below, (), False, (), (), True, ())

    async def run(once: Once) -> DmarcAlignment:
        walked = await discovery.function(Target("d.example"), once)
        applies = await policy.function(walked, once)
        found: DmarcAlignment = await alignment.function(walked, applies, dkim, Absent(), once)
        return found

    return gathered(lab, run), lab


def test_other_names_are_asked_only_where_they_matter() -> None:
    found, lab = aligned("", Below.POSSIBLE, "p=reject")
    assert (found.own.dkim, found.own.spf, found.others) == (True, False, ())
    assert not [name for name in lab.names() if name.startswith("bounce.")]


@pytest.mark.parametrize(("below", "record"), [(Below.NONE, "p=reject"), (Below.POSSIBLE, "p=none; adkim=s")])
def test_subdomains_that_sign_or_send_are_seen(below: Below, record: str) -> None:
    zone = (
        '\ns1._domainkey.em.d.example. TXT "v=DKIM1; p="\nbounce.d.example. TXT "v=spf1 mx -all"'
        '\n_dmarc.bounce.d.example. TXT "v=DMARC1; p=none"\nsend.d.example. TXT "v=spf1 -all"'
    )
    found, _ = aligned(zone, below, record)
    seen = {each.name: (each.dkim, each.spf, each.own_policy) for each in found.others}
    assert seen["em.d.example"] == (True, False, False)
    assert seen["bounce.d.example"] == (False, True, True)
    assert seen["send.d.example"] == (False, False, False)
