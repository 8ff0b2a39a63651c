"""Consent: what is no ordinary use of somebody's server is asked only where the user asks for it."""

from __future__ import annotations

from collections.abc import Container, Coroutine
from typing import Any

from diag.probes.probe import E, Impact, Lab, Probe


class NotAskedFor(LookupError):
    """A fact wanted a probe that costs others more than the run may. Ends the gathering that wanted it."""

    def __init__(self, probe: Probe[Any]) -> None:
        if probe.impact is Impact.INTRUSIVE:
            super().__init__(f"{probe.kind} is tried only where that is asked for (--intrusive)")
        else:
            super().__init__("nothing but the DNS is asked in this run (--dns-only)")


class Polite:
    """Passes on every probe but those that cost others more than `most`: they never reach the world, whoever asks.

    Those in `answered` are passed on all the same: what is known needs no second try.
    """

    def __init__(
        self, inner: Lab, answered: Container[Probe[Any]] = (), *, most: Impact = Impact.POLITE
    ) -> None:
        self._inner = inner
        self._answered = answered
        self._most = most

    def run(self, probe: Probe[E]) -> Coroutine[Any, Any, E]:
        """See Lab. Raises NotAskedFor."""
        if probe.impact > self._most and probe not in self._answered:
            raise NotAskedFor(probe)
        return self._inner.run(probe)
