"""Where a world is looked at from: limits of our own network and resolver, played in memory."""

import ipaddress
from pathlib import Path
from typing import Any

import anyio
import pytest

from diag.lab.live.network import Network, Trouble, WireError
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, build_answer
from diag.probes.moment import Reach, Route
from diag.run.registry import load as registry
from diag.sandbox.errors import BadWorld
from diag.sandbox.hosts import State
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.staged import in_memory
from diag.sandbox.vantage import OurResolver, Vantage
from diag.sandbox.world import World, load
from diag.sandbox.zones import Dns

BASE = "; base: healthy\n; bogus: example\nd.example. A 192.0.2.1\n"


def seen_from(tmp_path: Path, vantage: str) -> World:
    (tmp_path / "w.zone").write_text(BASE, encoding="utf-8")
    (tmp_path / "w.toml").write_text(f"vantage = {{ {vantage} }}\n", encoding="utf-8")
    return load(tmp_path / "w.zone")


async def trouble(network: Network, address: str, port: int) -> Trouble | None:
    with anyio.move_on_after(0.05):
        try:
            await (await network.connect(address, port)).close()
        except WireError as error:
            return error.trouble
        return None
    return Trouble.FAILED  # it never came about


@pytest.mark.parametrize(
    ("vantage", "met"),
    [
        ("", {}),
        ("ipv6 = false", {("2001:db8:10::10", 25): Trouble.UNREACHABLE}),
        (
            "ipv4 = false",
            {("198.51.100.10", 25): Trouble.UNREACHABLE, ("198.51.100.30", 993): Trouble.UNREACHABLE},
        ),
        ("shut = [25]", {("198.51.100.10", 25): Trouble.FAILED, ("2001:db8:10::10", 25): Trouble.FAILED}),
        ('shut = [993], shuts = "refused"', {("198.51.100.30", 993): Trouble.REFUSED}),
        ('shut = [993], shuts = "unreachable"', {("198.51.100.30", 993): Trouble.UNREACHABLE}),
    ],
)
def test_our_own_network_decides_before_the_host(
    tmp_path: Path, vantage: str, met: dict[tuple[str, int], Trouble]
) -> None:
    async def test() -> dict[tuple[str, int], Trouble | None]:
        tried = (("198.51.100.10", 25), ("2001:db8:10::10", 25), ("198.51.100.30", 993))
        async with MemoryNetwork(seen_from(tmp_path, vantage)) as network:
            return {each: await trouble(network, *each) for each in tried}

    found = anyio.run(test)
    assert {each: how for each, how in found.items() if how is not None} == met


@pytest.mark.parametrize(
    ("vantage", "families", "reached"),
    [
        ("", {4, 6}, {4, 6}),
        ("ipv6 = false", {4}, {4}),
        ("ipv4 = false", {6}, {6}),
        ("shut = [25]", {4, 6}, set()),
    ],
)
def test_we_see_our_own_limits(tmp_path: Path, vantage: str, families: set[int], reached: set[int]) -> None:
    async def test() -> tuple[set[int], set[int]]:
        async with in_memory(seen_from(tmp_path, vantage), registry().performers) as lab:
            routes = {family for family in (4, 6) if (await lab.run(Route(family))).address}
            hosts = {4: "192.0.2.9", 6: "2001:db8::9"}
            tries = {family: await lab.run(Reach("ref.example", hosts[family], 25)) for family in (4, 6)}
            return routes, {family for family, each in tries.items() if not each.trouble}

    assert anyio.run(test) == (families, reached)


class Told:
    """Says that only lantern.example is there."""

    async def run(self, probe: Any) -> Any:
        return build_answer(probe, rcode="NOERROR" if probe.name == "lantern.example" else "NXDOMAIN")


def asked(vantage: Vantage, name: str, rdtype: str) -> DnsEvidence:
    async def test() -> DnsEvidence:
        return await OurResolver(vantage, Told()).run(DnsQuery(name, rdtype))

    return anyio.run(test)


@pytest.mark.parametrize(
    ("how", "rcode"), [("servfail", "SERVFAIL"), ("refused", "REFUSED"), ("", "NOERROR")]
)
def test_a_resolver_may_answer_nothing(how: str, rcode: str) -> None:
    answer = asked(Vantage(resolver=how), "lantern.example", "MX")
    assert isinstance(answer, DnsAnswer)
    assert answer.rcode == rcode
    assert isinstance(asked(Vantage(resolver="timeout"), "lantern.example", "MX"), DnsSilence)


def test_a_network_may_drop_questions_for_one_type() -> None:
    vantage = Vantage(drops=("TLSA",))
    assert isinstance(asked(vantage, "lantern.example", "TLSA"), DnsSilence)
    assert isinstance(asked(vantage, "lantern.example", "MX"), DnsAnswer)


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "records"),
    [
        ("gone.example", "A", "NOERROR", ["192.0.2.99"]),
        ("gone.example", "AAAA", "NOERROR", ["2001:db8::99"]),
        ("gone.example", "MX", "NOERROR", []),
        ("lantern.example", "A", "NOERROR", []),
    ],
)
def test_a_resolver_may_invent_addresses(name: str, rdtype: str, rcode: str, records: list[str]) -> None:
    answer = asked(Vantage(invents=("192.0.2.99", "2001:db8::99")), name, rdtype)
    assert isinstance(answer, DnsAnswer)
    assert answer.rcode == rcode
    assert [line.split()[-1] for line in answer.lines()] == records


def test_a_resolver_that_does_not_validate_takes_what_is_bogus(tmp_path: Path) -> None:
    dns = seen_from(tmp_path, "").dns
    assert Vantage().seen(dns) == dns
    seen = Vantage(validates=False).seen(dns)
    assert (seen.secure, dict(seen.fails)) == ((), {})
    assert dns.secure
    assert dns.fails
    kept = Dns(fails={("a.example", "MX"): "servfail"}, bogus=("b.example",))
    assert Vantage(validates=False).seen(kept).fails == kept.fails


def test_every_key_is_read() -> None:
    given = {
        "ipv4": False,
        "shut": [25, 443],
        "shuts": "refused",
        "resolver": "timeout",
        "invents": ["2001:DB8::0:1"],
        "drops": ["TLSA"],
        "validates": False,
    }
    made = Vantage.read(given)
    assert made == Vantage(
        ipv4=False,
        shut=(25, 443),
        shuts=State.REFUSED,
        resolver="timeout",
        invents=(str(ipaddress.ip_address("2001:db8::1")),),
        drops=("TLSA",),
        validates=False,
    )


@pytest.mark.parametrize(
    ("vantage", "fault"),
    [
        ("ipv5 = true", "unknown key 'ipv5'"),
        ('shuts = "slow"', "'slow' is not a valid State"),
        ('resolver = "late"', "fails by one of"),
        ('invents = ["nowhere"]', "'nowhere' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, vantage: str, fault: str) -> None:
    with pytest.raises(BadWorld, match=fault):
        seen_from(tmp_path, vantage)
