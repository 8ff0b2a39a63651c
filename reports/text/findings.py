"""What is wrong, what to do about it, and what could not be found out."""

from __future__ import annotations

from itertools import groupby

from diag.api import (
    Certainty,
    Configure,
    Finding,
    Fix,
    Publish,
    Replace,
    Report,
    Result,
    Severity,
    Status,
    Withdraw,
)
from diag.model.fix import record_line
from reports.hostile import plain
from reports.quoting import commands, quoted
from reports.verdict import undecided

from .page import STYLES, Page

FIRST = 5
"""Cures shown at the top."""
_LABEL = 9


def first(page: Page, report: Report) -> tuple[Finding, ...]:
    """The cures of what matters most, each with what to paste and how to see the defect.

    Gives the findings whose cures were shown, so that they are not told twice.
    """
    curable = [
        finding for finding in report.findings if finding.fix and report.severity(finding) >= Severity.WARNING
    ]
    if not curable:
        return ()
    page.heading("Do this first")
    for number, finding in enumerate(curable[:FIRST], 1):
        severity = report.severity(finding)
        if number > 1:
            page.blank()
        page.item(f"{number}.", (f"{severity}: ", STYLES[severity]), plain(finding.text()), width=2)
        for fix in finding.fix:
            _cure(page, fix, indent=3)
        shown = commands(finding.evidence)
        if shown:
            page.say(("See it for yourself:", "dim"), indent=3)
            page.whole(shown[0])
    if len(curable) > FIRST:
        page.blank()
        page.say(f"{len(curable) - FIRST} more can be cured: see the findings below.")
    return tuple(curable[:FIRST])


def _cure(page: Page, fix: Fix, indent: int) -> None:
    told, line = cure(fix)
    page.say((told, "dim"), indent=indent)
    for part in line.splitlines():
        page.whole(plain(part), "bold")


def cure(fix: Fix) -> tuple[str, str]:
    """What to do, and what to paste for it."""
    match fix:
        case Publish():
            return "Add this record:", str(fix)
        case Withdraw(value=""):
            return f"Remove every {fix.rdtype} record at:", f"{fix.name}."
        case Withdraw():
            return "Remove this record:", record_line(fix.name, None, fix.rdtype, fix.value)
        case Replace(old=""):
            return f"Publish this in place of every {fix.rdtype} record at {plain(fix.name)}:", str(fix)
        case Replace():
            return f"Replace the {fix.rdtype} record {plain(_short(fix.old))} by:", str(fix)
        case Configure():
            product = f" ({plain(fix.product)})" if fix.product else ""
            return f"On {plain(fix.where)}{product}:", fix.setting


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def findings(page: Page, report: Report, cured: tuple[Finding, ...]) -> None:
    """Every finding, the gravest first, with the line that shows it, and its cure unless that was told."""
    if not report.findings:
        return
    page.heading("Findings")
    for number, finding in enumerate(report.findings):
        if number:
            page.blank()
        _finding(page, report, finding, report.severity(finding), told=finding in cured)


def _finding(page: Page, report: Report, finding: Finding, severity: Severity, *, told: bool) -> None:
    sure = " (likely)" if finding.certainty is Certainty.LIKELY else ""
    page.item(str(severity), plain(finding.text()), sure, width=_LABEL, style=STYLES[severity])
    page.item("", (f"{finding.id}: {finding.page.summary}", "dim"), width=_LABEL)
    lines = [line for cite in finding.evidence for line in quoted(cite, report.evidence)]
    for line in lines[:2]:
        page.item("", f"| {line}", width=_LABEL)
    for fix in () if told else finding.fix:
        _cure(page, fix, indent=_LABEL + 1)


def undetermined(page: Page, report: Report) -> None:
    """What could not be decided, and the line that shows why."""
    results = undecided(report)
    if not results:
        return
    page.heading("Could not be determined")
    for (because, status), group in groupby(sorted(results, key=_reason), _reason):
        alike = list(group)
        mark = "crashed" if status == Status.CRASHED else "unknown"
        page.item(mark, plain(because) or "no reason was given", width=_LABEL)
        for line in dict.fromkeys(
            line for r in alike for cite in r.evidence for line in quoted(cite, report.evidence)
        ):
            page.item("", f"| {line}", width=_LABEL)
            break
        claims = dict.fromkeys(f"{plain(r.claim)} ({r.area}, {plain(r.subject)})" for r in alike)
        shown = list(claims)[:3]
        more = f"; and {len(claims) - len(shown)} more" if len(claims) > len(shown) else ""
        page.item("", (f"so not known: {'; '.join(shown)}{more}", "dim"), width=_LABEL)


def _reason(result: Result) -> tuple[str, str]:
    return result.because, str(result.status)


def waived(page: Page, report: Report) -> None:
    """What the profile accepts for a while."""
    if not report.waived:
        return
    page.heading("Waived")
    for finding, waiver in report.waived:
        page.item("waived", plain(finding.text()), width=_LABEL)
        page.item("", (f"{finding.id}, until {waiver.until}: {plain(waiver.reason)}", "dim"), width=_LABEL)


def passed(page: Page, report: Report) -> None:
    """Every check that held, or that had nothing to judge."""
    for status, title in ((Status.PASSED, "Passed"), (Status.NOT_APPLICABLE, "Not applicable")):
        results = [result for result in report.results if result.status is status]
        if results:
            page.heading(title)
        for result in results:
            why = f": {plain(result.because)}" if result.because else ""
            page.say(f"{plain(result.claim)} ({result.area}, {plain(result.subject)}){why}")
