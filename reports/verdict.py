"""What a report comes to, in plain words: the verdict in one sentence, the grade explained, the figures.

Every renderer takes its words from here, so that terminal, page and JSON say the same. The sentences
quote findings, whose fields are remote text: a renderer neutralises them for its medium like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from diag.api import DnsQuery, Finding, Impact, Probe, Report, Severity, Status, Unavailable, VantagePoint

_LEADS = {
    Severity.CRITICAL: "Mail of {domain} is lost or open to abuse right now",
    Severity.ERROR: "Some receivers refuse, delay or distrust the mail of {domain}",
    Severity.WARNING: "Mail of {domain} works today, but an ordinary change would break it",
    Severity.NOTICE: "Mail of {domain} works, with small departures from recommended practice",
}
_NOUNS = {
    Severity.CRITICAL: "critical finding",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTICE: "notice",
}
_WORST = {
    Severity.CRITICAL: "mail is lost, or a stranger can send or read as the domain",
    Severity.ERROR: "some receivers reject, defer or distrust mail because of it",
    Severity.WARNING: "it works today and breaks under ordinary change",
    Severity.NOTICE: "it departs from recommended practice without an effect seen",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of a run. Findings are counted by severity, results by what became of them."""

    findings: Mapping[Severity, int]
    """Gravest first, without those that do not occur; waived findings are apart."""
    passed: int
    undetermined: int
    """Inconclusive results."""
    crashed: int
    not_applicable: int
    waived: int
    questions: int
    """DNS questions asked."""
    connections: int
    """Connections opened or tried to mail and policy hosts."""


def counts(report: Report) -> Counts:
    """Count what the report holds."""
    found = Counter(report.severity(finding) for finding in report.findings)
    became = Counter(result.status for result in report.results)
    asked = [probe for probe in report.evidence if isinstance(probe, Probe)]
    return Counts(
        findings={severity: found[severity] for severity in sorted(found, reverse=True)},
        passed=became[Status.PASSED],
        undetermined=became[Status.INCONCLUSIVE],
        crashed=became[Status.CRASHED],
        not_applicable=became[Status.NOT_APPLICABLE],
        waived=len(report.waived),
        questions=sum(isinstance(probe, DnsQuery) for probe in asked),
        connections=sum(probe.impact >= Impact.POLITE for probe in asked),
    )


def verdict(report: Report) -> str:
    """The verdict in one sentence, with its full stop: the consequence, then the gravest finding."""
    domain = report.target.domain
    grave = [finding for finding in report.findings if report.severity(finding) >= Severity.NOTICE]
    if not grave:
        return _nothing_wrong(report)
    severity = report.severity(grave[0])
    lead = _LEADS[severity].format(domain=domain)
    more = _and_more(severity, sum(report.severity(finding) == severity for finding in grave), len(grave))
    return f"{lead}: {clause(grave[0])}{more}."


def _nothing_wrong(report: Report) -> str:
    domain = report.target.domain
    figures = counts(report)
    undecided = figures.undetermined + figures.crashed
    if not figures.passed:
        return f"Nothing could be said about the mail of {domain}."
    if report.partial:
        return f"Nothing wrong was found with the mail of {domain} in the part that was looked at."
    if report.grade.endswith("?"):
        what = f"{undecided} checks" if undecided > 1 else "one check"
        return f"Nothing wrong was found with the mail of {domain}, but {what} could not be decided."
    return f"The mail of {domain} is in order, as far as anyone can see from outside."


def _and_more(severity: Severity, worst: int, total: int) -> str:
    if worst > 1:
        return f", and {worst - 1} more {plural(worst - 1, _NOUNS[severity])}"
    return f", and {total - 1} lesser {plural(total - 1, 'matter')}" if total > 1 else ""


def clause(finding: Finding) -> str:
    """A finding's sentence without its full stop, to stand within another sentence."""
    return finding.text().strip().rstrip(".")


def explanation(report: Report) -> str:
    """Why the grade is what it is: one line that names the rule which decided."""
    grade, worst = report.grade, report.worst
    letter = grade.rstrip("?")
    if worst is None or worst not in _WORST:
        said = f"{letter}: no finding of severity notice or worse"
    else:
        decided = list(dict.fromkeys(f.id for f in report.findings if report.severity(f) == worst))
        others = f" and {len(decided) - 1} more" if len(decided) > 1 else ""
        said = f"{letter}: the worst finding decides, here {worst} ({decided[0]}{others}): {_WORST[worst]}"
    return said + (f". The question mark: {why_open(report)}." if grade.endswith("?") else ".")


def why_open(report: Report) -> str:
    """What the question mark in the grade stands for, as a clause; only asked where there is one."""
    floor = report.worst if report.worst is not None else Severity.INFO
    hiding = [
        result
        for result in report.results
        if result.status in (Status.INCONCLUSIVE, Status.CRASHED) and (result.could or Severity.INFO) > floor
    ]
    if report.partial and not hiding:
        return f"the run ended early ({report.partial})"
    number = (
        f"{len(hiding)} checks that could lower it" if len(hiding) != 1 else "one check that could lower it"
    )
    return f"{number} could not be decided"


def figures(report: Report) -> tuple[tuple[str, str], ...]:
    """The counts as pairs of number and word, those that are not zero: ("2", "errors")."""
    count = counts(report)
    pairs = [(number, plural(number, str(severity))) for severity, number in count.findings.items()]
    pairs.append((count.passed, "passed"))
    pairs.append((count.undetermined, "could not be determined"))
    pairs.append((count.crashed, plural(count.crashed, "check") + " of ours crashed"))
    pairs.append((count.waived, "waived"))
    return tuple((f"{number:,}", word) for number, word in pairs if number)


def seen_from(report: Report) -> str:
    """Where the run looked from, and what that place hides: "seen from 203.0.113.9, no IPv6, port 25 open"."""
    vantage = report.fact(VantagePoint)
    if not isinstance(vantage, VantagePoint):
        why = f": {vantage.because}" if isinstance(vantage, Unavailable) else ""
        return f"own position unknown{why}" if why else ""
    said = [f"seen from {' and '.join(filter(None, (vantage.ipv4, vantage.ipv6))) or 'no public address'}"]
    if not vantage.ipv6:
        said.append("no IPv6")
    if not vantage.ipv4:
        said.append("no IPv4")
    if vantage.port_25 is not None:
        said.append("port 25 open" if vantage.port_25 else "our own port 25 is shut")
    if vantage.validating is False:
        said.append("resolver does not validate")
    if vantage.honest is False:
        said.append("resolver answers for names nobody has")
    return ", ".join(said)


def effort(report: Report) -> str:
    """What the run cost: "61 questions, 14 connections, 2.1 s"."""
    count = counts(report)
    return (
        f"{count.questions:,} {plural(count.questions, 'question')}, "
        f"{count.connections:,} {plural(count.connections, 'connection')}, {report.seconds:.1f} s"
    )


def moment(report: Report) -> str:
    """The moment of the run for people: "21 Nov 2026 09:14 UTC"."""
    return f"{report.moment.day} {report.moment:%b %Y %H:%M} UTC"


def plural(number: int, word: str) -> str:
    """The word as it stands after the number; `critical` and `info` have no plural."""
    return word if number == 1 or word in ("critical", "info") else f"{word}s"
