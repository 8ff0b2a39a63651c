"""SPF for readers: the tree of look-ups with its cost."""

from __future__ import annotations

from diag.api import Report, Severity
from diag.facts.spf import LOOKUP_LIMIT, SpfEvaluation
from diag.facts.spf_text import branches, drawn
from reports.hostile import plain

from .page import Page


def at_fault(report: Report) -> bool:
    """Whether the tree helps to mend something."""
    return any(f.area == "spf" and report.severity(f) >= Severity.WARNING for f in report.findings)


def tree(page: Page, report: Report) -> None:
    """Every term as a receiver meets it, with what it costs."""
    spf = report.fact(SpfEvaluation)
    if not isinstance(spf, SpfEvaluation):
        return
    page.heading(f"SPF: {spf.lookups} of {LOOKUP_LIMIT} look-ups")
    terms = ((line.rail + plain(line.text), *line.columns) for line in drawn(branches(spf.root)))
    rows = ((plain(spf.domain), str(spf.lookups)), *terms)
    page.table(rows, right=(1,), fixed=(1,))
