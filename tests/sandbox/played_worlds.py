"""What the tests of played worlds share: small worlds, both ways of playing them, and a client's steps."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import anyio
import pytest
import trio.testing

from diag.lab.live.network import Network, Sockets, Wire
from diag.lab.live.tls import secure
from diag.sandbox.certificates import Certificates
from diag.sandbox.hosts import Document, HostSpec, Kind, Quirks, Tls
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.peer import Heard
from diag.sandbox.serve import played
from diag.sandbox.world import World
from diag.sandbox.zones import Dns
from diag.tls.handshake import TlsFailure

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
