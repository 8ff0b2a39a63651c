"""SPF for readers: the tree of look-ups with its cost."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Report, Severity
from diag.facts.spf import LOOKUP_LIMIT, Outcome, SpfEvaluation, SpfNode, SpfStep
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
    rows = [(plain(spf.domain), str(spf.lookups)), *_rows(spf.root, "")]
    page.table(rows, right=(1,), fixed=(1,))


def _rows(node: SpfNode, prefix: str) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(node.steps, 1):
        last = number == len(node.steps)
        yield f"{prefix}{'└─ ' if last else '├─ '}{_term(step)}", str(step.total) if step.total else ""
        if step.inner is not None:
            yield from _rows(step.inner, prefix + ("   " if last else "│  "))


def _term(step: SpfStep) -> str:
    remarks = []
    if not step.reached:
        remarks.append("never reached")
    elif step.outcome not in (Outcome.NOT_NEEDED, Outcome.FOUND):
        remarks.append(str(step.outcome))
    told = f" ({', '.join(remarks)})" if remarks else ""
    return plain(step.text) + told
