"""A lab for libraries that block: they run in a worker thread and ask through this bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from diag.probes.probe import E, Lab, NotRecorded, Probe

T = TypeVar("T")


class Blocking:
    """The synchronous face of a lab inside `blocking()`.

    A replay miss is noted and raised once the library has returned, for libraries that swallow
    every exception.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        """The lab behind it, for async functions run through anyio.from_thread."""
        self.missed: NotRecorded | None = None

    def run(self, probe: Probe[E]) -> E:
        """The evidence for a probe; blocks this worker thread. Raises NotRecorded on replay."""
        try:
            return anyio.from_thread.run(self.lab.run, probe)
        except NotRecorded as miss:
            self.missed = miss
            raise


async def blocking(lab: Lab, work: Callable[[Blocking], T]) -> T:
    """Run `work` in a thread with a blocking lab. Raises NotRecorded where it met one, even if swallowed."""
    bridge = Blocking(lab)
    result = await anyio.to_thread.run_sync(work, bridge)
    if bridge.missed is not None:
        raise bridge.missed
    return result
