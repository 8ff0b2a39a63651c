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
    async with anyio.create_task_group() as tasks:
        for source, sink in ((wire, far), (far, wire)):
            send, receive = anyio.create_memory_object_stream[_Due](_IN_FLIGHT)
            tasks.start_soon(_take, source, send, half, opened)
            tasks.start_soon(_give, receive, sink)
        await anyio.sleep_until(opened + half)
        yield near
        await near.close()


async def _take(source: Wire, queue: MemoryObjectSendStream[_Due], half: float, opened: float) -> None:
    """Read what comes and note when it is due at the other end."""
    async with queue:
        while True:
            try:
                octets = await source.read(_CHUNK)
            except WireError:
                octets = b""
            due = max(anyio.current_time(), opened) + half
            try:
                await queue.send((due, octets))
            except anyio.BrokenResourceError:
                return
            if not octets:
                return


async def _give(queue: MemoryObjectReceiveStream[_Due], sink: Wire) -> None:
    """Write each piece when it is due; an empty one closes."""
    async with queue:
        async for due, octets in queue:
            await anyio.sleep_until(due)
            if not octets:
                break
            try:
                await sink.write(octets)
            except WireError:
                return
    await sink.close()
