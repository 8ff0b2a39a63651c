"""Worlds played both ways: the same octets, and every way in which a host can misbehave."""

import contextlib
import dataclasses
import itertools
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import anyio
import pytest
import trio.testing

from diag.lab.live.network import Network, Sockets, Trouble, Wire, WireError
from diag.lab.live.tls import secure
from diag.sandbox.certificates import Certificates
from diag.sandbox.hosts import Document, Handshake, HostSpec, Kind, Quirks, State, Tls
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.peer import LONGEST_LINE, Heard
from diag.sandbox.serve import played
from diag.sandbox.world import World, packaged
from diag.sandbox.zones import Dns
from diag.tls.handshake import Handshake as Recorded, TlsFailure, TlsTrouble

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
T = TypeVar("T")

SMTP = HostSpec("192.0.2.1", 25, Kind.SMTP, Tls.STARTTLS, "mx.a.example", domains=("a.example",))
IMAP = HostSpec("192.0.2.1", 143, Kind.IMAP, Tls.STARTTLS, "mail.a.example")
POP3 = HostSpec("192.0.2.1", 110, Kind.POP3, Tls.STARTTLS, "mail.a.example")
HTTPS = HostSpec(
    "192.0.2.1",
    443,
    Kind.HTTPS,
    Tls.IMPLICIT,
    "web.a.example",
    documents={"/a": Document("text\n"), "/b": Document("", 301, "text/html", "/a")},
)


def world(*hosts: HostSpec) -> World:
    return World(
        "test", "a.example", MOMENT, Dns(), {host.endpoint: host for host in hosts}, Certificates(MOMENT)
    )


def quirky(host: HostSpec, **quirks: Any) -> HostSpec:
    return dataclasses.replace(host, quirks=Quirks(**quirks))


class Routed:
    """The sockets of a played world under its own addresses; closed when the context is left."""

    def __init__(self, routes: Mapping[tuple[str, int], tuple[str, int]]) -> None:
        self._routes = routes
        self._wires: list[Wire] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for wire in self._wires:
            await wire.close()

    async def connect(self, address: str, port: int) -> Wire:
        wire = await Sockets().connect(*self._routes[address, port])
        self._wires.append(wire)
        return wire


@asynccontextmanager
async def in_memory(which: World) -> AsyncIterator[tuple[Network, list[Heard]]]:
    async with MemoryNetwork(which) as network:
        yield network, network.heard


@asynccontextmanager
async def on_sockets(which: World) -> AsyncIterator[tuple[Network, list[Heard]]]:
    async with played(which) as play, Routed(play.routes) as network:
        yield network, play.heard


WAYS = pytest.mark.parametrize("way", [in_memory, on_sockets])


def run(test: Callable[[], Awaitable[T]]) -> T:
    """Run with a limit, so that what hangs fails."""

    async def limited() -> T:
        with anyio.fail_after(20):
            return await test()

    return anyio.run(limited)


def run_jumping(test: Callable[[], Awaitable[T]]) -> T:
    """Run on a clock that jumps to the next thing that happens."""
    return anyio.run(
        test, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)}
    )


async def until(wire: Wire, end: bytes) -> bytes:
    octets = b""
    while not octets.endswith(end):
        more = await wire.read(4096)
        if not more:
            return octets
        octets += more
    return octets


async def rest(wire: Wire) -> bytes:
    return await until(wire, b"there is no such end")


async def dialogue(wire: Wire, *commands: str) -> list[bytes]:
    """The greeting and the reply to each command; each of them ends a write of the host's."""
    said = [await wire.read(65536)]
    for command in commands:
        await wire.write(command.encode() + b"\r\n")
        said.append(await wire.read(65536))
    return said


async def upgraded(wire: Wire, name: str) -> Wire:
    done = await secure(wire, name, within=10)
    assert not isinstance(done, TlsFailure), done
    return done[0]


CONVERSATIONS = [
    (
        SMTP,
        ("EHLO me", "STARTTLS"),
        ("EHLO me", "MAIL FROM:<>", "RCPT TO:<postmaster@a.example>", "RSET", "QUIT"),
    ),
    (IMAP, ("a CAPABILITY", "b STARTTLS"), ("c CAPABILITY", "d ID NIL", "e LOGOUT")),
    (POP3, ("CAPA", "STLS"), ("CAPA", "QUIT")),
]


@pytest.mark.parametrize(("host", "clear", "under"), CONVERSATIONS)
def test_both_ways_give_the_same_octets(
    host: HostSpec, clear: tuple[str, ...], under: tuple[str, ...]
) -> None:
    async def heard(way: Any) -> tuple[list[bytes], list[Heard]]:
        async with way(world(host)) as (network, hearing):
            wire = await network.connect(host.address, host.port)
            said = await dialogue(wire, *clear)
            wire = await upgraded(wire, host.name)
            for command in under:
                await wire.write(command.encode() + b"\r\n")
                said.append(await wire.read(65536))
            assert await rest(wire) == b""
            await wire.close()
            return said, hearing

    memory, sockets = run(lambda: heard(in_memory)), run(lambda: heard(on_sockets))
    assert memory == sockets
    (said,) = memory[1]
    assert said.lines == [command.encode() for command in (*clear, *under)]
    assert said.in_clear == len(clear)
    assert said.verbs == [command.split()[0].upper() for command in (*clear, *under)]
    assert all(octets.endswith(b"\r\n") for octets in memory[0])


@WAYS
@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        ("GET /a", b"200 OK", b"text\n"),
        ("GET /b", b"301 Moved", b""),
        ("HEAD /a", b"200", b""),
        ("GET /c", b"404", b"Not found\n"),
    ],
)
def test_documents_are_served(way: Any, request_line: str, status: bytes, body: bytes) -> None:
    async def test() -> bytes:
        async with way(world(HTTPS)) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(f"{request_line} HTTP/1.1\r\nHost: web.a.example\r\n\r\n".encode())
            return await rest(wire)

    head, _, found = run(test).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert found == body
    assert (b"Location: /a" in head) == ("/b" in request_line)


@WAYS
def test_what_is_no_request_is_refused(way: Any) -> None:
    async def test() -> bytes:
        async with way(world(HTTPS)) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(b"EHLO me\r\n\r\n")
            return await rest(wire)

    assert run(test).startswith(b"HTTP/1.1 400 ")


@WAYS
@pytest.mark.parametrize(
    ("state", "trouble"), [(State.REFUSED, Trouble.REFUSED), (State.UNREACHABLE, Trouble.UNREACHABLE)]
)
def test_a_connection_that_is_not_to_be_had_says_why(way: Any, state: State, trouble: Trouble) -> None:
    async def test() -> Trouble:
        async with way(world(dataclasses.replace(SMTP, state=state))) as (network, _):
            with pytest.raises(WireError) as caught:
                await network.connect(SMTP.address, 25)
            return caught.value.trouble

    assert run(test) is trouble


@WAYS
def test_a_filtered_connection_never_comes_about(way: Any) -> None:
    async def test() -> bool:
        async with way(world(dataclasses.replace(SMTP, state=State.FILTERED))) as (network, _):
            with anyio.move_on_after(0.1) as scope:
                await network.connect(SMTP.address, 25)
            return scope.cancelled_caught

    assert run(test)


def test_in_memory_other_ports_are_closed_and_other_addresses_unknown() -> None:
    async def test() -> list[Trouble]:
        troubles = []
        async with MemoryNetwork(world(SMTP)) as network:
            for address, port in ((SMTP.address, 24), ("192.0.2.9", 25)):
                with pytest.raises(WireError) as caught:
                    await network.connect(address, port)
                troubles.append(caught.value.trouble)
        return troubles

    assert run(test) == [Trouble.REFUSED, Trouble.UNREACHABLE]


@WAYS
@pytest.mark.parametrize(
    ("quirks", "said"),
    [
        ({"close_on": "GREETING"}, []),
        ({"close_on": "EHLO"}, [b"220"]),
        ({"close_after": "GREETING"}, [b"220"]),
        ({"close_after": "NOOP"}, [b"220", b"250", b"250"]),
    ],
)
def test_a_host_may_close(way: Any, quirks: dict[str, Any], said: list[bytes]) -> None:
    async def test() -> list[bytes]:
        async with way(world(quirky(SMTP, **quirks))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            found = []
            hello = b"EHLO me\r\n" if quirks.get("close_on") == "EHLO" else b"HELO me\r\n"
            with contextlib.suppress(WireError):
                for command in (hello, b"NOOP\r\n", b"NOOP\r\n"):
                    octets = await wire.read(4096)
                    if not octets:
                        break
                    found.append(octets[:3])
                    await wire.write(command)
                else:
                    found += filter(None, [await wire.read(4096)])
            return found

    assert run(test) == said


@WAYS
@pytest.mark.parametrize("verb", ["GREETING", "EHLO"])
def test_a_host_may_reset(way: Any, verb: str) -> None:
    async def test() -> Trouble:
        async with way(world(quirky(SMTP, reset_on=verb))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            if verb == "EHLO":
                await wire.read(4096)
                await wire.write(b"EHLO me\r\n")
            with pytest.raises(WireError) as caught:
                await wire.read(1)
            return caught.value.trouble

    assert run(test) is Trouble.RESET


@WAYS
@pytest.mark.parametrize(
    ("host", "quirks", "start", "again"),
    [
        (SMTP, {"endless_line": "GREETING"}, b"220 mx.a.example ESMTP Postfixxxxxx", b"x"),
        (SMTP, {"endless_reply": "GREETING"}, b"220-again\r\n", b"220-again\r\n"),
        (IMAP, {"endless_reply": "GREETING"}, b"* OK again\r\n", b"* OK again\r\n"),
        (POP3, {"endless_reply": "GREETING"}, b"+OK again\r\n", b"+OK again\r\n"),
    ],
)
def test_a_host_may_never_end(
    way: Any, host: HostSpec, quirks: dict[str, Any], start: bytes, again: bytes
) -> None:
    async def test() -> bytes:
        async with way(world(quirky(host, **quirks))) as (network, _):
            wire = await network.connect(host.address, host.port)
            octets = b""
            while len(octets) < 100_000:
                octets += await wire.read(4096)
            await wire.close()
            return octets

    octets = run(test)
    assert octets.startswith(start)
    assert octets.count(again) > 8_000


@WAYS
def test_an_endless_document(way: Any) -> None:
    async def test() -> int:
        async with way(world(quirky(HTTPS, endless_reply="GET"))) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(b"GET /a HTTP/1.1\r\nHost: web.a.example\r\n\r\n")
            size = 0
            while size < 100_000:
                size += len(await wire.read(65536))
            await wire.close()
            return size

    assert run(test) >= 100_000


@WAYS
def test_clear_text_may_be_injected_before_the_handshake(way: Any) -> None:
    async def test() -> bytes:
        async with way(world(quirky(SMTP, inject="250 evil\r\n"))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            return (await dialogue(wire, "EHLO me", "STARTTLS"))[-1]

    assert run(test) == b"220 2.0.0 Ready to start TLS\r\n250 evil\r\n"


@WAYS
@pytest.mark.parametrize(("keeps", "verbs"), [(True, ["STARTTLS", "NOOP"]), (False, ["STARTTLS", "QUIT"])])
def test_only_a_broken_host_obeys_after_tls_what_came_before(way: Any, keeps: bool, verbs: list[str]) -> None:
    async def test() -> tuple[bytes, list[str]]:
        async with way(world(quirky(SMTP, keeps_clear_text=keeps))) as (network, hearing):
            wire = await network.connect(SMTP.address, 25)
            await until(wire, b"\r\n")
            await wire.write(b"STARTTLS\r\nNOOP\r\n")
            await until(wire, b"TLS\r\n")
            wire = await upgraded(wire, SMTP.name)
            if not keeps:
                await wire.write(b"QUIT\r\n")
            reply = await until(wire, b"\r\n")
            await wire.close()
            return reply, hearing[0].verbs

    assert run(test) == (b"250 2.0.0 Ok\r\n" if keeps else b"221 2.0.0 Bye\r\n", verbs)


@WAYS
@pytest.mark.parametrize(
    ("how", "trouble"),
    [
        (Handshake.CLOSE, TlsTrouble.CLOSED),
        (Handshake.RESET, TlsTrouble.RESET),
        (Handshake.PLAIN, TlsTrouble.NOT_TLS),
        (Handshake.STALL, TlsTrouble.TIMED_OUT),
    ],
)
def test_a_handshake_may_fail(way: Any, how: Handshake, trouble: TlsTrouble) -> None:
    async def test() -> TlsTrouble:
        async with way(world(quirky(SMTP, handshake=how))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            failure = await secure(wire, SMTP.name, within=0.2 if how is Handshake.STALL else 10)
            assert isinstance(failure, TlsFailure)
            return failure.reason

    assert run(test) is trouble


@WAYS
def test_a_handshake_may_end_in_an_alert(way: Any) -> None:
    async def test() -> str:
        async with way(world(quirky(SMTP, handshake=Handshake.ALERT))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            failure = await secure(wire, SMTP.name, within=10)
            assert isinstance(failure, TlsFailure)
            return failure.detail

    assert "alert handshake failure" in run(test)


@WAYS
def test_the_newest_version_may_be_bounded(way: Any) -> None:
    async def test() -> Recorded:
        async with way(world(dataclasses.replace(SMTP, max_version="TLSv1.2"))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            done = await secure(wire, SMTP.name, within=10)
            assert not isinstance(done, TlsFailure)
            return done[1]

    assert run(test).version == "TLSv1.2"


@WAYS
def test_a_port_of_implicit_tls_may_talk_plain_text_and_the_reverse(way: Any) -> None:
    plain = dataclasses.replace(IMAP, port=993, tls=Tls.NONE)
    early = dataclasses.replace(SMTP, tls=Tls.IMPLICIT)

    async def test() -> tuple[bytes, bytes]:
        async with way(world(plain, early)) as (network, _):
            wire = await network.connect(plain.address, 993)
            first = await until(wire, b"\r\n")
            wire = await upgraded(await network.connect(early.address, 25), early.name)
            return first, await until(wire, b"\r\n")

    first, second = run(test)
    assert first.startswith(b"* OK ")
    assert second == b"220 mx.a.example ESMTP Postfix\r\n"


@WAYS
def test_the_longest_fitting_reply_wins_and_under_tls_its_own(way: Any) -> None:
    host = dataclasses.replace(
        SMTP,
        replies={"MAIL": ("250 any",), "MAIL FROM:<>": ("550 null",)},
        replies_tls={"MAIL FROM": ("451 later",)},
        greeting=("220-one \x1b[31m", "220 two <b>é"),
    )

    async def test() -> list[bytes]:
        async with way(world(host)) as (network, _):
            wire = await network.connect(host.address, 25)
            said = await dialogue(wire, "EHLO me", "MAIL FROM:<a@b>", "RSET", "MAIL FROM:<>", "STARTTLS")
            wire = await upgraded(wire, host.name)
            for command in ("EHLO me", "MAIL FROM:<>"):
                await wire.write(command.encode() + b"\r\n")
                said.append(await wire.read(65536))
            return said

    said = run(test)
    assert said[0] == "220-one \x1b[31m\r\n220 two <b>é\r\n".encode()
    assert (said[2], said[4], said[-1]) == (b"250 any\r\n", b"550 null\r\n", b"451 later\r\n")


@WAYS
def test_every_second_connection_may_meet_another_machine(way: Any) -> None:
    host = dataclasses.replace(SMTP, second=dataclasses.replace(SMTP, greeting=("421 busy",)))

    async def test() -> list[bytes]:
        async with way(world(host, IMAP)) as (network, _):
            ports = (25, 143, 25, 25, 25)
            return [await until(await network.connect(SMTP.address, port), b"\r\n") for port in ports]

    said = run(test)
    assert [octets[:3] for octets in said] == [b"220", b"* O", b"421", b"220", b"421"]


def test_lines_may_end_otherwise() -> None:
    async def test() -> bytes:
        async with in_memory(world(quirky(SMTP, line_end="\n"))) as (network, _):
            return await (await network.connect(SMTP.address, 25)).read(4096)

    assert run(test) == b"220 mx.a.example ESMTP Postfix\n"


def test_a_drip_is_an_octet_at_a_time() -> None:
    async def test() -> tuple[list[bytes], float]:
        async with in_memory(world(quirky(SMTP, drip_ms=1000))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            began = anyio.current_time()
            return [await wire.read(4096) for _ in range(10)], anyio.current_time() - began

    octets, took = run_jumping(test)
    assert octets == [bytes((octet,)) for octet in b"220 mx.a.e"]
    assert took == pytest.approx(9)


@pytest.mark.parametrize(
    ("quirks", "seconds"),
    [({"greeting_delay_ms": 30_000}, [30, 0, 0]), ({"delay_ms": 5_000}, [5, 5, 5])],
)
def test_replies_may_be_late(quirks: dict[str, Any], seconds: list[float]) -> None:
    async def test() -> list[float]:
        async with in_memory(world(quirky(SMTP, **quirks))) as (network, _):
            times = [anyio.current_time()]
            wire = await network.connect(SMTP.address, 25)
            for command in (b"EHLO me\r\n", b"NOOP\r\n", b""):
                await wire.read(4096)
                times.append(anyio.current_time())
                await wire.write(command)
            return [late - early for early, late in itertools.pairwise(times)]

    assert run_jumping(test) == pytest.approx(seconds)


@pytest.mark.parametrize("replies", [0, 1, 2])
def test_a_host_may_fall_silent(replies: int) -> None:
    async def test() -> int:
        async with in_memory(world(quirky(SMTP, silent_after=replies))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            heard = 0
            with anyio.move_on_after(3600):
                while await wire.read(4096):
                    heard += 1
                    await wire.write(b"NOOP\r\n")
            return heard

    assert run_jumping(test) == replies


def test_content_and_chunks_are_no_commands() -> None:
    host = dataclasses.replace(SMTP, mailboxes=("*",))

    async def test() -> list[bytes]:
        async with in_memory(world(host)) as (network, _):
            wire = await network.connect(host.address, 25)
            begin = ("EHLO me", "MAIL FROM:<>", "RCPT TO:<x@a.example>")
            said = await dialogue(wire, *begin, "DATA")
            await wire.write(b"QUIT\r\n.\r\n")
            said.append(await wire.read(4096))
            await wire.write(b"MAIL FROM:<>\r\n")
            await wire.read(4096)
            await wire.write(b"RCPT TO:<x@a.example>\r\n")
            await wire.read(4096)
            await wire.write(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
            return [*said, await until(wire, b"Ok\r\n")]

    said = run(test)
    assert said[4].startswith(b"354")
    assert said[5].startswith(b"250 2.0.0 Ok: queued")
    assert said[6] == b"250 2.0.0 Ok: 6 bytes\r\n250 2.0.0 Ok\r\n"


def test_a_line_without_end_is_hung_up_on() -> None:
    async def test() -> int:
        async with in_memory(world(SMTP)) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await until(wire, b"\r\n")
            sent = 0
            with contextlib.suppress(WireError):
                while sent < 10 * LONGEST_LINE:
                    await wire.write(b"x" * 4096)
                    sent += 4096
            return sent

    assert LONGEST_LINE <= run(test) < 10 * LONGEST_LINE


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
