"""Peers that mean harm or are beyond repair: one endpoint of a world that does what it should not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectSendStream
from cryptography import x509

from diag.lab.live.network import Trouble, Wire, WireError
from diag.sandbox import world as worlds
from diag.sandbox.authority import Authority, Credentials, key_of
from diag.sandbox.certificates import Certificates
from diag.sandbox.hosts import CertificateSpec, Handshake as Spoilt, HostSpec
from diag.sandbox.mail import Mail
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.peer import Heard, TornDown, serve
from diag.sandbox.pipe import PIECES, PipeEnd
from diag.sandbox.world import World

Send = MemoryObjectSendStream[bytes]
Twist = Callable[[Wire, Send], Wire]
"""Takes the peer's end of a connection, and what closes half of it; gives the end that its host is to use."""

MX, PROGRAMS = "198.51.100.20", "198.51.100.30"
PORTS = {25: MX, 587: PROGRAMS, 143: PROGRAMS, 993: PROGRAMS}
"""Where somebody is hostile: the port of the protocol, and submission, IMAP with STARTTLS and with TLS at once."""
LISTS = {25: "EHLO", 587: "EHLO", 143: "CAPABILITY", 993: "CAPABILITY"}
"""The command that is answered by a list."""


class Metered:
    """A wire of ours that counts what is read from it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.octets = 0

    async def read(self, most: int) -> bytes:
        """See Wire."""
        octets = await self._wire.read(most)
        self.octets += len(octets)
        return octets

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        await self._wire.write(octets)

    async def close(self) -> None:
        """See Wire."""
        await self._wire.close()


class HostileNetwork:
    """A world in memory, one endpoint of which is hostile."""

    def __init__(self, world: World, host: HostSpec, twist: Twist | None) -> None:
        self._world = world
        self._host = host
        self._twist = twist
        self._others = MemoryNetwork(world)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._theirs: list[PipeEnd] = []
        self.wires: list[Metered] = []
        """Our ends of the connections to the hostile endpoint."""
        self.seconds = 0.0
        """By the clock of the run, once it is over."""

    async def __aenter__(self) -> Self:
        self._began = anyio.current_time()
        await self._others.__aenter__()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = anyio.current_time() - self._began
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        wires: list[Wire] = [*self.wires, *self._theirs]
        for wire in wires:
            await wire.close()
        await self._tasks.__aexit__(None, None, None)
        await self._others.__aexit__(kind, error, trace)

    async def connect(self, address: str, port: int) -> Wire:
        """See Network."""
        if (address, port) != self._host.endpoint:
            return await self._others.connect(address, port)
        await anyio.lowlevel.checkpoint()
        to_us, our_ears = anyio.create_memory_object_stream[bytes](PIECES)
        to_them, their_ears = anyio.create_memory_object_stream[bytes](PIECES)
        theirs = PipeEnd(to_us, their_ears)
        self._theirs.append(theirs)
        assert self._tasks is not None
        self._tasks.start_soon(self._play, theirs if self._twist is None else self._twist(theirs, to_us))
        wire = Metered(PipeEnd(to_them, our_ears))
        self.wires.append(wire)
        return wire

    async def _play(self, wire: Wire) -> None:
        try:
            await serve(self._host, wire, self._world.certificates, Heard(*self._host.endpoint), Mail())
        except TornDown:
            pass
        finally:
            await wire.close()


class HalfClosed:
    """The end of a host that closes its half after so many writes: it reads on and can say nothing more."""

    def __init__(self, wire: Wire, ours: Send, writes: int) -> None:
        self._wire = wire
        self._ours = ours
        self._left = writes

    async def read(self, most: int) -> bytes:
        """See Wire."""
        return await self._wire.read(most)

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        if self._left:
            self._left -= 1
            await self._wire.write(octets)
        if not self._left:
            self._ours.close()

    async def close(self) -> None:
        """Nothing: what is ours to close we closed, and the other half stays open for as long as it may."""


class AfterHello:
    """The end of a host that goes mad over a ClientHello; until that comes, its host behaves."""

    def __init__(self, wire: Wire, raves: Callable[[Wire], Awaitable[None]]) -> None:
        self._wire = wire
        self._raves = raves

    async def read(self, most: int) -> bytes:
        """See Wire."""
        octets = await self._wire.read(most)
        # A ClientHello is a handshake record (RFC 8446 section 5.1), or of SSL 2.0; no command begins like that.
        if octets[:1] == b"\x16" or octets[:1] >= b"\x80":
            await self._raves(self._wire)
            raise WireError(Trouble.FAILED, "the peer has raved")
        return octets

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        await self._wire.write(octets)

    async def close(self) -> None:
        """See Wire."""
        await self._wire.close()


def half_closed(writes: int) -> Twist:
    return lambda wire, ours: HalfClosed(wire, ours, writes)


def once(octets: bytes) -> Twist:
    """Says this to a ClientHello, and closes."""

    async def raves(wire: Wire) -> None:
        await wire.write(octets)

    return lambda wire, _: AfterHello(wire, raves)


def for_ever(start: bytes, again: bytes, *, every: float = 0.0) -> Twist:
    """Says this to a ClientHello, and goes on until nobody listens."""

    async def raves(wire: Wire) -> None:
        await wire.write(start)
        while True:
            await wire.write(again)
            await anyio.sleep(every)

    return lambda wire, _: AfterHello(wire, raves)


def quirks(**wanted: object) -> Callable[[HostSpec], HostSpec]:
    """The host with quirks; LIST stands for the command that is answered by a list on its port."""

    def changed(host: HostSpec) -> HostSpec:
        told = {key: LISTS[host.port] if said == "LIST" else said for key, said in wanted.items()}
        return replace(host, quirks=replace(host.quirks, **told))  # type: ignore[arg-type]

    return changed


def of_many_lines(host: HostSpec) -> HostSpec:
    """Ten thousand lines where a list is asked for, and then its end."""
    if LISTS[host.port] == "EHLO":
        lines = (*(f"250-X-WORD-{at}" for at in range(9_999)), "250 STARTTLS")
    else:
        lines = (*(f"* CAPABILITY IMAP4rev1 X-WORD-{at}" for at in range(9_999)), "{tag} OK done")
    return replace(host, replies={LISTS[host.port]: lines})


def of_a_long_greeting(host: HostSpec) -> HostSpec:
    """Ten thousand lines of greeting, and then its end."""
    if LISTS[host.port] == "EHLO":
        return replace(host, greeting=(*["220-welcome"] * 9_999, "220 welcome"))
    return replace(host, greeting=("* OK welcome",) * 10_000)


WORDS = "w" * 4_000
"""Nearly as many as are read of one line, so that the line is whole."""


def of_many_words(host: HostSpec) -> HostSpec:
    """Everything that is said is long, and most of it is no."""
    if LISTS[host.port] == "EHLO":
        said = {"EHLO": (f"250-{WORDS}", f"250-{WORDS}", "250 STARTTLS"), "STARTTLS": (f"501 5.5.1 {WORDS}",)}
        return replace(host, greeting=(f"220 {WORDS}",), replies=said)
    listed = (f"* CAPABILITY IMAP4rev1 STARTTLS {WORDS[:3_900]}", "{tag} OK done")
    said = {"CAPABILITY": listed, "STARTTLS": (f"{{tag}} NO {WORDS}",)}
    return replace(host, greeting=(f"* OK {WORDS}",), replies=said)


def serving(kind: str) -> Callable[[HostSpec], HostSpec]:
    return lambda host: replace(host, certificate=CertificateSpec(kind))


def of_a_megabyte(authority: Authority, host: str) -> Credentials:
    """A valid certificate but for its size: an extension that nobody knows has a megabyte."""
    junk = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.999.1"), bytes(1_000_000))
    key = key_of(host)
    issuer, by = f"{authority.name} Intermediate", authority.intermediate_key
    leaf = authority.issue(host, key, issuer=issuer, by=by, names=(host,), extensions=((junk, False),))
    return Credentials(key, (leaf, authority.intermediate))


def of_a_hundred(authority: Authority, host: str) -> Credentials:
    """A chain of a hundred certificates, each vouched for by the next, the last by the root."""
    issuer, by = f"{authority.name} Root", authority.root_key
    chain: list[bytes] = []
    for level in range(99):
        name = f"{authority.name} Depth {level}"
        key = key_of(name)
        chain.insert(0, authority.issue(name, key, issuer=issuer, by=by, ca=True))
        issuer, by = name, key
    key = key_of(host)
    leaf = authority.issue(host, key, issuer=issuer, by=by, names=(host,))
    return Credentials(key, (leaf, *chain))


MADE = {"of-a-megabyte": of_a_megabyte, "of-a-hundred": of_a_hundred}


@lru_cache(maxsize=16)
def made(kind: str, host: str) -> bytes:
    return MADE[kind](Authority(worlds.MOMENT), host).pem


class Bulky(Certificates):
    """The certificates of a world, and such as no description can ask for."""

    def pem(self, kind: str, names: tuple[str, ...]) -> bytes:
        """See Certificates."""
        return made(kind, names[0]) if kind in MADE else super().pem(kind, names)


@dataclass(frozen=True)
class Hostile:
    """How a host is hostile."""

    change: Callable[[HostSpec], HostSpec] = lambda host: host
    twist: Twist | None = None
    ports: tuple[int, ...] = tuple(PORTS)


RECORD = b"\x16\x03\x03"
"""A handshake record of TLS 1.2 or 1.3 (RFC 8446 section 5.1); its length comes next."""
JUNK_RECORD = RECORD + (1000).to_bytes(2) + b"\xff" * 1000
FULL_RECORD = RECORD + (1 << 14).to_bytes(2) + bytes(1 << 14)
HUGE_HELLO = RECORD + (1 << 14).to_bytes(2) + b"\x02\xff\xff\xff" + bytes((1 << 14) - 4)
"""The beginning of a ServerHello of 16 MiB."""
SSL3_HELLO = b"\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00" + bytes(33) + b"\x00\x35\x00"
"""A ServerHello of SSL 3.0 (RFC 6101 section 5.6.1.3), which our library does not know."""
WARNING = b"\x15\x03\x03\x00\x02\x01\x5a"
"""A warning that says nothing: user_canceled (RFC 8446 section 6.1)."""

HOSTILE: dict[str, Hostile] = {
    "slow": Hostile(quirks(delay_ms=20_000)),
    "slow-to-greet": Hostile(quirks(greeting_delay_ms=100_000)),
    "silent-after-greeting": Hostile(quirks(silent_after=1)),
    "dripping": Hostile(quirks(drip_ms=1_000)),
    "hardly-dripping": Hostile(quirks(drip_ms=10_000)),
    "endless-line-of-greeting": Hostile(quirks(endless_line="GREETING")),
    "endless-line-of-list": Hostile(quirks(endless_line="LIST")),
    "endless-greeting": Hostile(quirks(endless_reply="GREETING")),
    "endless-list": Hostile(quirks(endless_reply="LIST")),
    "greeting-of-10000-lines": Hostile(of_a_long_greeting),
    "list-of-10000-lines": Hostile(of_many_lines),
    "of-many-words": Hostile(of_many_words),
    "half-closing-at-once": Hostile(twist=half_closed(1)),
    "half-closing-later": Hostile(twist=half_closed(2)),
    "lying": Hostile(quirks(handshake=Spoilt.PLAIN)),
    "lying-without-end": Hostile(twist=for_ever(b"250 2.0.0 Ok\r\n", b"250 2.0.0 Ok\r\n")),
    "injecting": Hostile(quirks(inject="250 2.0.0 injected\r\n"), ports=(25, 587)),
    "injecting-imap": Hostile(quirks(inject="* OK injected\r\n"), ports=(143,)),
    "injecting-much": Hostile(quirks(inject="x" * 100_000 + "\r\n"), ports=(25, 587, 143)),
    "noise-for-tls": Hostile(twist=once(b"\xaa" * 1000)),
    "noise-for-tls-without-end": Hostile(twist=for_ever(b"", b"\xaa" * 4096)),
    "junk-record": Hostile(twist=once(JUNK_RECORD)),
    "records-without-end": Hostile(twist=for_ever(HUGE_HELLO, FULL_RECORD)),
    "warnings-without-end": Hostile(twist=for_ever(b"", WARNING * 100)),
    "ssl3-alone": Hostile(twist=once(SSL3_HELLO)),
    "half-a-record": Hostile(twist=once(RECORD + b"\x40\x00\x02")),
    "dripping-record": Hostile(twist=for_ever(RECORD + b"\x40\x00\x02\x00", b"\x00", every=1.0)),
    "certificate-of-a-megabyte": Hostile(serving("of-a-megabyte")),
    "chain-of-100": Hostile(serving("of-a-hundred")),
}
