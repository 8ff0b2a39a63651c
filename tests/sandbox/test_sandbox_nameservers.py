"""The authoritative servers of a world: who answers what, with which manners, in memory and on sockets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anyio
import pytest

from diag.lab.live.dns import ask as perform
from diag.lab.live.live import Means
from diag.lab.overlay import Nothing
from diag.lab.reroute import Reroute
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence
from diag.sandbox import world as worlds
from diag.sandbox.errors import BadWorld
from diag.sandbox.nameservers import AskedByAddress
from diag.sandbox.serve import played
from diag.sandbox.vantage import Vantage
from diag.sandbox.world import World

PARENT, NS1, NS2 = "192.0.2.2", "198.51.100.53", "203.0.113.54"
NAME = "lantern.example"


def laid(tmp_path: Path, head: str = "", records: str = "", **others: str) -> World:
    for name, text in others.items():
        (tmp_path / f"{name}.txt").write_text(text)
    (tmp_path / "w.zone").write_text(f"; base: healthy\n{head}\n{records}")
    return worlds.load(tmp_path / "w.zone")


def asked(world: World, query: DnsQuery, vantage: Vantage | None = None) -> DnsEvidence:
    async def run() -> DnsEvidence:
        return await AskedByAddress(world.dns, vantage or Vantage(), Nothing()).run(query)

    return anyio.run(run)


def answer(world: World, name: str, rdtype: str, server: str, **how: object) -> DnsAnswer:
    said = asked(world, DnsQuery(name, rdtype, server, **how))  # type: ignore[arg-type]
    assert isinstance(said, DnsAnswer), said
    return said


def sets(said: DnsAnswer) -> dict[str, list[str]]:
    return {
        "answer": list(said.lines()),
        "authority": [line for rrset in said.authority for line in rrset.lines()],
        "additional": [line for rrset in said.additional for line in rrset.lines()],
    }


def test_a_server_of_the_zone_answers_with_authority(tmp_path: Path) -> None:
    said = answer(laid(tmp_path), NAME, "NS", NS1)
    assert (said.rcode, said.authoritative, said.recursive) == ("NOERROR", True, False)
    assert sets(said)["answer"] == [
        "lantern.example. 3600 IN NS ns1.lantern.example.",
        "lantern.example. 3600 IN NS ns2.lantern.example.",
    ]


def test_the_parent_refers_with_the_addresses_it_knows(tmp_path: Path) -> None:
    said = answer(laid(tmp_path), f"www.{NAME}", "A", PARENT)
    told = sets(said)
    assert (said.rcode, said.authoritative, told["answer"]) == ("NOERROR", False, [])
    assert [line.split()[-1] for line in told["authority"]] == [
        "ns1.lantern.example.",
        "ns2.lantern.example.",
    ]
    assert {line.split()[-1] for line in told["additional"]} == {
        NS1,
        NS2,
        "2001:db8:10::53",
        "2001:db8:20::54",
    }


@pytest.mark.parametrize(
    ("name", "rdtype", "server", "rcode"),
    [
        ("nosuch.lantern.example", "A", NS1, "NXDOMAIN"),
        ("_tcp.mx1.lantern.example", "A", NS1, "NOERROR"),
        ("nosuch.example", "NS", PARENT, "NXDOMAIN"),
        ("elsewhere.test", "A", NS1, "REFUSED"),
        (NAME, "DS", PARENT, "NOERROR"),
    ],
)
def test_response_codes(tmp_path: Path, name: str, rdtype: str, server: str, rcode: str) -> None:
    said = answer(laid(tmp_path), name, rdtype, server)
    assert (said.rcode, said.authoritative) == (rcode, rcode != "REFUSED")


def test_nobody_answers_where_there_is_no_server(tmp_path: Path) -> None:
    assert isinstance(asked(laid(tmp_path), DnsQuery(NAME, "SOA", "192.0.2.53")), DnsSilence)


@pytest.mark.parametrize(
    ("manner", "transport", "outcome"),
    [
        ("lame", "", "REFUSED udp"),
        ("servfail", "", "SERVFAIL udp"),
        ("silent", "", "timed out"),
        ("no-tcp", "tcp", "connection refused"),
        ("no-tcp", "", "NOERROR udp"),
        ("no-edns", "", "NOERROR plain"),
        ("drops-edns", "", "timed out"),
        ("drops-edns", "plain", "NOERROR udp"),
        ("not-authoritative", "", "NOERROR udp without authority"),
    ],
)
def test_manners(tmp_path: Path, manner: str, transport: str, outcome: str) -> None:
    said = asked(
        laid(tmp_path, f"; server: {NS1} {manner}"),
        DnsQuery(NAME, "SOA", NS1, transport=transport),  # type: ignore[arg-type]
    )
    if isinstance(said, DnsSilence):
        assert said.why == outcome
    else:
        told = f"{said.rcode} {said.transport}{'' if said.authoritative or 'NO' not in said.rcode else ' without authority'}"
        assert told == outcome


def test_a_server_with_a_text_of_its_own(tmp_path: Path) -> None:
    world = laid(tmp_path, f"; server: {NS2} zone old.txt", old='lantern.example. TXT "old"\n')
    told = {server: sets(answer(world, NAME, "TXT", server))["answer"][0] for server in (NS1, NS2)}
    assert told[NS2] == 'lantern.example. 3600 IN TXT "old"'
    assert "v=spf1" in told[NS1]


def test_a_server_that_lags_at_first_has_caught_up_at_the_second_look(tmp_path: Path) -> None:
    world = laid(
        tmp_path,
        f"; server: {NS2} zone old.txt\n; server: {NS2} at-first",
        old='lantern.example. TXT "old"\n',
    )
    assert "old" in sets(answer(world, NAME, "TXT", NS2))["answer"][0]
    assert "v=spf1" in sets(answer(world, NAME, "TXT", NS2, look=2))["answer"][0]


def test_a_record_that_fails_fails_at_the_zones_servers_and_not_at_the_parents(tmp_path: Path) -> None:
    world = laid(tmp_path, "; fails: lantern.example ANY servfail")
    assert answer(world, NAME, "NS", NS1).rcode == "SERVFAIL"
    assert answer(world, NAME, "NS", PARENT).authority


def test_what_does_not_fit_comes_over_tcp(tmp_path: Path) -> None:
    big = "".join(f'lantern.example. TXT "{number:0200d}"\n' for number in range(8))
    assert answer(laid(tmp_path, records=big), NAME, "TXT", NS1).transport == "tcp"
    assert isinstance(
        asked(laid(tmp_path, f"; server: {NS1} no-tcp", big), DnsQuery(NAME, "TXT", NS1)), DnsSilence
    )


def test_our_network_may_be_shut_or_may_forward_every_question_to_our_resolver(tmp_path: Path) -> None:
    world = laid(tmp_path)
    query = DnsQuery(NAME, "SOA", "192.0.2.53")
    assert isinstance(asked(world, dataclasses.replace(query, server=NS1), Vantage(shut=(53,))), DnsSilence)
    forwarded = asked(world, query, Vantage(forwards=True))
    assert isinstance(forwarded, DnsAnswer)
    assert (forwarded.authoritative, forwarded.recursive) == (False, True)


@pytest.mark.parametrize("said", ["198.51.100.53 rude", "ns1 lame", "198.51.100.53 zone nosuch.txt"])
def test_a_bad_word_about_a_server_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(BadWorld):
        laid(tmp_path, f"; server: {said}")


def test_servers_are_played_on_sockets(tmp_path: Path) -> None:
    world = laid(
        tmp_path,
        f"; server: {NS2} zone old.txt\n; server: {NS1} no-edns",
        old='lantern.example. TXT "old"\n',
    )

    class Performed:
        async def run(self, query: DnsQuery) -> DnsEvidence:
            said: DnsEvidence = await perform.function(query, Means())
            return said

    async def run() -> list[DnsEvidence]:
        async with played(world) as play:
            assert {host for host, _ in play.routes.values()} <= {"127.0.0.1", "127.255.255.255"}
            lab = Reroute(play.routes, Performed(), only=True)  # type: ignore[arg-type]
            questions = (
                DnsQuery(NAME, "TXT", NS2),
                DnsQuery(NAME, "TXT", NS2, transport="tcp"),
                DnsQuery(NAME, "SOA", NS1),
                DnsQuery(NAME, "SOA", "192.0.2.53"),
            )
            return [await lab.run(question) for question in questions]

    udp, tcp, plain, nobody = anyio.run(run)
    assert isinstance(udp, DnsAnswer)
    assert isinstance(tcp, DnsAnswer)
    assert isinstance(plain, DnsAnswer)
    assert list(udp.lines()) == list(tcp.lines()) == ['lantern.example. 3600 IN TXT "old"']
    assert (udp.transport, tcp.transport, plain.transport) == ("udp", "tcp", "plain")
    assert (udp.authoritative, plain.rcode) == (True, "NOERROR")
    assert isinstance(nobody, DnsSilence)
