"""Consent: what is no ordinary use of somebody's server is asked only where the user asks for it."""

from __future__ import annotations

from collections.abc import Container, Coroutine
from typing import Any

from diag.probes.probe import E, Impact, Lab, Probe


class NotAskedFor(LookupError):
    """A fact wanted an intrusive probe in a run that is polite. Ends the gathering that wanted it."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"{kind} is tried only where that is asked for (--intrusive)")


class Polite:
    """Passes on every probe but the intrusive ones: those never reach the world, whoever asks.

    Those in `answered` are passed on all the same: what is known needs no second try.
    """

    def __init__(self, inner: Lab, answered: Container[Probe[Any]] = ()) -> None:
        self._inner = inner
        self._answered = answered

    def run(self, probe: Probe[E]) -> Coroutine[Any, Any, E]:
        """See Lab. Raises NotAskedFor."""
        if probe.impact is Impact.INTRUSIVE and probe not in self._answered:
            raise NotAskedFor(probe.kind)
        return self._inner.run(probe)
