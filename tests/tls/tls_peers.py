"""Peers in memory for the tests of this folder: a network whose every connection meets one function."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import anyio.abc
import trio
import trio.testing

from diag.lab.live.network import Trouble, Wire, WireError
from diag.sandbox.authority import Authority
from diag.sandbox.pipe import pair

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
HOST = "mx.example.org"
CA = Authority(MOMENT)
PEM = CA.valid(HOST).pem

T = TypeVar("T")
Peer = Callable[[Wire], Awaitable[None]]


class OnePeer:
    """A network on which everybody is this peer."""

    def __init__(self, peer: Peer, group: anyio.abc.TaskGroup, trouble: Trouble | None = None) -> None:
        self.peer = peer
        self.group = group
        self.trouble = trouble
        self.asked: list[tuple[str, int]] = []

    async def connect(self, address: str, port: int) -> Wire:
        self.asked.append((address, port))
        if self.trouble is not None:
            raise WireError(self.trouble, "told so")
        ours, theirs = pair()
        self.group.start_soon(self.serve, theirs)
        return ours

    async def serve(self, wire: Wire) -> None:
        try:
            await self.peer(wire)
        except WireError:
            return
        finally:
            await wire.close()


def run(work: Callable[..., Awaitable[T]], *args: object) -> T:
    """Run with a clock that jumps whenever everybody waits: a timeout takes no time."""
    found: T = trio.run(work, *args, clock=trio.testing.MockClock(autojump_threshold=0))
    return found
