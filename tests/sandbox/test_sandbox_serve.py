"""Worlds on loopback: distance, counters and the resolver."""

import dataclasses
import struct

import anyio
import pytest
from played_worlds import IMAP, SMTP, Routed, quirky, rest, run, until, world

from diag.lab.live.network import Sockets
from diag.sandbox.serve import played
from diag.sandbox.world import packaged

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


def test_a_round_trip_delays_what_passes_both_ways() -> None:
    async def test() -> tuple[float, float]:
        async with played(world(SMTP), rtt_ms=60) as play, Routed(play.routes) as network:
            began = anyio.current_time()
            wire = await network.connect(SMTP.address, 25)
            greeting = await until(wire, b"\r\n")
            greeted = anyio.current_time()
            await wire.write(b"NOOP\r\nQUIT\r\n")
            assert greeting + await rest(wire) == (
                b"220 mx.a.example ESMTP Postfix\r\n250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"
            )
            return greeted - began, anyio.current_time() - greeted

    greeting, replies = run(test)
    # Never sooner than the way allows: a round trip for the connection, another for the greeting.
    assert greeting > 0.11
    assert replies > 0.05


def test_far_away_a_peer_stops_when_its_client_has_gone() -> None:
    async def test() -> None:
        async with played(world(quirky(SMTP, endless_reply="GREETING")), rtt_ms=2) as play:
            wire = await Sockets().connect(*play.routes[SMTP.endpoint])
            await wire.read(4096)
            await wire.close()

    run(test)


def test_connections_are_counted_by_the_worlds_own_addresses() -> None:
    async def test() -> dict[tuple[str, int], int]:
        async with played(world(SMTP, IMAP)) as play, Routed(play.routes) as network:
            for port in (25, 25, 143):
                await until(await network.connect(SMTP.address, port), b"\r\n")
            return dict(play.counters.connections)

    assert run(test) == {(SMTP.address, 25): 2, (SMTP.address, 143): 1}


def test_nothing_but_loopback_is_bound() -> None:
    async def test() -> set[str]:
        async with played(packaged("harbour")) as play:
            return {address for address, _ in (*play.routes.values(), play.resolver)}

    assert run(test) == {"127.0.0.1"}


def test_a_question_over_tcp_is_answered_again_and_again() -> None:
    import dns.message

    async def test() -> list[int]:
        async with played(packaged("healthy")) as play:
            counts = []
            wire = await Sockets().connect(*play.resolver)
            for name in ("lantern.example", "lantern.example", "nobody.example"):
                query = dns.message.make_query(name, "MX").to_wire()
                await wire.write(struct.pack("!H", len(query)) + query)
                octets = await wire.read(65536)
                counts.append(len(dns.message.from_wire(octets[2:]).answer))
            await wire.close()
            assert play.counters.questions == {("lantern.example", "MX"): 2, ("nobody.example", "MX"): 1}
            return counts

    assert run(test) == [1, 1, 0]


def test_a_question_over_udp_is_answered_and_a_failing_one_is_not() -> None:
    import dns.asyncquery
    import dns.exception
    import dns.message

    silent = dataclasses.replace(packaged("healthy").dns, fails={("lantern.example", "TXT"): "timeout"})

    async def test() -> int:
        async with played(dataclasses.replace(packaged("healthy"), dns=silent)) as play:
            address, port = play.resolver

            async def ask(rdtype: str, within: float) -> int:
                query = dns.message.make_query("lantern.example", rdtype)
                answer = await dns.asyncquery.udp(query, address, timeout=within, port=port)
                return len(answer.answer)

            with pytest.raises(dns.exception.Timeout):
                await ask("TXT", 0.2)
            return await ask("MX", 10)

    assert run(test) == 1
