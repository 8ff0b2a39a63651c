"""A way in that lets so many through at a time."""

from __future__ import annotations

import heapq
from itertools import count

import anyio


class Gate:
    """Holds back those who come when it is full, and lets them in by rank (0 first), then in turn.

    `kept` of its places are for rank 0 alone.
    """

    def __init__(self, capacity: int, kept: int = 0) -> None:
        self._free = capacity
        self._capacity = capacity
        self._free_for_others = capacity - kept
        self._waiting: list[tuple[int, int, anyio.Event]] = []
        self._turns = count()

    @property
    def idle(self) -> bool:
        """Whether nobody is inside or waiting."""
        return self._free == self._capacity

    async def enter(self, rank: int = 0) -> None:
        """Go in, at once where there is room: waiting for it would cost every probe a turn of the loop."""
        if self._has_room(rank):
            self._take(rank)
            return
        called = anyio.Event()
        entry = rank, next(self._turns), called
        heapq.heappush(self._waiting, entry)
        try:
            await called.wait()
        except BaseException:
            if called.is_set():  # called and cancelled at the same time: the next one takes this place
                self.leave(rank)
            else:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
            raise

    def leave(self, rank: int = 0) -> None:
        """Make room for the first of those who wait, if there is one whom it is for. `rank` is as on entering."""
        self._free += 1
        self._free_for_others += rank > 0
        if self._waiting and self._has_room(self._waiting[0][0]):
            first, _, called = heapq.heappop(self._waiting)
            self._take(first)
            called.set()

    def _take(self, rank: int) -> None:
        self._free -= 1
        self._free_for_others -= rank > 0

    def _has_room(self, rank: int) -> bool:
        return self._free > 0 and (rank == 0 or self._free_for_others > 0)
