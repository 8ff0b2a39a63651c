"""A way in that lets so many through at a time."""

from __future__ import annotations

import heapq
from collections import deque
from itertools import count

import anyio


class Gate:
    """Holds back those who come when it is full, and lets them in by rank (0 first), then in turn.

    `kept` of its places are for rank 0 alone. For `lingers` seconds the place of one who left a mess is not free.
    """

    def __init__(self, capacity: int, kept: int = 0, lingers: float = 0.0) -> None:
        self._free = capacity
        self._capacity = capacity
        self._free_for_others = capacity - kept
        self._waiting: list[tuple[int, int, anyio.Event]] = []
        self._turns = count()
        self._lingers = lingers
        self._lingering: deque[float] = deque()
        """When the places are free that look so and are not, the earliest first."""

    @property
    def idle(self) -> bool:
        """Whether nobody is inside or waiting."""
        return self._free == self._capacity

    async def enter(self, rank: int = 0) -> None:
        """Go in, at once where there is room: waiting for it would cost every probe a turn of the loop."""
        if self._has_room(rank):
            self._take(rank)
            await self._until_free(rank)
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
        await self._until_free(rank)

    async def _until_free(self, rank: int) -> None:
        """Whoever was let in waits for a place that is free by now."""
        now = anyio.current_time() if self._lingering else 0.0
        while self._lingering and self._lingering[0] <= now:
            self._lingering.popleft()
        if self._capacity - self._free + len(self._lingering) > self._capacity:
            until = self._lingering.popleft()
            try:
                await anyio.sleep_until(until)
            except BaseException:
                self._lingering.appendleft(until)
                self.leave(rank)
                raise

    def leave(self, rank: int = 0, *, lingers: bool = False) -> None:
        """Make room for the first of those who wait, if there is one whom it is for. `rank` is as on entering."""
        if lingers and self._lingers:
            self._lingering.append(anyio.current_time() + self._lingers)
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
