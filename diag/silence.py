"""A peer that does not greet: word of it while the wait goes on, so that somebody can find out why meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import anyio

ENOUGH = 5.0
"""Seconds waited at least beyond the word, whatever is found out: boxes that tell TLS from plain text on one port
by who speaks first wait for some seconds, too, before the server behind them may greet."""


class Silence:
    """The wait for one greeting, shared by him who waits and whoever wants to know.

    `told` is called once, where nothing has come after so many seconds; the wait goes on.
    """

    def __init__(self, after: float, told: Callable[[Silence], object]) -> None:
        self.after = after
        self.explained = False
        self._told = told
        self._wait: anyio.CancelScope | None = None
        self._enough = 0.0

    def tell(self, wait: anyio.CancelScope) -> None:
        """Nothing has come yet: the wait, which may be cut short now."""
        self._wait = wait
        self._enough = anyio.current_time() + ENOUGH
        self._told(self)

    def explain(self) -> None:
        """Nothing will come: he who waits may soon stop."""
        self.explained = True
        if self._wait is not None:
            self._wait.deadline = min(self._wait.deadline, self._enough)


SILENCE: ContextVar[Silence | None] = ContextVar("silence", default=None)
"""Of the conversation that is held here; None where nobody wants to know."""
