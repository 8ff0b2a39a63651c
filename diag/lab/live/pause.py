"""Waiting, as asked."""

from __future__ import annotations

import anyio

from diag.model.plugin import performs
from diag.probes.pause import Pause, Paused

from .live import Means


@performs(Pause)
async def pause(probe: Pause, means: Means) -> Paused:
    """Sleep."""
    await anyio.sleep(probe.seconds)
    return Paused(probe.seconds)
