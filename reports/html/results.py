"""What could not be determined and why; and every check with what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from diag.api import Cite, Report, Result, Status
from reports import states
from reports.areas import FEW, left_open, title

from .anchors import Anchors, Link


@dataclass(frozen=True, slots=True)
class Open:
    """One reason for not knowing, and what it leaves open."""

    because: str
    subjects: tuple[str, ...]
    claims: tuple[str, ...]
    what: str
    """How many checks of which areas: "20 checks of TLS"."""
    links: tuple[Link, ...]
    crashed: bool


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check on one subject, or several that one reason leaves open there."""

    claims: tuple[str, ...]
    subject: str
    shown: states.Shown
    because: str
    card: Link | None
    """The fix that belongs to it."""


@dataclass(frozen=True, slots=True)
class Area:
    """The checks of one area."""

    name: str
    title: str
    summary: tuple[states.Shown, ...]
    lines: tuple[CheckLine, ...]


_ORDER = (Status.FAILED, Status.CRASHED, Status.INCONCLUSIVE, Status.PASSED, Status.NOT_APPLICABLE)


def open_questions(report: Report, anchors: Anchors) -> tuple[Open, ...]:
    """The reasons for not knowing, each once, those that leave most open first."""
    by_reason: dict[tuple[str, bool], list[Result]] = {}
    for result in report.results:
        if result.status in (Status.INCONCLUSIVE, Status.CRASHED):
            key = (result.because, result.status is Status.CRASHED)
            by_reason.setdefault(key, []).append(result)
    found = [
        Open(
            because or "no reason was given",
            tuple(dict.fromkeys(result.subject for result in results)),
            tuple(dict.fromkeys(result.claim for result in results)),
            left_open(results),
            _links(tuple(cite for result in results for cite in result.evidence), anchors),
            crashed,
        )
        for (because, crashed), results in by_reason.items()
    ]
    return tuple(sorted(found, key=lambda each: (not each.crashed, -len(each.claims), each.because)))


def _links(cites: tuple[Cite, ...], anchors: Anchors) -> tuple[Link, ...]:
    links = {link.target: link for cite in cites if (link := anchors.link(cite)) is not None}
    return tuple(links.values())[:4]


def areas(report: Report, cards: dict[str, str]) -> tuple[Area, ...]:
    """Every check by area, failed ones first; `cards` gives the id of the card of each rule."""
    by_area: dict[str, list[Result]] = {}
    for result in report.results:
        by_area.setdefault(result.area, []).append(result)
    return tuple(_area(name, results, cards) for name, results in sorted(by_area.items()))


def _area(name: str, results: list[Result], cards: dict[str, str]) -> Area:
    became = Counter(result.status for result in results)
    summary = []
    for status in _ORDER:
        if became[status]:
            shown = states.STATUSES[status]
            summary.append(states.Shown(shown.symbol, f"{became[status]} {shown.word}", shown.css))
    lines = []
    for same in _together(sorted(results, key=lambda each: _ORDER.index(each.status))):
        result = same[0]
        first = result.findings[0].id if result.findings else ""
        card = Link(cards[first], first) if first in cards else None
        claims = tuple(each.claim for each in same)
        shown = states.STATUSES[result.status]
        lines.append(CheckLine(claims, result.subject, shown, result.because, card))
    return Area(name, title(name), tuple(summary), tuple(lines))


def _together(results: list[Result]) -> Iterator[list[Result]]:
    """One by one, but those of one subject that one reason leaves open as one where they are many."""
    reasons: dict[tuple[str, str, Status], list[Result]] = {}
    for result in results:
        reasons.setdefault((result.subject, result.because, result.status), []).append(result)
    for result in results:
        same = reasons[result.subject, result.because, result.status]
        if result.status is not Status.INCONCLUSIVE or len(same) <= FEW:
            yield [result]
        elif result is same[0]:
            yield same
