"""What a clock that may be wrong, our own, leaves open."""

from __future__ import annotations

from datetime import datetime, timedelta

from diag.model.knowing import Absent, Unavailable

from .vantage import OurClock


def clock_doubt(clock: OurClock | Absent | Unavailable) -> str:
    """Why nothing can be judged by the time, the end of a sentence; empty where it can.

    One web server whose clock differs from ours is enough to leave it open, and not enough to say whose is wrong.
    """
    if not isinstance(clock, OurClock) or not (clock.differs and clock.decides):
        return ""
    way = "ahead of" if clock.ahead > 0 else "behind"
    return f"yet our clock is {round(abs(clock.ahead))} seconds {way} those of web servers"


def by_other_clocks(moment: datetime, clock: OurClock | Absent | Unavailable) -> datetime:
    """What the median of those web servers would call this moment; as it is where nothing is in doubt."""
    if not isinstance(clock, OurClock) or not (clock.differs and clock.decides):
        return moment
    return moment - timedelta(seconds=clock.ahead)
