"""What is published and presented, one line each: enough to see where to look closer."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Absent, Report, Severity, Unavailable
from diag.facts.dmarc import DmarcPolicy
from diag.facts.spf import LOOKUP_LIMIT, VOID_LIMIT, SpfEvaluation
from reports import dkim, reverse, states
from reports.certificates import presented
from reports.hostile import plain
from reports.transport import transport
from reports.verdict import plural

from .page import STYLES, Page

_MOST = 3
"""Subjects that a line names."""
_AREAS = {"Reverse": "reverse", "Certificates": "certificates", "TLS-RPT": "tlsrpt"}


def glance(page: Page, report: Report) -> None:
    """The lines; each begins with the mark of the gravest finding of its area."""
    rows = list(_rows(report))
    if not rows:
        return
    page.heading("At a glance")
    width = max(len(name) for name, _, _ in rows)
    worst = _worst(report)
    for name, shown, words in rows:
        severity = worst.get(_AREAS.get(name, name.lower()))
        mark = states.SEVERITIES[severity].symbol if severity is not None else shown.symbol
        style = STYLES[severity] if severity is not None else ""
        page.item(name, (mark, style), " ", plain(words), width=width)


def _worst(report: Report) -> dict[str, Severity]:
    found: dict[str, Severity] = {}
    for finding in report.findings:
        severity = report.severity(finding)
        found[finding.area] = max(severity, found.get(finding.area, severity))
    return found


_Line = tuple[str, states.Shown, str]


def _rows(report: Report) -> Iterator[_Line]:
    yield from _spf(report)
    yield from _dkim(report)
    yield from _dmarc(report)
    yield from _reverse(report)
    transported: dict[str, list[tuple[str, states.Shown]]] = {}
    for row in transport(report):
        transported.setdefault(row.name, []).append((row.subject, row.shown))
    for name, seen in transported.items():
        yield name, *_alike(seen)
    yield from _certificates(report)


def _unseen(name: str, fact: object) -> Iterator[_Line]:
    if isinstance(fact, Absent):
        yield name, states.mute("none"), "none"
    elif isinstance(fact, Unavailable):
        yield name, states.unknown("unknown"), f"could not be determined: {fact.because}"


def _spf(report: Report) -> Iterator[_Line]:
    spf = report.fact(SpfEvaluation)
    if not isinstance(spf, SpfEvaluation):
        yield from _unseen("SPF", spf)
        return
    voids = max(len(spf.voids(4)), len(spf.voids(6)))
    said = [f"{spf.lookups} of {LOOKUP_LIMIT} look-ups"]
    said += [f"{voids} of {VOID_LIMIT} void ones"] if voids else []
    yield "SPF", states.good("evaluated"), "; ".join(said)


def _dkim(report: Report) -> Iterator[_Line]:
    keys = dkim.keys(report)
    if keys is None:
        return
    if not keys.rows:
        yield "DKIM", states.mute("none"), f"no key found; {keys.tried} selectors tried"
        return
    said = [f"{row.selector}: {', '.join(filter(None, (row.kind, row.shown.word)))}" for row in keys.rows]
    yield "DKIM", _gravest([row.shown for row in keys.rows]), _few(said)


def _dmarc(report: Report) -> Iterator[_Line]:
    policy = report.fact(DmarcPolicy)
    if not isinstance(policy, DmarcPolicy):
        yield from _unseen("DMARC", policy)
        return
    where = [f"from {policy.found_at}"] if policy.inherited else []
    uris = [uri.text.removeprefix("mailto:") for uri in policy.record.rua]
    reports = f"summaries to {_few(uris, ', ')}" if uris else "no summaries wanted"
    yield (
        "DMARC",
        states.good("in force"),
        "; ".join([str(policy.policy), *where, f"subdomains: {policy.for_subdomains}", reports]),
    )


def _reverse(report: Report) -> Iterator[_Line]:
    rows = reverse.rows(report)
    if not rows:
        return
    said = [f"{row.address}: {row.shown.word}" for row in rows if row.shown.css != "good"]
    good = len(rows) - len(said)
    said = [_few(said)] if said else []
    said += [f"{good} of {plural(len(rows), 'name')} lead{'s' * (good == 1)} back"] if good else []
    yield "Reverse", _gravest([row.shown for row in rows]), "; ".join(said)


def _certificates(report: Report) -> Iterator[_Line]:
    seen = presented(report)
    if seen:
        bad = [each for each in seen if each.shown.css != "good"]
        good = [each for each in seen if each.shown.css == "good"]
        said = [f"{each.name} {each.shown.word}" for each in bad]
        said += (
            [f"{len(good)} good, the first of them ends on {good[0].ends} ({good[0].shown.word})"]
            if good
            else []
        )
        yield "Certificates", _gravest([each.shown for each in seen]), _few(said)


def _alike(seen: list[tuple[str, states.Shown]]) -> tuple[states.Shown, str]:
    """Subjects by what is true of them: those in order are only counted."""
    by_word: dict[str, list[str]] = {}
    for subject, shown in sorted(seen, key=lambda pair: _rank(pair[1])):
        by_word.setdefault(shown.word, []).append(subject)
    said = []
    for word, subjects in by_word.items():
        good = any(shown.word == word and shown.css in ("good", "mute") for _, shown in seen)
        number = f"{len(subjects)} of {len(seen)} " if len(seen) > len(subjects) else ""
        said.append(f"{number}{word}" if good else f"{_few(subjects, ', ')}: {word}")
    return _gravest([shown for _, shown in seen]), "; ".join(said)


_ORDER = ("crit", "err", "warn", "unk", "note", "good", "mute")


def _rank(shown: states.Shown) -> int:
    return _ORDER.index(shown.css)


def _gravest(seen: list[states.Shown]) -> states.Shown:
    return min(seen, key=_rank)


def _few(said: list[str], between: str = "; ") -> str:
    more = f"{between}and {len(said) - _MOST} more" if len(said) > _MOST else ""
    return between.join(said[:_MOST]) + more
