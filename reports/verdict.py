"""What a report comes to, in plain words: the verdict in one sentence, the grade in one line, the figures.

Every form of a report takes its words from here, so that terminal, page and JSON say the same. What is
quoted of findings, whose fields are remote text, has been made plain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from diag.api import (
    Certainty,
    Finding,
    Report,
    Result,
    Severity,
    Status,
    Unavailable,
    VantagePoint,
)
from diag.names.domain import to_unicode

from .hostile import plain

LONGEST_CLAUSE = 110
"""Characters of a finding's sentence that a verdict still quotes."""

_LEADS = {
    Severity.CRITICAL: "Mail of {domain} is lost, or others can send or read as it, now",
    Severity.ERROR: "Some receivers reject, defer or distrust mail of {domain}",
    Severity.WARNING: "Mail of {domain} works today and can break under ordinary change",
    Severity.NOTICE: "Mail of {domain} works; it departs from recommended practice",
}


def sentence(report: Report) -> str:
    """What it comes to, for somebody who reads nothing else: the consequence, then the gravest finding."""
    domain, worst = plain(report.target.domain), report.worst
    if worst is None or worst is Severity.INFO:
        return _nothing_wrong(report, domain)
    found = by_consequence(report)
    more = _more(worst, sum(report.severity(each) is worst for each in found), len(found))
    return f"{_LEADS[worst].format(domain=domain)}: {clause(found[0])}{more}."


def named(report: Report) -> str:
    """The domain as people write it, with its A-label form where that differs."""
    domain = report.target.domain
    shown = plain(to_unicode(domain))
    return domain if shown == domain else f"{shown} ({domain})"


def by_consequence(report: Report) -> tuple[Finding, ...]:
    """The findings in the order in which to mend them: gravest first, certain before likely, what concerns
    the whole domain before what concerns one host."""
    domain = report.target.domain

    def rank(finding: Finding) -> tuple[int, bool, bool]:
        likely = finding.certainty is Certainty.LIKELY
        return -report.severity(finding), likely, finding.subject != domain

    return tuple(sorted(report.findings, key=rank))


def by_rule(report: Report) -> tuple[tuple[Finding, ...], ...]:
    """The findings in that order, those of one rule and one severity together."""
    groups: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in by_consequence(report):
        groups.setdefault((report.severity(finding), finding.id), []).append(finding)
    return tuple(map(tuple, groups.values()))


def _round_trip(report: Report) -> str:
    message = f"A message from {plain(report.target.mailbox)} to itself"
    if undecided(report):
        return f"What becomes of a message from {plain(report.target.mailbox)} to itself could not be determined."
    return f"{message} arrived as it was written."


def _nothing_wrong(report: Report, domain: str) -> str:
    if report.target.wait:
        return _round_trip(report)
    if not report.with_status(Status.PASSED):
        return f"Nothing could be said about the mail of {domain}."
    if report.partial:
        return f"Nothing wrong was found with the mail of {domain} in the part that was looked at."
    open_ones = undecided(report)
    if report.grade.endswith("?"):
        number = plural(len(open_ones), "check")
        return f"Nothing wrong was found with the mail of {domain}, but {number} could not be decided."
    return f"Nothing is wrong with the mail of {domain}, as far as anyone can see from outside."


def _more(severity: Severity, worst: int, total: int) -> str:
    if worst > 1:
        noun = "critical finding" if severity is Severity.CRITICAL else str(severity)
        return f", and {plural(worst - 1, f'more {noun}')}"
    return f", and {plural(total - 1, 'lesser finding')}" if total > 1 else ""


def clause(finding: Finding) -> str:
    """A finding's sentence without its full stop, to stand within another sentence; plain text.

    Where it is long, as with a quoted reply, the rule's own sentence takes its place.
    """
    said = plain(finding.text().strip())
    return (said if len(said) <= LONGEST_CLAUSE else finding.page.summary).rstrip(".")


def grade_line(report: Report) -> str:
    """Why this grade and no other: one line that names the rule which decided."""
    worst = report.worst
    if worst is None or worst is Severity.INFO:
        why = "no finding of severity notice or worse"
    else:
        decided = list(dict.fromkeys(f.id for f in by_consequence(report) if report.severity(f) is worst))
        others = f" and {plural(len(decided) - 1, 'more rule')}" if len(decided) > 1 else ""
        what = {Severity.CRITICAL: "critical", Severity.ERROR: "an error"}.get(worst, f"a {worst}")
        why = f"the worst finding decides, and it is {what} ({decided[0]}{others})"
    return f"{report.grade}: {why}{_question_mark(report)}."


def _question_mark(report: Report) -> str:
    if "?" not in report.grade:
        return ""
    floor = report.worst or Severity.INFO
    hiding = sum((result.could or Severity.INFO) > floor for result in undecided(report))
    told = (
        f"what {plural(hiding, 'undecided check')} may hide would be worse"
        if hiding
        else f"the run ended early ({plain(report.partial)}), which may hide something worse"
    )
    return f"; the question mark: {told}"


def counted(report: Report) -> dict[Severity, int]:
    """How many findings of each severity, the gravest first; without those there are none of."""
    counts = Counter(report.severity(finding) for finding in report.findings)
    return {severity: counts[severity] for severity in sorted(counts, reverse=True)}


def undecided(report: Report) -> tuple[Result, ...]:
    """The results that are inconclusive or crashed."""
    return tuple(r for r in report.results if r.status in (Status.INCONCLUSIVE, Status.CRASHED))


def figures(report: Report) -> tuple[tuple[str, str], ...]:
    """Findings and checks as pairs of number and word, those that are not zero: ("2", "errors")."""
    pairs = [(number, noun(number, str(severity))) for severity, number in counted(report).items()]
    pairs += [
        (len(report.with_status(Status.PASSED)), "passed"),
        (len(report.with_status(Status.INCONCLUSIVE)), "could not be determined"),
        (len(report.with_status(Status.CRASHED)), "crashed"),
        (len(report.waived), "waived"),
    ]
    return tuple((f"{number:,}", word) for number, word in pairs if number)


AS_BULK_SENDER = "Judged as a bulk sender, who must meet what large receivers ask for"


def listed(names: Sequence[str]) -> str:
    """The names as they stand in a sentence: "A, B and C"; empty where there is none."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def seen_from(report: Report) -> str:
    """Where the run looked from, and what that place hides: "seen from 203.0.113.9, no IPv6, port 25 open"."""
    vantage = report.fact(VantagePoint)
    if isinstance(vantage, Unavailable):
        return f"own position unknown: {plain(vantage.because)}"
    if not isinstance(vantage, VantagePoint):
        return ""
    addresses = [address for address in (vantage.ipv4, vantage.ipv6) if address]
    said = [f"seen from {' and '.join(addresses) or 'a machine without a route'}"]
    hides = {
        "no IPv4": not vantage.ipv4,
        "no IPv6": not vantage.ipv6,
        "port 25 open": vantage.port_25 is True,
        "our own port 25 is closed": vantage.port_25 is False,
        "our resolver does not validate": vantage.validating is False,
        "our resolver invents answers": vantage.honest is False,
    }
    return ", ".join(said + [words for words, applies in hides.items() if applies])


def about_us(report: Report) -> tuple[Finding, ...]:
    """What was found about the place we look from: told before all else, as it is nobody's fault but hides things."""
    return tuple(finding for finding in report.findings if finding.area == "vantage")


def moment(report: Report) -> str:
    """The moment of the run for people: "21 Nov 2026 09:14 UTC"."""
    return _minute(report.real_moment or report.moment)


def judged_as_of(report: Report) -> str:
    """The moment that the user chose to judge at, in the same words; empty where he chose none."""
    return _minute(report.moment) if report.real_moment is not None else ""


def _minute(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y %H:%M} UTC"


def plural(count: int, word: str) -> str:
    """`1 error`, `2 errors`; "info" and "critical" have no plural of their own."""
    return f"{count:,} {noun(count, word)}"


def noun(count: int, word: str) -> str:
    """The word as it stands after that number."""
    return word if count == 1 or word in ("info", "critical") else f"{word}s"
