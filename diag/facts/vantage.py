"""What the run shows of our own end of the network beside the vantage point: made-up answers, filters, the clock."""

from __future__ import annotations

import statistics

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class MadeUpAnswers:
    """Addresses that our resolver gives for a name that nobody has (RFC 6761 section 6.4); none where it is honest."""

    name: str
    addresses: tuple[str, ...]
    asked: tuple[Cite, ...]


@frozen
class Interception:
    """Whether something between us and the world answers questions that were meant for others."""

    address: str
    """Where nobody lives (RFC 5737)."""
    answered: bool
    """An answer came from there. Asked only where an answer of a name server was not like one of its own."""
    asked: tuple[Cite, ...]


@frozen
class Filtered:
    """One answer of which our resolver says itself that it is not what the world would say (RFC 8914 section 4)."""

    question: str
    code: int
    text: str
    """What the resolver adds; remote text."""
    cite: Cite


@frozen
class FilteredAnswers:
    """The answers, of those that decide for the domain, that our resolver kept from us."""

    answers: tuple[Filtered, ...]


MOST_OFF = 300.0
"""Seconds by which a clock may be off: what protocols that look at the time put up with."""


@frozen
class Witness:
    """One web server and what its clock showed."""

    host: str
    address: str
    ahead: float
    """Seconds by which our clock is ahead of it; negative where it lags."""
    cite: Cite

    @property
    def differs(self) -> bool:
        """Whether its clock and ours differ by more than clocks may."""
        return abs(self.ahead) > MOST_OFF


@frozen
class OurClock:
    """Our clock against those of the web servers that were met: one an address."""

    witnesses: tuple[Witness, ...]
    decides: bool = True
    """Whether it is judged by our clock: not where the user has chosen the moment."""

    @property
    def ahead(self) -> float:
        """Seconds by which our clock is ahead of the median of the others."""
        return statistics.median(witness.ahead for witness in self.witnesses)

    @property
    def differs(self) -> bool:
        """Whether ours and the median of theirs differ so much that nothing should be judged by the time."""
        return abs(self.ahead) > MOST_OFF
