"""The result of one SPF check, as a receiver comes to it (RFC 7208 section 2.6), with its trace."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite


class SpfResult(enum.StrEnum):
    """The seven results of RFC 7208 section 2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


QUALIFIED = {
    "+": SpfResult.PASS,
    "-": SpfResult.FAIL,
    "~": SpfResult.SOFTFAIL,
    "?": SpfResult.NEUTRAL,
}


@frozen
class SpfTrace:
    """One term as it was evaluated."""

    depth: int
    """0 in the first record, one more inside each include or redirect."""
    domain: str
    term: str
    said: str
    """What came of it, in words."""
    lookups: int
    """Look-ups spent so far, this one included."""
    voids: int


@frozen
class SpfCheck:
    """The outcome for one client address, sender and HELO name."""

    result: SpfResult
    domain: str
    term: str
    """The term that decided; empty where none matched or an error ended it."""
    because: str
    explanation: str
    """What the domain asks receivers to tell a failing sender (`exp`); remote text, ASCII only."""
    lookups: int
    voids: int
    trace: tuple[SpfTrace, ...]
    evidence: tuple[Cite, ...]
