"""A world played on loopback: real sockets on ephemeral ports, a resolver, and the routes that lead to them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import anyio
import anyio.abc
import dns.exception
import dns.message
import dns.rdatatype

from diag.lab.live.network import SocketWire
from diag.names.parsed import plain

from .delay import distant
from .hosts import HostSpec, State
from .hosts_file import Endpoint
from .mail import Mail
from .nameservers import NameServers
from .peer import Heard, TornDown, serve
from .resolver import Resolver
from .world import World

LOOPBACK = "127.0.0.1"

NOWHERE = ("127.255.255.255", 9)
"""Where unreachable hosts are routed: the broadcast address of loopback, to which no TCP connection can be
made. Linux says "network is unreachable" at once, and nothing is sent."""

_TRIES = 16


@dataclass
class Counters:
    """What was asked of a played world so far."""

    questions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """DNS questions to the resolver by name and type, over UDP and TCP alike."""
    put_to_servers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Those to the name servers of the world's zones."""
    connections: Counter[Endpoint] = field(default_factory=Counter)
    """Connections by the address and port of the world, not of loopback."""


@dataclass
class Played:
    """A world that is being played."""

    world: World
    routes: Mapping[Endpoint, tuple[str, int]]
    """From addresses and ports of the world to those on loopback; name servers are at port 53."""
    resolver: tuple[str, int]
    """Where the resolver listens, UDP and TCP."""
    counters: Counters
    heard: list[Heard]
    """What the hosts heard, a connection an item."""


@asynccontextmanager
async def played(
    world: World, rtt_ms: float = 0, *, resolver_at: tuple[str, int] | None = None
) -> AsyncIterator[Played]:
    """Play a world until the context is left; nothing but loopback is bound.

    With `resolver_at` the world is played in place: its hosts lie at addresses of loopback and are bound
    there at their own ports, for programs that know no routes; its name servers at the resolver's port. That
    takes root for standard ports.

    With `rtt_ms`, answers and octets take as long as if every server were that round trip away.
    """
    counters = Counters()
    heard: list[Heard] = []
    mail = Mail()
    async with contextlib.AsyncExitStack() as stack:
        routes: dict[Endpoint, tuple[str, int]] = {}
        listeners: list[tuple[HostSpec, anyio.abc.Listener[anyio.abc.SocketStream]]] = []
        for endpoint, host in world.hosts.items():
            match host.state:
                case State.UNREACHABLE:
                    routes[endpoint] = NOWHERE
                case State.REFUSED:
                    routes[endpoint] = stack.enter_context(_closed_port())
                case State.FILTERED:
                    routes[endpoint] = stack.enter_context(_full_port())
                case State.OPEN:
                    at = endpoint if resolver_at else (LOOPBACK, 0)
                    listener = await stack.enter_async_context(await _listener(*at))
                    routes[endpoint] = (at[0], _port(listener))
                    listeners.append((host, listener))
        asked_at = resolver_at or (LOOPBACK, 0)
        udp, tcp = await _both_transports(stack, asked_at)
        asked = [(udp, tcp, _Questions(Resolver(world.dns).answer, counters.questions, rtt_ms))]
        servers = NameServers(world.dns)
        for address in servers.addresses:
            if resolver_at is not None and not ipaddress.ip_address(address).is_loopback:
                continue
            at = (address, resolver_at[1]) if resolver_at else (LOOPBACK, 0)
            bound = await _both_transports(stack, at)
            routes[address, 53] = (at[0], _port(bound[0]))
            answer = partial(servers.answer, address=address)
            asked.append((*bound, _Questions(answer, counters.put_to_servers, rtt_ms)))
        async with anyio.create_task_group() as tasks:
            for host, listener in listeners:
                player = _Player(host, world, counters, heard, mail, rtt_ms)
                tasks.start_soon(listener.serve, player.play)
            for datagrams, connections, questions in asked:
                tasks.start_soon(questions.over_udp, datagrams)
                tasks.start_soon(connections.serve, questions.over_tcp)
            yield Played(world, routes, (asked_at[0], _port(udp)), counters, heard)
            tasks.cancel_scope.cancel()


async def _listener(address: str, port: int) -> anyio.abc.Listener[anyio.abc.SocketStream]:
    if not ipaddress.ip_address(address).is_loopback:
        raise ValueError(f"{address} is not on loopback")
    return await anyio.create_tcp_listener(local_host=address, local_port=port, backlog=1024)


def _port(bound: anyio.TypedAttributeProvider) -> int:
    return int(bound.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610 -- not Django's


async def _both_transports(
    stack: contextlib.AsyncExitStack, at: tuple[str, int]
) -> tuple[anyio.abc.UDPSocket, anyio.abc.Listener[anyio.abc.SocketStream]]:
    """The same port for UDP and TCP; another process may hold one of the two, so several are tried."""
    for _ in range(_TRIES):
        udp = await anyio.create_udp_socket(family=socket.AF_INET, local_host=at[0], local_port=at[1])
        try:
            tcp = await _listener(at[0], _port(udp))
        except OSError:
            await udp.aclose()
            continue
        return await stack.enter_async_context(udp), await stack.enter_async_context(tcp)
    raise OSError(f"no port of {at[0]} is free for both UDP and TCP")


@contextlib.contextmanager
def _closed_port() -> Iterator[tuple[str, int]]:
    """A port that is held but not listened on: connections are refused, and nobody else can take it."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield held.getsockname()


@contextlib.contextmanager
def _full_port() -> Iterator[tuple[str, int]]:
    """A port whose queue is full: the kernel drops connection requests, as a filter on the way does."""
    with socket.socket() as held, socket.socket() as first:
        held.bind((LOOPBACK, 0))
        held.listen(0)
        first.connect(held.getsockname())
        yield held.getsockname()


class _Player:
    """Plays one host to all who connect."""

    def __init__(
        self,
        host: HostSpec,
        world: World,
        counters: Counters,
        heard: list[Heard],
        mail: Mail,
        rtt_ms: float,
    ) -> None:
        self._host = host
        self._world = world
        self._counters = counters
        self._heard = heard
        self._mail = mail
        self._rtt_ms = rtt_ms

    async def play(self, stream: anyio.abc.SocketStream) -> None:
        """One connection."""
        host = self._host.turn(self._counters.connections[self._host.endpoint])
        self._counters.connections[self._host.endpoint] += 1
        heard = Heard(*self._host.endpoint)
        self._heard.append(heard)
        wire = SocketWire(stream)
        try:
            if self._rtt_ms:
                async with distant(wire, self._rtt_ms) as far:
                    await serve(host, far, self._world.certificates, heard, self._mail)
            else:
                await serve(host, wire, self._world.certificates, heard, self._mail)
        except* TornDown:
            _reset_on_close(stream)
        finally:
            await wire.close()


def _reset_on_close(stream: anyio.abc.SocketStream) -> None:
    """Closing with a linger time of nought sends a reset (SO_LINGER, socket(7))."""
    raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)  # noqa: S610 -- not Django's
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Answer(Protocol):
    def __call__(self, octets: bytes, *, udp: bool) -> bytes | None: ...


class _Questions:
    """The two transports of the resolver, or of a name server (RFC 7766)."""

    def __init__(self, answer: _Answer, counted: Counter[tuple[str, str]], rtt_ms: float) -> None:
        self._answered = answer
        self._counted = counted
        self._rtt_ms = rtt_ms
        self._sending = anyio.Lock()

    async def over_udp(self, udp: anyio.abc.UDPSocket) -> None:
        """Answer datagrams, each in its own time."""
        async with anyio.create_task_group() as tasks:
            async for octets, (address, port) in udp:
                tasks.start_soon(self._datagram, udp, octets, address, port)

    async def _datagram(self, udp: anyio.abc.UDPSocket, octets: bytes, address: str, port: int) -> None:
        answer = self._answer(octets, udp=True)
        await anyio.sleep(self._rtt_ms / 1000)
        if answer is not None:
            async with self._sending:  # anyio lets one task at a time write to a socket
                await udp.sendto(answer, address, port)

    async def over_tcp(self, stream: anyio.abc.SocketStream) -> None:
        """Answer messages with their length before them (RFC 1035 section 4.2.2), one after another."""
        # The round trip of the connection itself is waited for with the first answer.
        waits = 2 * self._rtt_ms / 1000
        async with stream:
            try:
                while True:
                    size = int.from_bytes(await _exactly(stream, 2), "big")
                    answer = self._answer(await _exactly(stream, size), udp=False)
                    await anyio.sleep(waits)
                    waits = self._rtt_ms / 1000
                    if answer is not None:
                        await stream.send(len(answer).to_bytes(2, "big") + answer)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    def _answer(self, octets: bytes, *, udp: bool) -> bytes | None:
        with contextlib.suppress(dns.exception.DNSException):
            for question in dns.message.from_wire(octets, question_only=True).question:
                self._counted[plain(question.name), dns.rdatatype.to_text(question.rdtype)] += 1
        return self._answered(octets, udp=udp)


async def _exactly(stream: anyio.abc.SocketStream, octets: int) -> bytes:
    """So many octets. Raises EndOfStream."""
    taken = b""
    while len(taken) < octets:
        taken += await stream.receive(octets - len(taken))
    return taken
