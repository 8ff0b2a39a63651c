"""Several domains in one run: side by side, reported in the order given, with flat memory."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import anyio

from diag.lab.files import drop_unfinished

from . import exits

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

SIDE_BY_SIDE = 32
"""Domains looked at at a time."""
AHEAD = 2
"""So many times that, domains may be done before the one whose turn it is to be told."""


class Running(Protocol[R_co]):
    """A domain to be looked at: `run` gives what is found, and `stop` has it come to an end, for a reason.

    One that is stopped while it waits for others, and has not begun, finds nothing: None.
    """

    async def run(self) -> R_co | None: ...
    def stop(self, reason: str) -> None: ...


class Session(Generic[R]):
    """Has domains looked at and hands on what is found of each, in order.

    `begin` makes ready to look at a domain, `done` turns what is found into what is kept until its turn, which
    then is called. What was found is dropped as soon as `done` has seen it. `deadline` is the most seconds for
    all of them together.
    """

    def __init__(
        self,
        begin: Callable[[str], Running[R]],
        done: Callable[[R], Callable[[], None]],
        *,
        side_by_side: int = SIDE_BY_SIDE,
        deadline: float | None = None,
    ) -> None:
        self._begin = begin
        self._done = done
        self._room = anyio.Semaphore(side_by_side)
        self._window = anyio.Semaphore(side_by_side * AHEAD)
        self._running: dict[str, Running[R]] = {}
        self._waiting: dict[int, Callable[[], None] | None] = {}
        self._next = 0
        self._deadline = deadline
        self.interrupted = False
        self._missed: dict[int, str] = {}
        self._over = False

    @property
    def missed(self) -> list[str]:
        """Domains whose turn did not come before the deadline of the run, in their order."""
        return [name for _, name in sorted(self._missed.items())]

    async def run(self, domains: Iterable[str]) -> None:
        """Look at every domain; Ctrl-C stops what is under way, which is then told as partial.

        A second Ctrl-C ends the process at once.
        """
        async with anyio.create_task_group() as watch:
            watch.start_soon(self._listen)
            if self._deadline is not None:
                watch.start_soon(self._expire, self._deadline)
            async with anyio.create_task_group() as tasks:
                for number, name in enumerate(domains):
                    await self._window.acquire()
                    await self._room.acquire()
                    tasks.start_soon(self._one, number, name)
            watch.cancel_scope.cancel()

    async def _one(self, number: int, name: str) -> None:
        tell = None
        try:
            found = None if self._over or self.interrupted else await self._found(name)
            if found is not None:
                tell = self._done(found)
            elif self._over:
                self._missed[number] = name
        finally:
            self._room.release()
        self._waiting[number] = tell
        while self._next in self._waiting:
            ready = self._waiting.pop(self._next)
            self._next += 1
            self._window.release()
            if ready is not None:
                ready()

    async def _found(self, name: str) -> R | None:
        running = self._running[name] = self._begin(name)
        try:
            return await running.run()
        finally:
            del self._running[name]

    async def _expire(self, deadline: float) -> None:
        await anyio.sleep(deadline)
        self._over = True
        for running in self._running.values():
            running.stop(f"the deadline of {deadline:g} seconds was reached")

    async def _listen(self) -> None:
        # Outside the main thread there are no signals to be had: then the caller's own ways end the run.
        with suppress(ValueError, RuntimeError):
            # SIGTERM is how `timeout` and CI end a run: it too leaves a report, and no file half-written.
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    break
            signal.signal(signal.SIGINT, _end_at_once)
            self.interrupted = True
            for running in self._running.values():
                running.stop("interrupted")
            await anyio.sleep(math.inf)


def _end_at_once(*_: object) -> None:
    """No exception: one raised within a library's callback would be printed there, and end nothing."""
    drop_unfinished()
    os._exit(exits.INTERRUPTED)
