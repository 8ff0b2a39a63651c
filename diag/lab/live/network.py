"""The one seam to sockets: a network gives wires; everything above it is ours and runs the same in memory."""

from __future__ import annotations

import enum
import errno
from typing import Protocol

import anyio
import anyio.abc


class Trouble(enum.StrEnum):
    """Why a wire could not be had or broke, as told by the system."""

    REFUSED = "refused"
    """A TCP reset answered the connection request: the port is closed."""
    UNREACHABLE = "unreachable"
    """No route, or a router said so: this says something about the way, perhaps about our end of it."""
    RESET = "reset"
    """The peer tore an open connection down without closing it."""
    FAILED = "failed"
    """Anything else the system reports."""


class WireError(Exception):
    """A connection could not be opened or broke; never leaves the performers (the world cannot raise)."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(detail or trouble.value)
        self.trouble = trouble
        self.detail = detail


class Wire(Protocol):
    """One open connection. Time limits are the caller's (anyio cancel scopes)."""

    async def read(self, most: int) -> bytes:
        """Up to `most` octets as soon as any are there; b"" when the peer has closed. Raises WireError."""
        ...

    async def write(self, octets: bytes) -> None:
        """Send all octets. Raises WireError."""
        ...

    async def close(self) -> None:
        """Close without waiting; never raises."""
        ...


class Network(Protocol):
    """Where wires come from: the machine's sockets, or a world in memory."""

    async def connect(self, address: str, port: int) -> Wire:
        """Open a TCP connection to a literal address. Raises WireError."""
        ...


class Sockets:
    """The machine's own network."""

    async def connect(self, address: str, port: int) -> Wire:
        """Open a TCP connection to a literal IPv4 or IPv6 address; no name is ever resolved here."""
        try:
            stream = await anyio.connect_tcp(address, port)
        except OSError as error:
            raise _explained(error) from None
        return SocketWire(stream)


class SocketWire:
    """A TCP connection of anyio's."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream

    async def read(self, most: int) -> bytes:
        """See Wire."""
        try:
            return await self._stream.receive(most)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise _explained(error) from None

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        try:
            await self._stream.send(octets)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise _explained(error) from None

    async def close(self) -> None:
        """See Wire."""
        with anyio.CancelScope(shield=True):
            try:
                await self._stream.aclose()
            except OSError:
                return


_TROUBLES = {
    errno.ECONNREFUSED: Trouble.REFUSED,
    errno.ECONNRESET: Trouble.RESET,
    errno.EPIPE: Trouble.RESET,
    errno.ENETUNREACH: Trouble.UNREACHABLE,
    errno.EHOSTUNREACH: Trouble.UNREACHABLE,
    errno.EADDRNOTAVAIL: Trouble.UNREACHABLE,
    errno.EAFNOSUPPORT: Trouble.UNREACHABLE,
    errno.EACCES: Trouble.UNREACHABLE,
    errno.EPERM: Trouble.UNREACHABLE,
}


def _explained(error: BaseException) -> WireError:
    """The system's error number, looked for down the chain of causes (anyio wraps it)."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, BaseExceptionGroup) and seen.exceptions:
            seen = seen.exceptions[0]
            continue
        if isinstance(seen, OSError) and seen.errno is not None:
            return WireError(_TROUBLES.get(seen.errno, Trouble.FAILED), seen.strerror or str(seen))
        seen = seen.__cause__ or seen.__context__
    broken = isinstance(error, anyio.BrokenResourceError)
    return WireError(Trouble.RESET if broken else Trouble.FAILED, str(error))
