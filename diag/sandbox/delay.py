"""A round trip between two ends of a wire, for benchmarks: octets arrive late, but none waits for another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from diag.lab.live.network import Wire, WireError

from . import pipe

_IN_FLIGHT = 256
"""Pieces under way in one direction."""

_CHUNK = 64 * 1024

_Due = tuple[float, bytes]


@asynccontextmanager
async def distant(wire: Wire, rtt_ms: float) -> AsyncIterator[Wire]:
    """The server's end of an accepted connection, as if the client were a round trip away.

    The kernel has already opened the connection, which on a real way takes the client one round trip, and
    the server's first octet leaves half a one later. Nothing passes before that.
    """
    half = rtt_ms / 2000
    opened = anyio.current_time() + 2 * half
    near, far = pipe.pair()
    try:
        async with anyio.create_task_group() as tasks:
            for source, sink in ((wire, far), (far, wire)):
                tasks.start_soon(_carry, source, sink, half, opened)
            await anyio.sleep_until(opened + half)
            yield near
            await near.close()
    finally:
        await near.close()
        await far.close()


async def _carry(source: Wire, sink: Wire, half: float, opened: float) -> None:
    """One direction."""
    send, receive = anyio.create_memory_object_stream[_Due](_IN_FLIGHT)
    with send, receive:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_take, source, send, half, opened)
            await _give(receive, sink)
            tasks.cancel_scope.cancel()
    # A way that is broken at one end is of no use at the other.
    await source.close()


async def _take(source: Wire, queue: MemoryObjectSendStream[_Due], half: float, opened: float) -> None:
    """Read what comes and note when it is due at the other end."""
    octets = b"anything"
    while octets:
        try:
            octets = await source.read(_CHUNK)
        except WireError:
            octets = b""
        await queue.send((max(anyio.current_time(), opened) + half, octets))


async def _give(queue: MemoryObjectReceiveStream[_Due], sink: Wire) -> None:
    """Write each piece when it is due; an empty one closes."""
    async for due, octets in queue:
        await anyio.sleep_until(due)
        if not octets:
            break
        try:
            await sink.write(octets)
        except WireError:
            break
    await sink.close()
