"""Whom the domain relies on, as a picture: jobs to the left, who does them to the right; with its text."""

from __future__ import annotations

from dataclasses import dataclass

from reports.supply import Job, Supply

from .boxes import Box, box

WIDTH = 760
_LEFT, _RIGHT = (4, 200), (430, 326)
_BOX, _ROW = 40, 54
_FITS = 40
"""Characters that fit into a box of the right column."""
_MOST = 12
"""Parties drawn."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the template draws. Lines are path data of our own making."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    text: str
    """The same in a sentence or two, for whoever does not see the picture."""
    more: int
    """Parties beyond those drawn."""


def picture(found: Supply) -> Picture:
    """The picture; the shorter column stands in the middle of the longer one."""
    jobs, parties = found.jobs, found.parties[:_MOST]
    rows = max(len(jobs), len(parties))
    left = {job.id: _middle(number, len(jobs), rows) for number, job in enumerate(jobs)}
    right = {party: _middle(number, len(parties), rows) for number, party in enumerate(parties)}
    boxes = [box(_LEFT, left[job.id], _BOX, job.title, _FITS, _summary(job)) for job in jobs]
    boxes += [
        box(_RIGHT, right[party], _BOX, party, _FITS, _doing(found.jobs_of(party))) for party in parties
    ]
    lines = [_curve(left[job.id], right[party]) for job in jobs for party in job.parties if party in right]
    text = " ".join(f"{job.title}: {', '.join(job.parties) or job.silence}." for job in jobs)
    return Picture(
        WIDTH, rows * _ROW + 4, tuple(boxes), tuple(lines), text, len(found.parties) - len(parties)
    )


def _middle(number: int, of: int, rows: int) -> int:
    return 2 + (rows - of) * _ROW // 2 + number * _ROW + _ROW // 2


def _summary(job: Job) -> str:
    number = len(job.parties)
    return f"{number} part{'ies' if number > 1 else 'y'}" if number else "nobody known"


def _doing(jobs: tuple[Job, ...]) -> str:
    return ", ".join("DNS" if job.id == "dns" else job.id for job in jobs)


def _curve(y1: int, y2: int) -> str:
    x1, x2 = _LEFT[0] + _LEFT[1], _RIGHT[0]
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
