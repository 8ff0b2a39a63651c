"""Asking the name servers themselves: what is asked, how often, and when nothing is concluded."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing
from zoned_lab import ZonedLab, gathered

from diag.facts.zone import Standing, ZoneDelegation, ZoneServers
from diag.gather.registration import is_free
from diag.gather.zone import zone_delegation
from diag.gather.zone_names import broken_aliases
from diag.gather.zone_servers import zone_servers
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery, DnsSilence, Silent, build_answer
from diag.run.registry import load as registry
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.vantage import Vantage

NAME = "lantern.example"
OLD = f'{NAME}. TXT "old"\n'
NONE = Unavailable("not looked at")
Delegated = ZoneDelegation | Absent | Unavailable
Asked = ZoneServers | Absent | Unavailable | None


def looked_at(
    path: Path,
    head: str = "",
    records: str = "",
    *,
    name: str = NAME,
    vantage: Vantage | None = None,
    denied: tuple[str, ...] = (),
    loses: str = "",
    proposed: str = "",
    wishes: Mapping[str, Any] | None = None,
    old: str = "",
) -> tuple[Delegated, Asked, Counter[str]]:
    """What is found of a domain, and how many questions each server was asked."""
    (path / "old.txt").write_text(old)
    (path / "w.zone").write_text(f"; base: healthy\n{head}\n{records}")
    world = dataclasses.replace(worlds.load(path / "w.zone"), vantage=vantage or Vantage())

    class Denying:
        """Our resolver says of some names that they do not exist; the first question to one server is lost."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def run(self, probe: Any) -> Any:
            if isinstance(probe, DnsQuery) and probe.server is None and probe.name in denied:
                return build_answer(probe, rcode="NXDOMAIN")
            if loses and probe == DnsQuery(NAME, "SOA", loses):
                return DnsSilence(Silent.TIMED_OUT, (loses,))
            return await self._inner.run(probe)

    async def run() -> tuple[Delegated, Asked, Counter[str]]:
        target = Target(name, public=DOCUMENTATION, **(wishes or {}))
        async with in_memory(world, registry().performers) as inside:
            once = Once(Denying(inside))
            lab = Overlay(Zone.parse(proposed, "."), once) if proposed else once
            delegation = await zone_delegation.function(target, lab)
            servers = None
            if isinstance(delegation, ZoneDelegation):
                servers = await zone_servers.function(target, delegation, NONE, NONE, lab)
        queries = [query for query in once.seen if isinstance(query, DnsQuery)]
        return delegation, servers, Counter(query.server or "resolver" for query in queries)

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def test_the_parent_and_every_address_are_asked_and_little_is_asked_of_each(tmp_path: Path) -> None:
    delegation, servers, asked = looked_at(tmp_path)
    assert isinstance(delegation, ZoneDelegation)
    assert isinstance(servers, ZoneServers)
    assert (delegation.apex, delegation.by_parent) == (NAME, ("ns1.lantern.example", "ns2.lantern.example"))
    assert [server.standing for server in servers.servers] == [Standing.AUTHORITATIVE] * 4
    assert [(server.tcp, server.edns, server.serial) for server in servers.servers] == [
        (True, True, 2026112101)
    ] * 4
    assert (asked["192.0.2.2"], asked["203.0.113.2"]) == (1, 1)
    # SOA over both transports everywhere; records and aliases at one address of a host.
    assert (asked["2001:db8:10::53"], asked["2001:db8:20::54"]) == (2, 2)
    assert asked["203.0.113.54"] == 7
    assert asked["198.51.100.53"] == 7 + 3


def test_no_server_is_asked_where_the_user_does_not_want_it(tmp_path: Path) -> None:
    delegation, _, asked = looked_at(tmp_path, wishes={"authoritative": False})
    assert isinstance(delegation, Unavailable)
    assert not asked


def test_of_many_addresses_eight_are_asked_and_one_of_each_host_first(tmp_path: Path) -> None:
    names = range(1, 7)
    records = "".join(f"{NAME}. NS ns{n}.{NAME}.\n" for n in names)
    records += "".join(f"ns{n}.{NAME}. A 198.51.{n}.53\nns{n}.{NAME}. AAAA 2001:db8:{n}::53\n" for n in names)
    _, servers, _ = looked_at(tmp_path, records=records)
    assert isinstance(servers, ZoneServers)
    assert [server.address for server in servers.servers] == [
        *(f"198.51.{n}.53" for n in names),
        "2001:db8:1::53",
        "2001:db8:2::53",
    ]


def test_addresses_that_strangers_cannot_reach_are_not_asked(tmp_path: Path) -> None:
    _, servers, asked = looked_at(tmp_path, records=f"ns2.{NAME}. A 10.0.0.53\n")
    assert isinstance(servers, ZoneServers)
    assert "10.0.0.53" not in asked


def test_without_ipv6_only_ipv4_is_asked(tmp_path: Path) -> None:
    _, servers, _ = looked_at(tmp_path, vantage=Vantage(ipv6=False))
    assert isinstance(servers, ZoneServers)
    assert [server.address for server in servers.servers] == ["198.51.100.53", "203.0.113.54"]


def test_without_ipv4_the_zone_above_is_asked_over_ipv6(tmp_path: Path) -> None:
    delegation, _, asked = looked_at(tmp_path, vantage=Vantage(ipv4=False))
    assert isinstance(delegation, ZoneDelegation)
    assert (len(delegation.by_parent), delegation.above) == (2, ("2001:db8:2::2", "2001:db8:20::2"))
    assert not [server for server in asked if "." in server]


def test_a_network_that_answers_in_place_of_others_shows_itself(tmp_path: Path) -> None:
    _, servers, asked = looked_at(tmp_path, vantage=Vantage(forwards=True))
    assert isinstance(servers, Unavailable)
    assert "meant for name servers of others" in servers.because
    assert asked["192.0.2.53"] == 1


def test_where_port_53_is_shut_nothing_is_concluded(tmp_path: Path) -> None:
    _, servers, _ = looked_at(tmp_path, vantage=Vantage(shut=(53,)))
    assert isinstance(servers, Unavailable)
    assert "do not leave our network" in servers.because


def test_the_address_of_nobody_is_asked_only_where_no_server_answers(tmp_path: Path) -> None:
    _, _, asked = looked_at(tmp_path, "; server: 203.0.113.54 silent")
    assert "192.0.2.53" not in asked


def test_a_server_that_does_not_answer_for_the_zone_is_asked_no_more(tmp_path: Path) -> None:
    _, _, asked = looked_at(tmp_path, "; server: 203.0.113.54 lame\n; server: 2001:db8:20::54 silent")
    assert asked["203.0.113.54"] == 1
    assert asked["2001:db8:20::54"] == 2  # once more without EDNS


def test_serials_that_differ_on_three_hosts_cost_no_second_look(tmp_path: Path) -> None:
    third = f"{NAME}. NS ns1.{NAME}.\n{NAME}. NS ns2.{NAME}.\n{NAME}. NS ns3.{NAME}.\nns3.{NAME}. A 198.51.101.53\n"
    serial = f"{NAME}. SOA ns1.{NAME}. hostmaster.{NAME}. 1 7200 3600 1209600 300\n"
    _, two, _ = looked_at(tmp_path, "; server: 203.0.113.54 zone old.txt", old=serial)
    _, three, _ = looked_at(tmp_path, "; server: 203.0.113.54 zone old.txt", third, old=serial)
    assert isinstance(two, ZoneServers)
    assert isinstance(three, ZoneServers)
    assert (two.settled, three.settled) == (True, False)


def test_silent_servers_are_no_doubt_about_our_network_while_the_parent_answers(tmp_path: Path) -> None:
    head = "\n".join(
        f"; server: {a} silent"
        for a in ("198.51.100.53", "203.0.113.54", "2001:db8:10::53", "2001:db8:20::54")
    )
    _, servers, _ = looked_at(tmp_path, head)
    assert isinstance(servers, ZoneServers)
    assert [server.standing for server in servers.servers] == [Standing.SILENT] * 4


def test_a_resolver_that_denies_a_domain_is_not_believed_against_the_zone_above(tmp_path: Path) -> None:
    delegation, servers, _ = looked_at(tmp_path, denied=(NAME, f"ns1.{NAME}", f"ns2.{NAME}"))
    assert isinstance(delegation, ZoneDelegation)
    assert delegation.exists
    assert isinstance(servers, ZoneServers)
    assert servers.authoritative  # by the addresses that the zone above knows


def test_a_domain_that_the_zone_above_denies_does_not_exist(tmp_path: Path) -> None:
    delegation, servers, _ = looked_at(tmp_path, name="gone.example")
    assert isinstance(delegation, ZoneDelegation)
    assert not delegation.exists
    assert isinstance(servers, Absent)


@pytest.mark.parametrize("parent", ["192.0.2.2", "203.0.113.2"])
def test_one_server_of_the_zone_above_that_cannot_be_asked_leaves_it_open(
    tmp_path: Path, parent: str
) -> None:
    delegation, _, _ = looked_at(tmp_path, f"; server: {parent} silent", name="gone.example")
    assert not isinstance(delegation, ZoneDelegation)


def test_a_domain_below_its_zone_is_judged_by_that_zone(tmp_path: Path) -> None:
    delegation, servers, _ = looked_at(tmp_path, name=f"news.{NAME}", records=f'news.{NAME}. TXT "x"\n')
    assert isinstance(delegation, ZoneDelegation)
    assert delegation.apex == NAME
    assert isinstance(servers, ZoneServers)
    assert (f"news.{NAME}", "TXT") in servers.servers[0].records


def test_a_domain_without_a_zone_of_its_own_is_not_judged_by_the_registry(tmp_path: Path) -> None:
    delegation, _, _ = looked_at(tmp_path, name="shop.example", records="shop.example. A 203.0.113.9\n")
    assert isinstance(delegation, Absent)


def test_a_proposed_record_counts_as_being_on_every_server(tmp_path: Path) -> None:
    head = "; server: 203.0.113.54 zone old.txt"
    _, servers, _ = looked_at(tmp_path, head, old=OLD)
    assert isinstance(servers, ZoneServers)
    assert [(each.name, each.rdtype) for each in servers.differences()] == [(NAME, "TXT")]
    _, servers, _ = looked_at(tmp_path, head, proposed=f'{NAME}. TXT "v=spf1 -all"', old=OLD)
    assert isinstance(servers, ZoneServers)
    assert servers.differences() == ()


def test_servers_that_differ_are_asked_again_and_only_they_cost_that(tmp_path: Path) -> None:
    _, servers, asked = looked_at(tmp_path, "; server: 203.0.113.54 zone old.txt", old=OLD)
    assert isinstance(servers, ZoneServers)
    assert servers.settled
    assert asked["203.0.113.54"] == 2 * 7 - 1  # TCP is not tried again
    _, servers, _ = looked_at(tmp_path)
    assert isinstance(servers, ZoneServers)
    assert not servers.settled


def test_serials_alone_are_given_another_minute_where_certainty_is_wanted(tmp_path: Path) -> None:
    head = "; server: 203.0.113.54 zone old.txt\n; server: 2001:db8:20::54 zone old.txt"
    soa = f"{NAME}. SOA ns1.{NAME}. hostmaster.{NAME}. 2026110101 7200 3600 1209600 300\n"
    looks = [
        looked_at(tmp_path, head, old=old, wishes={"confirm": confirm})[1:]
        for confirm in (True, False)
        for old in (OLD, soa, OLD + soa)
    ]
    # Over TCP once, and over UDP as often as there are looks.
    assert [asked["2001:db8:20::54"] for _, asked in looks] == [3, 4, 3, 3, 3, 3]
    assert [found.for_a_minute for found, _ in looks if isinstance(found, ZoneServers)] == [False, True] + [
        False
    ] * 4


def test_a_server_that_drops_edns_is_asked_without_it_from_then_on(tmp_path: Path) -> None:
    _, servers, _ = looked_at(tmp_path, "; server: 198.51.100.53 drops-edns")
    assert isinstance(servers, ZoneServers)
    first = servers.servers[0]
    assert (first.authoritative, first.edns, first.tcp) == (True, False, None)
    assert (NAME, "MX") in first.records


def test_a_lost_packet_is_no_lack_of_edns(tmp_path: Path) -> None:
    _, servers, _ = looked_at(tmp_path, loses="203.0.113.54")
    assert isinstance(servers, ZoneServers)
    assert [(server.edns, server.tcp) for server in servers.servers] == [(True, True)] * 4


@pytest.mark.parametrize("known", [True, False])
def test_a_provider_s_name_is_free_only_where_its_own_servers_say_so(known: bool) -> None:
    target = "shop.azurewebsites.net"
    lab = ZonedLab(
        "autodiscover.a.example. CNAME shop.azurewebsites.net.\n"
        "azurewebsites.net. NS ns.provider.test.\nns.provider.test. A 192.0.2.7\n",
        says={(target, "192.0.2.7"): "NOERROR" if known else "NXDOMAIN"},
    )
    found = gathered(lab, lambda once: broken_aliases.function(Target("a.example"), NONE, once))
    assert isinstance(found, Many)
    (alias,) = found.values()
    assert (alias.name, bool(alias.claimable)) == ("autodiscover.a.example", not known)


class Forwarded(ZonedLab):
    """What is sent to name servers is answered by somebody on the way, who has no authority."""

    async def run(self, probe: Any) -> Any:
        answer = await super().run(probe)
        if not isinstance(answer, DnsAnswer) or probe.server is None:
            return answer
        return dataclasses.replace(answer, wire=answer.wire[:2] + b"\x80" + answer.wire[3:])


@pytest.mark.parametrize(("lab", "free"), [(ZonedLab, True), (Forwarded, None)])
def test_a_name_is_free_only_by_the_word_of_those_in_authority(
    lab: type[ZonedLab], free: bool | None
) -> None:
    zone = "example. NS ns.registry.test.\nns.registry.test. A 192.0.2.7\n"
    made = lab(zone, says={("gone.example", "192.0.2.7"): "NXDOMAIN"})
    assert gathered(made, lambda once: is_free(once, "mx.gone.example"))[0] is free
