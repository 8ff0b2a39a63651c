"""Announcements: whoever asks for intrusive probes is told of each before it goes out."""

from __future__ import annotations

from collections.abc import Callable

from diag.probes.probe import E, Impact, Lab, Probe


class Announced:
    """Says what an intrusive probe is about to do, and to whom; passes every probe on."""

    def __init__(self, inner: Lab, say: Callable[[str], None]) -> None:
        self._inner = inner
        self._say = say

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if probe.impact is Impact.INTRUSIVE:
            place = f"{getattr(probe, 'host', '')} [{probe.peer}]:{getattr(probe, 'port', '')}".strip(" :")
            self._say(f"{place}: {probe.announcement() or probe.kind}")
        return await self._inner.run(probe)
