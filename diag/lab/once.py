"""Ask nothing twice: the same probe has one answer a run."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import islice
from typing import Any

import anyio

from diag.probes.probe import E, Lab, Probe

Concluded = tuple[Any, Mapping[Probe[Any], Any]]
"""What questions led to, and the exchanges that led there, in their order."""


class Once:
    """Remembers what was asked; those who ask while an answer is under way wait for it.

    `most` bounds what is remembered (what nobody has asked for the longest goes first), for a lab shared by many
    domains.
    """

    def __init__(self, inner: Lab, most: int | None = None) -> None:
        self._inner = inner
        self._most = most
        self.seen: dict[Probe[Any], Any] = {}
        self._under_way: dict[Probe[Any], anyio.Event | None] = {}
        """With what wakes those who wait for it too, where there are any."""
        self._concluded: dict[Hashable, Concluded] = {}

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        while probe not in self.seen:
            if probe in self._under_way:
                waiting = self._under_way[probe] or anyio.Event()
                self._under_way[probe] = waiting
                # Where the asker was cancelled there is no answer then, and the next one asks.
                await waiting.wait()
                continue
            self._under_way[probe] = None
            try:
                evidence: E = await self._inner.run(probe)
                self._remember(self.seen, probe, evidence)
                return evidence
            finally:
                done = self._under_way.pop(probe)
                if done is not None:
                    done.set()
        found: E = self.seen[probe]
        if self._most is not None:  # what many ask for is not the oldest
            self.seen[probe] = self.seen.pop(probe)
        return found

    def conclude(self, key: Hashable, concluded: Concluded) -> None:
        """Remember what questions led to, for other runs: domains rely on the same few providers."""
        self._remember(self._concluded, key, concluded)

    def concluded(self, key: Hashable) -> Concluded | None:
        """What was remembered; None where nothing was."""
        if key not in self._concluded:
            return None
        found = self._concluded[key] = self._concluded.pop(key)  # not the oldest any more
        return found

    def _remember(self, memory: dict[Any, Any], key: Hashable, value: Any) -> None:
        memory[key] = value
        if self._most is not None and len(memory) > self._most:
            # A good many at a time: looking for the oldest one of a dict means passing over all that were before it.
            for old in list(islice(memory, max(1, self._most // 8))):
                del memory[old]

    def exchanges(self) -> Iterator[tuple[Probe[Any], Any]]:
        """What was asked and what came back, in the order the answers came."""
        yield from self.seen.items()
