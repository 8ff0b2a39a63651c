"""Waiting is a probe too: a replay need not wait again."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .probe import Probe


@frozen
class Paused:
    """So many seconds have passed."""

    seconds: float


@frozen
class Pause(Probe[Paused]):
    """Let time pass between two looks at one thing; `before` names it, so that each has a pause of its own."""

    kind: ClassVar[str] = "pause"

    seconds: float
    before: str = ""
