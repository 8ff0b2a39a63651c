"""What is wrong, what to do about it, and what could not be found out."""

from __future__ import annotations

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
from diag.probes.talks import TalkProbe
from reports.areas import FEW, left_open
from reports.hostile import plain
from reports.quoting import commands, quoted
from reports.receivers import as_bulk_sender
from reports.verdict import by_rule, plural, undecided

from .page import STYLES, Page

FIRST = 5
"""Rules whose cures stand at the top."""
_ALIKE = 4
"""Findings of one rule, and cures of them, that are told one by one."""
_REASONS = 6
"""Reasons for not knowing that are told."""
_LABEL = 9

_Group = tuple[Finding, ...]


def first(page: Page, report: Report) -> int:
    """What matters most: why, what shows it, what to paste, and how to see the defect oneself.

    Gives the number of rules told, so that they are not told twice.
    """
    urgent = [group for group in by_rule(report) if report.severity(group[0]) >= Severity.WARNING][:FIRST]
    if urgent:
        page.heading("Do this first")
    for number, group in enumerate(urgent, 1):
        severity = report.severity(group[0])
        if number > 1:
            page.blank()
        page.item(f"{number}.", (f"{severity}: ", STYLES[severity]), _said(group[0]), width=2)
        for other in group[1:_ALIKE]:
            page.item("", _said(other), width=2)
        if len(group) > _ALIKE:
            page.item("", f"and {len(group) - _ALIKE} more of this kind", width=2)
        page.item("", (f"{_first_paragraph(group[0].page.why)} ({group[0].id})", "dim"), width=2)
        _weighs_more(page, report, group[0], width=2)
        _evidence(page, report, group[0], width=2)
        _cures(page, group, indent=3)
        shown = commands(cite for finding in group for cite in finding.evidence)
        if shown:
            page.say(("See it for yourself:", "dim"), indent=3)
            page.whole(shown[0])
    return len(urgent)


def _weighs_more(page: Page, report: Report, finding: Finding, *, width: int) -> None:
    """What receivers answer to bulk mail because of it."""
    if said := as_bulk_sender(report, finding):
        page.item("", (f"Of bulk mail: {said}.", "dim"), width=width)


def also(page: Page, report: Report, told: int, *, verbose: bool) -> None:
    """Every other finding in a sentence; at length where that is wanted."""
    groups = [group for group in by_rule(report)[told:] if group[0].area != "vantage"]  # the head tells those
    if not groups:
        return
    page.heading("Also found" if told else "Findings")
    for number, group in enumerate(groups):
        severity = report.severity(group[0])
        if verbose and number:
            page.blank()
        for finding in group if verbose else group[:_ALIKE]:
            page.item(
                str(severity), _said(finding), (f" {finding.id}", "dim"), width=_LABEL, style=STYLES[severity]
            )
        if not verbose and len(group) > _ALIKE:
            page.item("", f"and {len(group) - _ALIKE} more of this kind", width=_LABEL)
        if verbose:
            page.item("", (_first_paragraph(group[0].page.why), "dim"), width=_LABEL)
            _weighs_more(page, report, group[0], width=_LABEL)
            _evidence(page, report, group[0], width=_LABEL)
            _cures(page, group, indent=_LABEL + 1)
    if not verbose:
        page.say(("What to do about these: -v, or maildiag explain RULE.", "dim"))


def _said(finding: Finding) -> str:
    sure = " (likely)" if finding.certainty is Certainty.LIKELY else ""
    return plain(finding.text()) + sure


def _first_paragraph(prose: str) -> str:
    return plain(" ".join(prose.strip().split("\n\n")[0].replace("`", "").split()))


def _evidence(page: Page, report: Report, finding: Finding, width: int) -> None:
    """The first line that shows it, cut where it is long: the whole is in the dialogue or the record."""
    line = next((line for cite in finding.evidence for line in quoted(cite, report.evidence)), "")
    if line:
        most = 2 * (page.width - width - 4)
        page.item("", f"| {line if len(line) <= most else f'{line[: most - 3]}...'}", width=width)


def _cures(page: Page, group: _Group, indent: int) -> None:
    cures = list(dict.fromkeys(fix for finding in group for fix in finding.fix))
    if not cures:
        page.say((_first_paragraph(group[0].page.how), ""), indent=indent)
    most = max(_ALIKE, len(group[0].fix))
    for fix in cures[:most]:
        _cure(page, fix, indent)
    if len(cures) > most:
        page.say(f"and {len(cures) - most} more changes of this kind", indent=indent)


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


def undetermined(page: Page, report: Report, *, verbose: bool) -> None:
    """What could not be decided, and the line that shows why; the reasons that leave most open first."""
    reasons: dict[tuple[bool, str], list[Result]] = {}
    for result in undecided(report):
        reasons.setdefault((result.status is not Status.CRASHED, result.because), []).append(result)
    if not reasons:
        return
    page.heading("Could not be determined")
    order = sorted(reasons.items(), key=lambda pair: (pair[0][0], -len(pair[1]), pair[0][1]))
    for (sane, because), alike in order if verbose else order[:_REASONS]:
        page.item("unknown" if sane else "crashed", plain(because) or "no reason was given", width=_LABEL)
        lines = (line for r in alike for cite in r.evidence for line in quoted(cite, report.evidence))
        # A reason that quotes the answer itself needs no second quotation.
        if (line := next(lines, "")) and line not in plain(because):
            page.item("", f"| {line}", width=_LABEL)
        page.item("", (_left_open(alike, verbose=verbose), "dim"), width=_LABEL)
    if len(order) > _REASONS and not verbose:
        page.say((f"{plural(len(order) - _REASONS, 'more reason')}: -v tells all of them.", "dim"))


def _left_open(results: list[Result], *, verbose: bool) -> str:
    """What nobody knows, by what it is about: a few claims are named, of many it is told how many of what."""
    subjects = list(dict.fromkeys(plain(result.subject) for result in results))
    claims = list(dict.fromkeys(plain(result.claim) for result in results))
    about = ", ".join(subjects[:_ALIKE]) + (
        f" and {len(subjects) - _ALIKE} more" if len(subjects) > _ALIKE else ""
    )
    if len(claims) <= FEW:
        return f"so not known of {about}: {'; '.join(claims)}"
    named = f": {'; '.join(claims)}" if verbose else ""
    return f"so {left_open(results)} could not be made for {about}{named}"


def told(page: Page, report: Report, finding: Finding, place: tuple[str, str, int]) -> None:
    """One finding under its endpoint: the sentence, the line that shows it there, the first cure."""
    severity = report.severity(finding)
    page.item("", (f"{severity}: ", STYLES[severity]), _said(finding), width=1)
    here = [cite for cite in finding.evidence if _place(cite.probe) == place]
    line = next((line for cite in here for line in quoted(cite, report.evidence)), "")
    if line:
        page.item("", f"| {line}", width=1)
    for fix in finding.fix[:1]:
        _cure(page, fix, indent=2)


def _place(probe: object) -> tuple[str, str, int] | None:
    return (probe.host, probe.address, probe.port) if isinstance(probe, TalkProbe) else None


def waived(page: Page, report: Report) -> None:
    """What the profile accepts for a while."""
    if not report.waived:
        return
    page.heading("Waived")
    for finding, waiver in report.waived:
        page.item("waived", plain(finding.text()), width=_LABEL)
        page.item(
            "", (f"{finding.id}, until {plain(waiver.until)}: {plain(waiver.reason)}", "dim"), width=_LABEL
        )


def passed(page: Page, report: Report) -> None:
    """Every check that held, or that had nothing to judge."""
    for status, title in ((Status.PASSED, "Passed"), (Status.NOT_APPLICABLE, "Not applicable")):
        results = report.with_status(status)
        if results:
            page.heading(title)
        for result in results:
            why = f": {plain(result.because)}" if result.because else ""
            page.say(f"{plain(result.claim)} ({result.area}, {plain(result.subject)}){why}")
