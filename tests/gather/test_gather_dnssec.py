"""What is asked about signatures, and what comes of it: two questions where nothing is signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import dns.message
import dns.rcode
import dns.rrset
import pytest

from diag.facts.dnssec import DnssecStatus, Security, Word, ZoneSignatures, ZoneTrust
from diag.facts.moment import RunMoment
from diag.gather import dnssec
from diag.gather.dnssec import dnssec_status, zone_signatures, zone_trust
from diag.lab.once import Once
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.records.dnssec import sections
from diag.sandbox.asked import AskedOfResolver
from diag.sandbox.resolver import Resolver
from diag.sandbox.signed import Signer
from diag.sandbox.zones import Dns

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ZONE = """
. SOA a.example. h.example. 1 7200 3600 1209600 300
example. SOA ns.example. h.example. 1 7200 3600 1209600 300
d.example. SOA ns.d.example. h.d.example. 1 7200 3600 1209600 300
d.example. NS ns.d.example.
d.example. MX 10 mx.d.example.
d.example. MX 20 mx.elsewhere.example.
d.example. TXT "v=spf1 -all"
mx.d.example. A 192.0.2.1
_25._tcp.mx.d.example. TLSA 3 1 1 {}
""".format("ab" * 32)
SIGNED = {"example": "", "d.example": ""}


class Counting:
    """Keeps the questions put to a resolver."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.asked = inner, []  # type: ignore[var-annotated]

    async def run(self, probe: Any) -> Any:
        self.asked.append(probe)
        return await self.inner.run(probe)

    def questions(self) -> list[tuple[str, str]]:
        return [(each.name, each.rdtype) for each in self.asked if isinstance(each, DnsQuery)]


def resolver(
    signed: Mapping[str, str], secure: str = ". example", zone: str = ZONE, more: str = ""
) -> Counting:
    records = Zone.parse(zone + more, ".")
    signer = Signer(records, signed, AT) if signed else None
    world = Dns(records, {}, tuple(secure.split()), (), signed, signer)
    return Counting(AskedOfResolver(Resolver(world), Nothing()))


def gathered(
    lab: Any, domain: str = "d.example"
) -> tuple[Any, ZoneSignatures | Absent | Unavailable, DnssecStatus | Unavailable]:
    async def go() -> Any:
        once, target, moment = Once(lab), Target(domain), RunMoment(AT)
        trust = await zone_trust.function(target, once, moment)
        signatures = await zone_signatures.function(once, moment, trust)
        return trust, signatures, await dnssec_status.function(target, once, trust, signatures)

    trust, signatures, status = anyio.run(go)
    return trust, signatures, status


def test_a_zone_that_is_not_signed_costs_two_questions() -> None:
    lab = resolver({"example": ""}, secure=".")
    trust, signatures, status = gathered(lab)
    assert isinstance(trust, ZoneTrust)
    assert (trust.ds, trust.keys, trust.parent_signed, trust.vouched) == ((), (), True, False)
    assert isinstance(signatures, Absent)
    assert isinstance(status, DnssecStatus)
    assert status.security is Security.INSECURE
    assert sorted(lab.questions()) == [
        (".", "SOA"),
        ("d.example", "DNSKEY"),
        ("d.example", "DS"),
        ("d.example", "MX"),
    ]


def test_a_name_within_a_zone_is_judged_by_that_zone() -> None:
    trust, _, _ = gathered(resolver(SIGNED), "mx.d.example")
    assert isinstance(trust, ZoneTrust)
    assert (trust.domain, trust.zone) == ("mx.d.example", "d.example")
    assert trust.trusted


def test_everything_that_mail_needs_is_verified_and_no_host_of_others() -> None:
    lab = resolver(SIGNED)
    _, signatures, status = gathered(lab)
    assert isinstance(signatures, ZoneSignatures)
    assert {each.label for each in signatures.sets if each.good} == {
        "DNSKEY d.example",
        "SOA d.example",
        "MX d.example",
        "TXT d.example",
        "A mx.d.example",
        "TLSA _25._tcp.mx.d.example",
    }
    assert {(each.name, each.rdtype) for each in signatures.denials} == {
        ("_dmarc.d.example", "TXT"),
        ("_mta-sts.d.example", "TXT"),
        ("mx.d.example", "AAAA"),
    }
    assert not any(each.trouble for each in signatures.denials)
    assert not any("elsewhere" in name for name, _ in lab.questions())
    assert isinstance(status, DnssecStatus)
    assert status.security is Security.SECURE


@pytest.mark.parametrize(
    ("wish", "because"),
    [
        ("expired", "DNSKEY d.example the signature by key"),
        ("wrong-ds", "no DS record fits a key of d.example"),
        ("one-rrset=d.example/MX", "MX d.example the signature by key"),
    ],
)
@pytest.mark.parametrize("secure", [". example", ""])
def test_a_broken_chain_is_bogus_whether_or_not_the_resolver_validates(
    wish: str, because: str, secure: str
) -> None:
    _, _, status = gathered(resolver({**SIGNED, "d.example": wish}, secure=secure))
    assert isinstance(status, DnssecStatus)
    assert status.security is Security.BOGUS
    assert because in status.because


def test_signatures_that_hold_do_not_make_a_resolver_validate() -> None:
    _, signatures, status = gathered(resolver(SIGNED, secure=""))
    assert isinstance(signatures, ZoneSignatures)
    assert not signatures.bogus
    assert isinstance(status, DnssecStatus)
    assert status.security is Security.INDETERMINATE


def test_a_resolver_that_vouches_for_what_we_cannot_verify_decides_nothing() -> None:
    signed = {**SIGNED, "d.example": "one-rrset=d.example/MX"}
    lab = resolver(signed)

    class Vouching(Counting):
        async def run(self, probe: Any) -> Any:
            if isinstance(probe, DnsQuery) and not probe.dnssec:
                return await resolver(SIGNED).run(probe)
            return await super().run(probe)

    _, signatures, status = gathered(Vouching(lab))
    assert isinstance(signatures, ZoneSignatures)
    judged = signatures.set_of("d.example", "MX")
    assert judged is not None
    assert (judged.failing, judged.bogus, judged.word) == (True, False, Word.VOUCHES)
    assert isinstance(status, DnssecStatus)
    assert status.security is Security.INDETERMINATE


def test_an_unsigned_zone_that_begins_below_is_not_taken_for_a_broken_one() -> None:
    cut = "mx.d.example. SOA ns.d.example. h.d.example. 1 2 3 4 5\nmx.d.example. NS ns.d.example.\n"
    for secure in (". example", ""):
        _, signatures, _ = gathered(resolver(SIGNED, secure, more=cut))
        assert isinstance(signatures, ZoneSignatures)
        assert signatures.bogus == ()
        assert not any(each.broken for each in signatures.denials)


def test_records_on_trial_are_not_blamed_for_having_no_signatures() -> None:
    proposed = Zone.parse('d.example. MX 10 new.d.example.\nd.example. TXT "v=spf1 mx -all"\n', ".")
    _, signatures, _ = gathered(Overlay(proposed, resolver(SIGNED)))
    assert isinstance(signatures, ZoneSignatures)
    assert signatures.bogus == ()
    assert signatures.set_of("d.example", "MX") is None


def test_a_key_that_was_made_trusted_on_trial_needs_its_ds_record_only() -> None:
    lab = resolver({**SIGNED, "d.example": "no-ds"})
    trust, _, _ = gathered(lab)
    assert isinstance(trust, ZoneTrust)
    assert trust.ds == ()
    ds = Zone.parse(f"d.example. DS {trust.keys[0].ds}\n", ".")
    mended, _, _ = gathered(Overlay(ds, lab))
    assert isinstance(mended, ZoneTrust)
    assert not mended.severed
    assert mended.linked == mended.keys


def test_who_does_not_answer_is_not_taken_for_unsigned() -> None:
    records = Zone.parse(ZONE, ".")
    for rdtype, failure in (("DNSKEY", "servfail"), ("DS", "timeout"), ("DNSKEY", "refused")):
        world = Dns(records, {("d.example", rdtype): failure}, (".",))
        trust, _, _ = gathered(AskedOfResolver(Resolver(world), Nothing()))
        assert isinstance(trust, Unavailable)


def test_a_domain_that_does_not_exist_has_no_zone() -> None:
    trust, signatures, _ = gathered(resolver(SIGNED), "gone.nowhere.example")
    assert isinstance(trust, Absent)
    assert isinstance(signatures, Absent)


SOA = "Shop.Example. 300 IN SOA ns.shop.example. h.shop.example. 1 2 3 4 5"
NSEC = "shop.example. 300 IN NSEC a.shop.example. MX"


@pytest.mark.parametrize(
    ("rcode", "answer", "authority", "short"),
    [
        ("NOERROR", (), (SOA,), True),
        ("NXDOMAIN", (), (SOA,), True),
        ("NOERROR", (), (SOA, NSEC), False),
        ("NOERROR", (), (), False),
        ("NOERROR", (), ("shop.example. 300 IN NS ns.shop.example.",), False),
        ("NOERROR", ("www.shop.example. 300 IN CNAME shop.example.",), (SOA,), False),
    ],
)
def test_a_plain_denial_is_read_at_little_cost_and_says_the_same(
    rcode: str, answer: tuple[str, ...], authority: tuple[str, ...], short: bool
) -> None:
    message = dns.message.make_response(dns.message.make_query("www.shop.example", "DS"))
    message.set_rcode(dns.rcode.from_text(rcode))
    for section, lines in ((message.answer, answer), (message.authority, authority)):
        section.extend(dns.rrset.from_text(*line.split(maxsplit=4)) for line in lines)
    wire = message.to_wire()
    brief, whole = dnssec._denied(DnsAnswer(wire, "192.0.2.53")), sections(wire)
    assert whole is not None
    assert (brief is not None) == short
    if brief is not None:
        said = [(s.rcode, s.denying, s.signed, s.find("www.shop.example", "DS")) for s in (brief, whole)]
        assert said[0] == said[1]
