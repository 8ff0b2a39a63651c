"""The certificates seen, on a time line: who presented each, and how long it is still good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from diag.api import Report
from reports.certificates import Presented, presented

from .anchors import Anchors, Link

WIDTH = 900
_PAST, _FUTURE = timedelta(days=60), timedelta(days=420)
_MOST, _MOST_HOSTS = 60, 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One certificate: its stretch on the line, in units of the picture, and what it says."""

    id: str
    x: int
    width: int
    seen: Presented
    places: tuple[tuple[str, tuple[Link, ...]], ...]
    """The hosts that presented it, each with its ports, which lead to a dialogue."""


@dataclass(frozen=True, slots=True)
class TimeLine:
    """All of them, the first to end on top."""

    width: int
    now: int
    months: tuple[tuple[int, str], ...]
    bars: tuple[Bar, ...]
    more: int


def time_line(report: Report, anchors: Anchors) -> TimeLine | None:
    """The end-entity certificates seen in all handshakes; None where there was none."""
    seen = presented(report)
    if not seen:
        return None
    shown = seen[:_MOST]
    now = report.moment
    end = min(max(shown[-1].end + timedelta(days=20), now + timedelta(days=60)), now + _FUTURE)
    scale = _Scale(now - _PAST, end)
    bars = tuple(_bar(number, each, anchors, scale) for number, each in enumerate(shown, start=1))
    return TimeLine(WIDTH, scale.at(now), scale.months(), bars, len(seen) - len(shown))


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    end: datetime

    def at(self, moment: datetime) -> int:
        """The place of a moment, kept within the picture."""
        share = (moment - self.begin) / (self.end - self.begin)
        return round(WIDTH * min(max(share, 0.0), 1.0))

    def months(self) -> tuple[tuple[int, str], ...]:
        """A mark at the first of every month, named where there is room."""
        marks = []
        month = self.begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        step = 1 if self.end - self.begin < timedelta(days=200) else 3
        while month < self.end:
            month = (month + timedelta(days=32)).replace(day=1)
            if (month.month - 1) % step == 0 and self.begin < month < self.end - timedelta(days=10):
                marks.append((self.at(month), f"{month:%b %Y}"))
        return tuple(marks)


def _bar(number: int, seen: Presented, anchors: Anchors, scale: _Scale) -> Bar:
    x, end = scale.at(seen.begin), scale.at(seen.end)
    return Bar(
        id=f"c{number}",
        x=x,
        width=max(end - x, 3),
        seen=seen,
        places=tuple(
            (host, tuple(Link(anchors.id_of(door), str(port)) for port, door in sorted(ports.items())))
            for host, ports in list(seen.places.items())[:_MOST_HOSTS]
        ),
    )
