"""How many domains are looked at at a time in one process: as few as keep its processor busy.

Any more would only wait for it, and drive what the others need out of its caches: of a long list whose name servers
answer at once, two at a time are done in five sixths of the time of 32. Where answers take their time, there are more.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio

FIRST, LEAST = 4, 2
"""Domains at a time to begin with, and where the processor is busy with fewer."""
LOOK = 0.02
"""Seconds between two looks at how busy it was."""
IDLE, BUSY = 0.75, 0.85
"""Shares of the time in which the processor worked for us: below the one there is room for more, above the other
there are too many. Others may have their part of it, so that it never is the whole."""


class Pace:
    """A way in that is as wide as it needs to be. Who comes first goes in first.

    `most` is how many may be inside at a time; `now` and `used` are a clock and the processor's time for this process,
    in seconds.
    """

    def __init__(
        self,
        most: int,
        now: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self._most = most
        self._width = min(FIRST, most)
        self._inside = 0
        self._now, self._used = now, used
        self._since, self._before = now(), used()
        self._turn = anyio.Lock()
        self._left = anyio.Event()

    async def __aenter__(self) -> bool:
        """Go in; whether there was room at once."""
        at_once = self._inside < self._width and not self._turn.locked()
        async with self._turn:
            while self._inside >= self._width:
                with anyio.move_on_after(LOOK):
                    await self._left.wait()
                self._look()
            self._inside += 1
        return at_once

    async def __aexit__(self, *error: object) -> None:
        self._inside -= 1
        self._left.set()
        self._left = anyio.Event()

    def _look(self) -> None:
        now, used = self._now(), self._used()
        if now - self._since < LOOK:
            return
        busy = (used - self._before) / (now - self._since)
        self._since, self._before = now, used
        if busy < IDLE:
            self._width = min(2 * self._width, self._most)
        elif busy > BUSY:
            self._width = max(self._width - 1, min(LEAST, self._most))
