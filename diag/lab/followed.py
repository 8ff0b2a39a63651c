"""What is asked for one domain: nothing twice, and how much of it had to wait for other answers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from diag.probes.probe import E, Lab, Probe
from diag.together import WAITED, Known

from .once import Once


class Followed(Once):
    """Once, for one run. A round trip is what evidence says it cost (`round_trips`); what says nothing cost none.

    What look-ups led to is shared with other runs through `shared`, where several are made over the same world.
    """

    def __init__(self, inner: Lab, shared: Once | None = None) -> None:
        super().__init__(inner)
        self._shared = shared
        self._reached: dict[Probe[Any], int] = {}
        self._kept: dict[Hashable, Known[Any]] = {}

    @property
    def round_trips(self) -> int:
        """The longest chain of round trips of which each waited for the one before it: the critical path."""
        return max(self._reached.values(), default=0)

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        before = WAITED.get()
        # What is known already, which is most of what is asked, needs none of the care below.
        evidence: E = self.seen[probe] if probe in self.seen else await super().run(probe)
        reached = self._reached.get(probe)
        if reached is None:
            reached = self._reached[probe] = before + getattr(evidence, "round_trips", 0)
        if reached > before:
            WAITED.set(reached)
        return evidence

    def keep(self, key: Hashable, value: Any, asked: Iterable[Probe[Any]]) -> None:
        """Remember what questions led to, for those who would ask the same ones again."""
        self._kept[key] = Known(value, WAITED.get())
        if self._shared is not None:
            self._shared.conclude(key, (value, {probe: self.seen[probe] for probe in asked}))

    def recall(self, key: Hashable) -> Known[Any] | None:
        """What was kept, here or by another run; None where nothing was."""
        return self._kept.get(key) or self._taken_over(key)

    def _taken_over(self, key: Hashable) -> Known[Any] | None:
        """What another run came to, with its exchanges as this one's; None where this one has heard otherwise."""
        concluded = self._shared.concluded(key) if self._shared is not None else None
        if concluded is None:
            return None
        value, exchanges = concluded
        for probe, evidence in exchanges.items():
            if probe in self._under_way or self.seen.get(probe, evidence) is not evidence:
                return None
        waited = WAITED.get()
        for probe, evidence in exchanges.items():
            self.seen[probe] = evidence
            waited = max(
                waited, self._reached.setdefault(probe, waited + getattr(evidence, "round_trips", 0))
            )
        known = self._kept[key] = Known(value, waited)
        return known
