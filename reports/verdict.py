"""The verdict in one sentence, and the grade in one line: the same words in every form of a report."""

from __future__ import annotations

from collections import Counter

from diag.api import Report, Result, Severity, Status

_WORST = {
    Severity.CRITICAL: "Mail of {domain} is lost, or others can send or read as it, now",
    Severity.ERROR: "Some receivers reject, defer or distrust mail of {domain}",
    Severity.WARNING: "Mail of {domain} works today and can break under ordinary change",
    Severity.NOTICE: "Mail of {domain} works; it departs from recommended practice",
    Severity.INFO: "Nothing is wrong with the mail of {domain}",
}


def sentence(report: Report) -> str:
    """What it comes to, for somebody who reads nothing else."""
    domain = report.target.domain
    worst = report.worst
    if worst is None and undecided(report):
        told = f"Nothing wrong was found with the mail of {domain}, but not everything could be seen"
    elif worst is None:
        told = f"Nothing is wrong with the mail of {domain}"
    else:
        told = _WORST[worst].format(domain=domain)
    counts = counted(report)
    if counts:
        told += ": " + ", ".join(plural(count, str(severity)) for severity, count in counts.items())
    return told + "."


def grade_line(report: Report) -> str:
    """Why this grade and no other."""
    worst = report.worst
    if worst is None or worst is Severity.INFO:
        why = "no finding of severity notice or worse"
    else:
        why = f"the worst finding is {'an' if worst is Severity.ERROR else 'a'} {worst}"
    if "?" not in report.grade:
        return f"{report.grade}: {why}."
    hiding = (
        "the run ended early" if report.partial else f"{plural(len(undecided(report)), 'check')} undecided"
    )
    return f"{report.grade}: {why}; the question mark: {hiding}, which may hide something worse."


def counted(report: Report) -> dict[Severity, int]:
    """How many findings of each severity, the gravest first; without those there are none of."""
    counts = Counter(report.severity(finding) for finding in report.findings)
    return {severity: counts[severity] for severity in sorted(counts, reverse=True)}


def undecided(report: Report) -> tuple[Result, ...]:
    """The results that are inconclusive or crashed."""
    return tuple(r for r in report.results if r.status in (Status.INCONCLUSIVE, Status.CRASHED))


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`; "info" and "critical" have no plural of their own."""
    if noun == "info":
        return f"{count} info"
    if noun == "critical":
        return f"{count} critical"
    return f"{count} {noun}{'' if count == 1 else 's'}"
