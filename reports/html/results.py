"""What could not be determined and why; and every check with what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from diag.api import Cite, Report, Result, Status
from reports import states

from .anchors import Anchors, Link


@dataclass(frozen=True, slots=True)
class Open:
    """One reason for not knowing, and what it leaves open."""

    because: str
    subjects: tuple[str, ...]
    claims: tuple[str, ...]
    links: tuple[Link, ...]
    crashed: bool


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check on one subject."""

    claim: str
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


TITLES = {
    "mx": "MX",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mta-sts": "MTA-STS",
    "tlsrpt": "TLS-RPT",
    "dane": "DANE",
    "dnssec": "DNSSEC",
    "smtp": "SMTP",
    "imap": "IMAP",
    "pop3": "POP3",
    "managesieve": "ManageSieve",
    "bimi": "BIMI",
    "tls": "TLS",
    "caa": "CAA",
}
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
    for result in sorted(results, key=lambda each: _ORDER.index(each.status)):
        first = result.findings[0].id if result.findings else ""
        card = Link(cards[first], first) if first in cards else None
        lines.append(
            CheckLine(result.claim, result.subject, states.STATUSES[result.status], result.because, card)
        )
    return Area(name, TITLES.get(name, name.capitalize()), tuple(summary), tuple(lines))
