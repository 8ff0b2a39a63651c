"""TLSA records as senders find them: at which name, how secure, and what a failing look-up means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest

from diag.facts.dane import DaneHost, HeededTlsa
from diag.facts.dnssec import DnssecStatus, Security
from diag.facts.mx import MxHost, Routing
from diag.gather.dane import _beside, dane_host, heeded_tlsa, read_leniently
from diag.gather.dnssec import dnssec_status
from diag.gather.mx import addresses_of
from diag.lab.once import Once
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery, build_answer
from diag.probes.pause import Pause, Paused
from diag.records.tlsa import Tlsa, TlsaProblem

A, B = "aa" * 32, "bb" * 32
ROOT = ". SOA a.example. h.example. 1 7200 3600 1209600 300\n"
HOST = "mx.d.example. A 192.0.2.1\n"
ALIAS = "mx.d.example. CNAME mx.p.example.\nmx.p.example. A 192.0.2.1\n"


class Waiting:
    """Lets pauses pass and keeps them; knows nothing else."""

    def __init__(self) -> None:
        self.pauses: list[str] = []

    async def run(self, probe: Any) -> Any:
        if isinstance(probe, Pause):
            self.pauses.append(probe.before)
            return Paused(probe.seconds)
        return await Nothing().run(probe)


def looked(
    zone: str, secure: str = ". d.example", fails: dict[tuple[str, str], str] | None = None, **wishes: Any
) -> DaneHost | Absent | Unavailable:
    async def go() -> DaneHost | Absent | Unavailable:
        lab = Once(
            Overlay(
                Zone.parse(ROOT + zone, "."), Waiting(), whole=True, secure=tuple(secure.split()), fails=fails
            )
        )
        host = await addresses_of(lab, "mx.d.example")
        assert isinstance(host, MxHost)
        return await dane_host(Target("d.example", **wishes), host, lab)

    return anyio.run(go)


def found(zone: str, **kwargs: Any) -> DaneHost:
    host = looked(zone, **kwargs)
    assert isinstance(host, DaneHost), host
    return host


def tlsa(name: str, digest: str = A) -> str:
    return f"_25._tcp.{name}. TLSA 3 1 1 {digest}\n"


@pytest.mark.parametrize(
    ("secure", "addresses", "whole"),
    [
        (". d.example", Security.SECURE, Security.SECURE),
        (".", Security.INSECURE, Security.INSECURE),
        ("d.example", Security.INDETERMINATE, Security.INDETERMINATE),
    ],
)
def test_security_needs_a_resolver_that_validates(secure: str, addresses: Security, whole: Security) -> None:
    host = found(HOST + tlsa("mx.d.example"), secure=secure)
    assert (host.addresses, host.security) == (addresses, whole)
    assert host.secure is (whole is Security.SECURE)


def test_records_behind_an_alias_into_an_unsigned_zone_are_insecure() -> None:
    zone = HOST + f"_25._tcp.mx.d.example. CNAME dane.u.example.\ndane.u.example. TLSA 3 1 1 {A}\n"
    host = found(zone)
    assert (host.addresses, host.security, host.owner) == (
        Security.SECURE,
        Security.INSECURE,
        "dane.u.example",
    )


def test_the_name_an_alias_leads_to_comes_before_the_alias() -> None:
    both = ALIAS + tlsa("mx.d.example") + tlsa("mx.p.example", B)
    assert found(both, secure=". d.example p.example").base == "mx.p.example"
    own = found(ALIAS + tlsa("mx.d.example"), secure=". d.example p.example")
    assert (own.base, own.secure) == ("mx.d.example", True)


def test_a_secure_alias_into_an_unsigned_zone_binds_its_own_name() -> None:
    both = ALIAS + tlsa("mx.d.example") + tlsa("mx.p.example", B)
    host = found(both)
    assert (host.base, host.addresses, host.secure) == ("mx.d.example", Security.SECURE, True)


@pytest.mark.parametrize("failure", ["servfail", "refused", "timeout"])
def test_a_failing_look_up_matters_where_senders_would_ask(failure: str) -> None:
    fails = {("_25._tcp.mx.d.example", "TLSA"): failure}
    host = found(HOST, fails=fails)
    assert host.trouble
    assert not host.records
    assert not host.secure
    assert isinstance(looked(HOST, secure=".", fails=fails), Absent)
    assert isinstance(looked(HOST, secure="", fails=fails), Unavailable)


def test_with_a_pause_the_second_look_is_certain() -> None:
    fails = {("_25._tcp.mx.d.example", "TLSA"): "servfail"}
    assert found(HOST, fails=fails, confirm=True).waited
    assert not found(HOST, fails=fails).waited


def test_a_second_look_that_is_answered_leaves_it_open() -> None:
    class Twice:
        """Fails where no signatures are asked for."""

        def __init__(self, inner: Overlay) -> None:
            self.inner = inner

        async def run(self, probe: Any) -> Any:
            if isinstance(probe, DnsQuery) and probe.rdtype == "TLSA" and not probe.dnssec:
                return build_answer(probe, rcode="SERVFAIL")
            return await self.inner.run(probe)

    async def go() -> DaneHost | Absent | Unavailable:
        zone = Zone.parse(ROOT + HOST + tlsa("mx.d.example"), ".")
        lab = Once(Twice(Overlay(zone, Nothing(), whole=True, secure=(".", "d.example"))))
        host = await addresses_of(lab, "mx.d.example")
        assert isinstance(host, MxHost)
        return await dane_host(Target("d.example"), host, lab)

    assert isinstance(anyio.run(go), Unavailable)


def test_no_record_is_absent_whether_or_not_the_denial_is_secure() -> None:
    assert type(looked(HOST)) is Absent
    assert type(looked(HOST, secure=".")) is Absent


def garbled(*rdatas: bytes, flags: int = dns.flags.QR | dns.flags.AD) -> bytes:
    """A message with TLSA records that the library refuses to read."""
    query = dns.message.make_query("_25._tcp.mx.d.example", "TLSA")
    head = bytearray(query.to_wire())[: 12 + len(query.question[0].name.to_wire()) + 4]  # type: ignore[arg-type]
    head[2:4], head[6:8], head[10:12] = flags.to_bytes(2), len(rdatas).to_bytes(2), bytes(2)
    for rdata in rdatas:
        head += b"\xc0\x0c" + (52).to_bytes(2) + (1).to_bytes(2) + bytes(4) + len(rdata).to_bytes(2) + rdata
    return bytes(head)


def test_a_digest_of_the_wrong_length_is_a_record_and_no_failing_look_up() -> None:
    wire = garbled(b"\x03\x01\x01" + b"\xaa" * 20, b"\x03\x01\x01" + b"\xbb" * 32)
    assert DnsAnswer(wire, "x").garbled  # the reason for reading it ourselves

    class Garbled:
        def __init__(self, inner: Overlay) -> None:
            self.inner = inner

        async def run(self, probe: Any) -> Any:
            is_tlsa = isinstance(probe, DnsQuery) and probe.rdtype == "TLSA"
            return DnsAnswer(wire, "x") if is_tlsa else await self.inner.run(probe)

    async def go() -> DaneHost | Absent | Unavailable:
        zone = Zone.parse(ROOT + HOST, ".")
        lab = Once(Garbled(Overlay(zone, Nothing(), whole=True, secure=(".", "d.example"))))
        host = await addresses_of(lab, "mx.d.example")
        assert isinstance(host, MxHost)
        return await dane_host(Target("d.example"), host, lab)

    host = anyio.run(go)
    assert isinstance(host, DaneHost)
    assert (host.trouble, host.security, len(host.usable)) == ("", Security.SECURE, 1)
    assert host.unusable[0].problems == (TlsaProblem.DIGEST_LENGTH,)


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_reading_leniently_never_raises(cut: int) -> None:
    wire = garbled(b"\x03\x01\x01" + b"\xaa" * 20)
    assert read_leniently(wire[:cut], "_25._tcp.mx.d.example") == ((), False)
    assert read_leniently(wire, "_25._tcp.mx.d.example") == ((Tlsa(3, 1, 1, b"\xaa" * 20),), True)
    assert read_leniently(wire, "other.example")[0] == ()


@pytest.mark.parametrize(
    ("secure", "security"),
    [
        (". d.example", Security.SECURE),
        (".", Security.INSECURE),
        ("d.example", Security.INDETERMINATE),
    ],
)
def test_the_status_of_the_domain_is_the_resolver_s_word(secure: str, security: Security) -> None:
    async def go(zone: str) -> DnssecStatus | Unavailable:
        lab = Once(Overlay(Zone.parse(ROOT + zone, "."), Nothing(), whole=True, secure=tuple(secure.split())))
        return await dnssec_status.function(Target("d.example"), lab, Absent(), Absent())

    for zone in ("d.example. MX 10 mx.d.example.\n", "d.example. A 192.0.2.1\n"):
        status = anyio.run(go, zone)
        assert isinstance(status, DnssecStatus)
        assert status.security is security


def test_a_failing_look_up_gives_no_status() -> None:
    async def go() -> DnssecStatus | Unavailable:
        fails = {("d.example", "MX"): "servfail"}
        lab = Once(Overlay(Zone.parse(ROOT, "."), Nothing(), whole=True, secure=(".",), fails=fails))
        return await dnssec_status.function(Target("d.example"), lab, Absent(), Absent())

    assert isinstance(anyio.run(go), Unavailable)


def test_secure_records_of_insecure_addresses_do_not_count() -> None:
    host = found(HOST + tlsa("mx.d.example"), secure=". _25._tcp.mx.d.example")
    assert (host.addresses, host.security) == (Security.INSECURE, Security.INSECURE)


def test_only_secure_records_are_heeded() -> None:
    secure = found(HOST + tlsa("mx.d.example"))
    host = secure.host
    cases = {
        "a": (secure, HeededTlsa),
        "b": (replace(secure, security=Security.INSECURE), Absent),
        "c": (replace(secure, security=Security.INDETERMINATE), Unavailable),
        "d": (replace(secure, records=(), security=Security.INDETERMINATE, trouble="SERVFAIL"), Unavailable),
        "e": (Absent("none"), Absent),
        "f": (Unavailable("421"), Unavailable),
    }
    hosts = Many({name: known for name, (known, _) in cases.items()})
    heeded = anyio.run(heeded_tlsa.function, hosts)
    assert {name: type(each) for name, each in heeded.items.items()} == {
        name: kind for name, (_, kind) in cases.items()
    }
    kept = heeded.get("a")
    assert isinstance(kept, HeededTlsa)
    assert kept.host.host == host


@pytest.mark.parametrize(
    ("routing", "names"),
    [
        (Routing("d.example", (), False, True, ()), ("base.example", "d.example")),
        (Routing("d.example", (), False, True, (), "e.example"), ("base.example", "d.example", "e.example")),
        (Routing("d.example", (), True, False, ()), ("base.example", "d.example")),
        (Routing("d.example", (), False, False, ()), ("base.example", "mx.d.example")),
    ],
)
def test_what_a_certificate_may_name_depends_on_what_led_to_the_host(
    routing: Routing, names: tuple[str, ...]
) -> None:
    host = replace(found(HOST + tlsa("mx.d.example")), base="base.example")
    assert replace(host, beside=_beside(host, routing)).names == names
