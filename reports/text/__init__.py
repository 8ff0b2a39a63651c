"""The report as text: for a terminal of 80 columns, with colour or without, and for pipes."""

from __future__ import annotations

import re

from diag.api import Report, renderer


@renderer("text")
def text(report: Report, *, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """For people at a terminal: the verdict, what to do first, then the evidence."""
    from . import findings, head, hosts, spf  # rich takes its time to load
    from .page import Page

    page = Page(width, colour=colour)
    head.verdict(page, report)
    cured = findings.first(page, report)
    spf.senders(page, report)
    findings.findings(page, report, cured)
    spf.tree(page, report)
    hosts.matrix(page, report)
    findings.undetermined(page, report)
    findings.waived(page, report)
    if verbose:
        findings.passed(page, report)
        hosts.dialogues(page, report)
    head.counts(page, report)
    return re.sub(r"[ \t]+$", "", page.text(), flags=re.MULTILINE)
