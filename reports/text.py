"""The report as text: for a terminal of 80 columns, with colour or without, and for pipes."""

from __future__ import annotations

import re

from diag.api import Report, renderer


@renderer("text")
def text(report: Report, *, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """For people at a terminal: the verdict, what to do first, then the evidence."""
    from . import text_findings, text_head, text_hosts, text_spf  # rich takes its time to load
    from .text_page import Page

    page = Page(width, colour=colour)
    text_head.verdict(page, report)
    cured = text_findings.first(page, report)
    text_spf.senders(page, report)
    text_findings.findings(page, report, cured)
    text_spf.tree(page, report)
    text_hosts.matrix(page, report)
    text_findings.undetermined(page, report)
    text_findings.waived(page, report)
    if verbose:
        text_findings.passed(page, report)
        text_hosts.dialogues(page, report)
    text_head.counts(page, report)
    return re.sub(r"[ \t]+$", "", page.text(), flags=re.MULTILINE)
