"""Two wires joined in memory: what one writes, the other reads. No socket is involved."""

from __future__ import annotations

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from diag.lab.live.network import Trouble, Wire, WireError

PIECES = 64
"""Writes that may be under way before the writer has to wait, as on a socket."""


def pair() -> tuple[Wire, Wire]:
    """Both ends of one connection."""
    to_right, from_left = anyio.create_memory_object_stream[bytes](PIECES)
    to_left, from_right = anyio.create_memory_object_stream[bytes](PIECES)
    return PipeEnd(to_right, from_right), PipeEnd(to_left, from_left)


class PipeEnd:
    """One end of a pair."""

    def __init__(
        self, send: MemoryObjectSendStream[bytes], receive: MemoryObjectReceiveStream[bytes]
    ) -> None:
        self._send = send
        self._receive = receive
        self._rest = b""

    async def read(self, most: int) -> bytes:
        """See Wire."""
        if not self._rest:
            try:
                self._rest = await self._receive.receive()
            except anyio.EndOfStream:
                return b""
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                raise WireError(Trouble.RESET, "the pipe is broken") from None
        octets, self._rest = self._rest[:most], self._rest[most:]
        return octets

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        if not octets:
            return
        try:
            await self._send.send(octets)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise WireError(Trouble.RESET, "the peer has closed the pipe") from None

    async def close(self) -> None:
        """See Wire."""
        self._send.close()
        self._receive.close()
