"""DMARC judgements that worlds do not reach, and the mending of records."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings, strategies as st

from checks.dmarc import (
    dmarc_protects_subdomains_as_well,
    domain_without_mail_is_closed,
)
from checks.dmarc_alignment import own_mail_can_pass_dmarc
from checks.dmarc_mend import corrected, mend, recognised
from checks.dmarc_upkeep import (
    dmarc_psd_is_left_to_registries,
    dmarc_subdomain_policies_stand_where_they_are_read,
)
from diag.facts.dmarc import DmarcAlignment, DmarcPolicy, SignsAndSends, SuffixListDomain
from diag.facts.mx import MailExchange, Routing
from diag.facts.roles import Roles, SendingDomain
from diag.model.finding import Certainty, Finding, Undecided
from diag.model.fix import Configure, Replace
from diag.records.dmarc import DmarcRecord, Kind, is_dmarc, looks_like_dmarc

A = "mailto:a@d.example"
B = "mailto:b@d.example"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (f"v=dmarc1; p=reject; rua={A}", f"v=DMARC1; p=reject; rua={A}"),
        (f"v=DMARC1 p=reject; rua={A}", f"v=DMARC1; p=reject; rua={A}"),
        (f"v=DMARC1, p=reject, rua={A}", f"v=DMARC1; p=reject; rua={A}"),
        (f"v=DMARC1: p=reject rua={A},{B} sp=none", f"v=DMARC1; p=reject; rua={A},{B}; sp=none"),
        (f' "v=DMARC1; p=reject; rua={A}"', f"v=DMARC1; p=reject; rua={A}"),
        ("\u201cv=DMARC1; p=reject\u201d", "v=DMARC1; p=reject"),
        ("DMARC1; p=none", "v=DMARC1; p=none"),
        ("v=DMARC 1; p=none", "v=DMARC1; p=none"),
        ("v=DMARC1.0; p=none", "v=DMARC1; p=none"),
        ("v:DMARC1; p=none", "v=DMARC1; p=none"),
        (
            "p=reject; rua=mailto:dmarc-reports@d.example; v=DMARC1",
            "v=DMARC1; p=reject; rua=mailto:dmarc-reports@d.example",
        ),
        ("p=quarantine; rua=mailto:dmarc1@d.example", "v=DMARC1; p=quarantine; rua=mailto:dmarc1@d.example"),
    ],
)
def test_what_was_meant_as_dmarc_is_recognised(text: str, meant: str) -> None:
    assert not is_dmarc(text)
    assert recognised(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("v=DMARC1", "v=DMARC1; p=none"),
        (f"v=DMARC1; rua={A}; p=reject", f"v=DMARC1; p=reject; rua={A}"),
        ("v=DMARC1; p=Reject; P=none", "v=DMARC1; p=reject"),
        ("v=DMARC1; p=quarentine", "v=DMARC1; p=quarantine"),
        ("v=DMARC1; p=monitor", "v=DMARC1; p=none"),
        ("v=DMARC1; p=xyzzy; sp=reject", "v=DMARC1; p=none; sp=reject"),
        (f"v=DMARC1; p=none; rua={A}; rua={B}; rua={A}", f"v=DMARC1; p=none; rua={A},{B}"),
        (f"v=DMARC1; p=none; rua={A}; {B}", f"v=DMARC1; p=none; rua={A},{B}"),
        ("v=DMARC1; p=none; rua=a@d.example", f"v=DMARC1; p=none; rua={A}"),
        ("v=DMARC1; p=none; rua=mailto: a@d.example", f"v=DMARC1; p=none; rua={A}"),
        (f"v=DMARC1; p=none; rua={A}!10m,,{B}", f"v=DMARC1; p=none; rua={A},{B}"),
        ("v=DMARC1; p=none; rua=; ruf=", "v=DMARC1; p=none"),
        (f"v=DMARC1; p=none; ruaa={A}", f"v=DMARC1; p=none; rua={A}"),
        (f"v=DMARC1; p=none; rua={A}; ruw={B}", f"v=DMARC1; p=none; rua={A}; ruf={B}"),
        (
            "v=DMARC1; p=none; adkim=strict; aspf=x; fo=0:1; psd=yes; t=yes",
            "v=DMARC1; p=none; adkim=s; fo=1; t=y",
        ),
        ("v=DMARC1; p=none; fo=0:1:d:s", "v=DMARC1; p=none; fo=1:d:s"),
        ("v=DMARC1; p=none; fo=all", "v=DMARC1; p=none"),
        ("v=DMARC1; p=none; fo=d:s; pct=20; rf=afrf; ri=86400; x=1; nonsense", "v=DMARC1; p=none; fo=d:s"),
    ],
)
def test_a_record_is_corrected_to_what_was_meant(text: str, meant: str) -> None:
    assert corrected(text) == meant
    assert corrected(meant) == meant


def test_changes_set_tags_and_take_them_away() -> None:
    assert corrected("v=DMARC1; p=none; sp=none; t=y", {"p": "reject", "sp": "", "np": "reject"}) == (
        "v=DMARC1; p=reject; t=y; np=reject"
    )


@settings(max_examples=100)
@given(
    st.text(max_size=60),
    st.sampled_from(["v=DMARC1; ", "v=DMARC1; p=reject; rua=", "v=DMARC1; p=none; x=1; sp="]),
)
def test_what_is_corrected_has_no_fault(text: str, before: str) -> None:
    made = corrected(before + text)
    assert is_dmarc(made)
    assert not DmarcRecord.parse(made).defects
    assert corrected(made) == made


@settings(max_examples=100)
@given(
    st.text(max_size=80), st.sampled_from(["", "v=dmarc1; p=none; ", "p=reject; rua=mailto:a@d.example; v"])
)
def test_recognising_never_raises_and_gives_a_record_or_nothing(text: str, before: str) -> None:
    made = recognised(before + text)
    assert not made or (is_dmarc(made) and not looks_like_dmarc(made))


def applying(text: str, owner: str = "_dmarc.d.example") -> DmarcPolicy:
    record = DmarcRecord.parse(text)
    return DmarcPolicy("d.example", "d.example", owner, record, Kind.DOMAIN, "d.example", ())


def test_octets_beyond_ascii_are_named_as_they_are_published() -> None:
    published = "v=DMARC1; p=none; x=\u00fc"
    (fix,) = mend(applying(published.encode().decode("latin-1")))
    assert fix == Replace("_dmarc.d.example", "TXT", "v=DMARC1; p=none", old=published)


def test_a_record_behind_an_alias_is_for_its_owner_to_correct() -> None:
    (fix,) = mend(applying("v=DMARC1; p=none; x=1", "d.policies.p.example"))
    assert isinstance(fix, Configure)
    assert fix.where == "d.policies.p.example"


def verdicts(record: str, own: tuple[bool | None, bool | None], *others: tuple[bool, bool]) -> list[object]:
    names = tuple(SignsAndSends(f"s{at}.d.example", *both) for at, both in enumerate(others))
    alignment = DmarcAlignment("d.example", SignsAndSends("d.example", *own), names, ())
    return list(
        own_mail_can_pass_dmarc.function(alignment, applying(record), SendingDomain("d.example", "", ()))
    )


STRICT = "v=DMARC1; p=reject; adkim=s; aspf=s"
RELAXED = "v=DMARC1; p=reject"


@pytest.mark.parametrize(
    ("record", "own", "others", "rule", "certainty"),
    [
        (STRICT, (False, False), [(True, True)], "dmarc/cannot-align", Certainty.CERTAIN),
        (RELAXED, (False, False), [(False, False)], "dmarc/cannot-align", Certainty.LIKELY),
        ("v=DMARC1; p=quarantine", (False, False), [], "dmarc/cannot-align", Certainty.LIKELY),
        (STRICT, (False, True), [(True, True)], "dmarc/spf-only", Certainty.CERTAIN),
        (RELAXED, (False, True), [(False, False)], "dmarc/spf-only", Certainty.LIKELY),
        (RELAXED, (False, False), [(False, True)], "dmarc/spf-only", Certainty.LIKELY),
        (RELAXED, (False, False), [(True, False)], "", None),
        (RELAXED, (True, False), [], "", None),
        ("v=DMARC1; p=quarantine", (False, True), [], "", None),
        ("v=DMARC1; p=none", (False, False), [], "", None),
        ("v=DMARC1; p=quarantine; t=y", (False, False), [], "", None),
        (RELAXED, (False, None), [(False, False)], "", None),
    ],
)
def test_whether_own_mail_can_pass(
    record: str,
    own: tuple[bool, bool],
    others: list[tuple[bool, bool]],
    rule: str,
    certainty: Certainty | None,
) -> None:
    found = [(v.id, v.certainty) for v in verdicts(record, own, *others) if isinstance(v, Finding)]
    assert found == ([(rule, certainty)] if rule else [])


def test_keys_that_may_exist_leave_it_open() -> None:
    (verdict,) = verdicts(RELAXED, (None, False))
    assert isinstance(verdict, Undecided)


@pytest.mark.parametrize(
    ("sends", "receives", "record", "raised"),
    [
        (False, False, "v=DMARC1; p=quarantine", True),
        (False, False, "v=DMARC1; p=reject; t=y", True),
        (False, False, "v=DMARC1; p=reject", False),
        (False, True, "v=DMARC1; p=none", False),
        (True, False, "v=DMARC1; p=none", False),
        (None, False, "v=DMARC1; p=none", False),
        (False, None, "v=DMARC1; p=none", False),
    ],
)
def test_only_a_domain_known_to_be_without_mail_is_told_to_close(
    sends: bool | None, receives: bool | None, record: str, raised: bool
) -> None:
    roles = Roles("d.example", sends, "", receives, "", ())
    assert bool(list(domain_without_mail_is_closed.function(applying(record), roles))) is raised


def test_a_public_suffix_on_the_list_may_say_so() -> None:
    policy = applying("v=DMARC1; p=reject; psd=y")
    routing = Routing("d.example", (MailExchange(10, "mx.d.example"),), False, True, ())
    for is_suffix, findings in ((True, 0), (False, 1)):
        listed = SuffixListDomain("d.example", "" if is_suffix else "d.example", is_suffix, ())
        assert len(list(dmarc_psd_is_left_to_registries.function(policy, routing, listed))) == findings


def test_whether_sp_is_read_is_open_where_the_walk_fails() -> None:
    policy = dataclasses.replace(applying("v=DMARC1; p=reject; sp=none; np=none"), organizational="")
    for check in (dmarc_protects_subdomains_as_well, dmarc_subdomain_policies_stand_where_they_are_read):
        assert [type(verdict) for verdict in check.function(policy)] == [Undecided]
