"""Scripted peers over a wire in memory: they pause, dribble, lie, close and reset as a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import anyio.lowlevel

from diag.lab.live.network import Trouble, Wire, WireError
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble


@dataclass(frozen=True)
class Pause:
    """Nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Heard:
    """Nothing until the client has written this."""

    octets: bytes


@dataclass(frozen=True)
class Tls:
    """How the handshake goes that the client begins here; silence if it is left out."""

    made: Handshake | TlsFailure


@dataclass(frozen=True)
class End:
    """The peer closes."""


@dataclass(frozen=True)
class Reset:
    """The peer tears the connection down."""


Step = bytes | Pause | Heard | Tls | End | Reset
HANDSHAKE = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", "mx.example.net")


class ScriptedWire:
    """Plays its steps in order; silent for ever when there are no more."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)
        self.written = b""
        self.closed = False
        self._pending = b""
        self._unread = b""
        self._wrote = anyio.Event()

    async def read(self, most: int) -> bytes:
        while True:
            if self._pending:
                octets, self._pending = self._pending[:most], self._pending[most:]
                await anyio.lowlevel.checkpoint()
                return octets
            step = self.steps[0] if self.steps else None
            match step:
                case bytes():
                    self.steps.pop(0)
                    self._pending = step
                case Pause():
                    await anyio.sleep(step.seconds)
                    self.steps.pop(0)
                case Heard():
                    while step.octets not in self._unread:
                        self._wrote = anyio.Event()
                        await self._wrote.wait()
                    self._unread = self._unread.partition(step.octets)[2]
                    self.steps.pop(0)
                case End():
                    return b""
                case Reset():
                    raise WireError(Trouble.RESET, "connection reset by peer")
                case Tls() | None:
                    await anyio.sleep_forever()

    async def write(self, octets: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.steps and isinstance(self.steps[0], Reset):
            raise WireError(Trouble.RESET, "connection reset by peer")
        self.written += octets
        self._unread += octets
        self._wrote.set()

    async def close(self) -> None:
        self.closed = True


class ScriptedNetwork:
    """Gives one scripted wire, or the trouble there is in getting it."""

    def __init__(self, *steps: Step, trouble: Trouble | None = None, filtered: bool = False) -> None:
        self.wire = ScriptedWire(steps)
        self.trouble = trouble
        self.filtered = filtered
        self.connections = 0

    async def connect(self, address: str, port: int) -> Wire:
        self.connections += 1
        if self.filtered:
            await anyio.sleep_forever()
        if self.trouble is not None:
            raise WireError(self.trouble, self.trouble.value)
        return self.wire

    async def secured(
        self, wire: Wire, sni: str, *, within: float, alpn: tuple[str, ...] = ()
    ) -> tuple[Wire, Handshake] | TlsFailure:
        """Stands for diag.lab.live.tls.secure."""
        step = self.wire.steps[0] if self.wire.steps else None
        if isinstance(step, bytes):
            self.wire.steps.pop(0)
            return TlsFailure(TlsTrouble.NOT_TLS, octets=step)
        if not isinstance(step, Tls):
            await anyio.sleep(within)
            return TlsFailure(TlsTrouble.TIMED_OUT)
        self.wire.steps.pop(0)
        return step.made if isinstance(step.made, TlsFailure) else (wire, step.made)
