"""Reverse names: whose addresses are looked at, and what their PTR records come to."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from diag.facts.dmarc import DmarcDiscovery
from diag.facts.mx import MailExchange, MxHost, Routing
from diag.facts.reverse import ReverseName
from diag.gather.mx import addresses_of
from diag.gather.reverse import MOST_NAMES, reverse_names, reverse_of
from diag.lab.once import Once
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsQuery, build_answer

PUBLIC = ("192.0.2.0/24", "2001:db8::/32")
PTR = "1.2.0.192.in-addr.arpa"


def of_address(
    zone: str, address: str = "192.0.2.1", fails: dict[tuple[str, str], str] | None = None
) -> ReverseName | Unavailable:
    async def go() -> ReverseName | Unavailable:
        lab = Once(Overlay(Zone.parse(zone, "."), Nothing(), whole=True, fails=fails))
        return await reverse_of(Target("d.example"), address, ("mx.d.example",), lab)

    return anyio.run(go)


def known(zone: str, address: str = "192.0.2.1") -> ReverseName:
    found = of_address(zone, address)
    assert isinstance(found, ReverseName)
    return found


def test_a_name_leads_back() -> None:
    found = known(f"{PTR}. PTR MX.d.example.\nmx.d.example. A 192.0.2.1\nmx.d.example. AAAA 2001:db8::1\n")
    assert found.confirmed == ("mx.d.example",)
    assert found.names[0].addresses == ("192.0.2.1",)


def test_addresses_are_compared_as_numbers() -> None:
    pointer = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"
    zone = f"{pointer}. PTR mx.d.example.\nmx.d.example. AAAA 2001:0DB8:0::0001\n"
    assert known(zone, "2001:db8::1").confirmed == ("mx.d.example",)


def test_no_record_is_no_name_and_the_owner_is_where_it_belongs() -> None:
    assert known("x.example. A 192.0.2.9\n").names == ()
    delegated = known(f"{PTR}. CNAME 1.0-15.2.0.192.in-addr.arpa.\n1.0-15.2.0.192.in-addr.arpa. TXT x\n")
    assert (delegated.names, delegated.owner) == ((), "1.0-15.2.0.192.in-addr.arpa")


def test_servfail_twice_is_a_broken_zone() -> None:
    found = of_address("x.example. A 192.0.2.9\n", fails={(PTR, "PTR"): "servfail"})
    assert isinstance(found, ReverseName)
    assert found.broken
    assert found.names == ()


@pytest.mark.parametrize("failure", ["refused", "timeout"])
def test_silence_and_refusals_say_nothing_of_the_zone(failure: str) -> None:
    assert isinstance(of_address("x.example. A 192.0.2.9\n", fails={(PTR, "PTR"): failure}), Unavailable)


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [("SERVFAIL", "SERVFAIL", True), ("REFUSED", "SERVFAIL", False), ("SERVFAIL", "REFUSED", False)],
)
def test_both_looks_must_meet_servfail(first: str, second: str, broken: bool) -> None:
    class Twice:
        async def run(self, probe: Any) -> Any:
            assert isinstance(probe, DnsQuery)
            return build_answer(probe, rcode=second if probe.dnssec else first)

    async def go() -> ReverseName | Unavailable:
        return await reverse_of(Target("d.example"), "192.0.2.1", ("mx.d.example",), Once(Twice()))

    assert isinstance(anyio.run(go), ReverseName) is broken


def test_names_beyond_the_limit_stay_unknown() -> None:
    zone = "".join(f"{PTR}. PTR n{at:02}.d.example.\n" for at in range(MOST_NAMES + 2))
    names = known(zone).names
    assert len(names) == MOST_NAMES + 2
    assert [name.unknown != "" for name in names] == [False] * MOST_NAMES + [True] * 2


def subjects(zone: str, *hosts: str, organizational: str = "", implicit: bool = False) -> list[str]:
    async def go() -> Many[ReverseName]:
        lab = Once(Overlay(Zone.parse(zone, "."), Nothing(), whole=True))
        found: dict[str, MxHost | Absent | Unavailable] = {
            host: await addresses_of(lab, host) for host in hosts
        }
        routing = Routing("d.example", tuple(MailExchange(10, host) for host in hosts), implicit, False, ())
        discovery = DmarcDiscovery("d.example", (), organizational, "", (), True, ())
        target = Target("d.example", public=PUBLIC)
        return await reverse_names.function(target, routing, Many(found), discovery, lab)

    return list(anyio.run(go).items)


def test_only_public_addresses_of_own_hosts_are_looked_at() -> None:
    zone = (
        "mx.d.example. A 192.0.2.1\nmx.d.example. A 10.0.0.1\nmx.d.example. AAAA 2001:db8::1\n"
        "mx.p.example. A 192.0.2.7\nown.d.example. CNAME mx.p.example.\n"
    )
    hosts = ("mx.d.example", "mx.p.example", "own.d.example")
    assert subjects(zone, *hosts) == ["192.0.2.1", "2001:db8::1"]


def test_hosts_below_the_organizational_domain_are_own_hosts() -> None:
    zone = "mx.example. A 192.0.2.1\n"
    assert subjects(zone, "mx.example") == []
    assert subjects(zone, "mx.example", organizational="example") == ["192.0.2.1"]


def test_an_address_of_two_hosts_is_looked_at_once() -> None:
    zone = "a.d.example. A 192.0.2.1\nb.d.example. A 192.0.2.1\n"
    assert subjects(zone, "a.d.example", "b.d.example") == ["192.0.2.1"]


def test_what_takes_the_place_of_an_mx_is_not_presumed_to_send() -> None:
    assert subjects("d.example. A 192.0.2.1\n", "d.example", implicit=True) == []
