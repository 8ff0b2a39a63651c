"""The report as text: for a terminal of 80 columns, with colour or without, and for pipes."""

from __future__ import annotations

import re

from diag.api import Report, renderer


@renderer("text")
def text(report: Report, *, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """For people at a terminal: the verdict, what to do first, then the evidence."""
    from . import (
        access,
        chain,
        delivery,
        details,
        findings,
        head,
        hosts,
        opinions,
        records,
        round_trip,
        senders,
        spf,
        tls,
    )  # rich takes its time to load
    from .page import Page

    page = Page(width, colour=colour)
    head.verdict(page, report)
    round_trip.round_trip(page, report)
    access.access(page, report)
    told = findings.first(page, report)
    findings.also(page, report, told, verbose=verbose)
    senders.receivers(page, report, verbose=verbose)
    senders.strangers(page, report)
    chain.chain(page, report, verbose=verbose)
    records.glance(page, report)
    details.dmarc_walk(page, report, verbose=verbose)
    if verbose or spf.at_fault(report):
        spf.tree(page, report)
    delivery.delivery(page, report, verbose=verbose)
    hosts.matrix(page, report, verbose=verbose)
    findings.undetermined(page, report, verbose=verbose)
    findings.waived(page, report)
    opinions.second_opinions(page, report)
    if verbose:
        details.dkim(page, report)
        details.dmarc(page, report)
        details.reverse_names(page, report)
        details.transport(page, report)
        tls.tls(page, report)
        details.certificates(page, report)
        findings.passed(page, report)
        hosts.dialogues(page, report)
    head.counts(page, report, verbose=verbose)
    return re.sub(r"[ \t]+$", "", page.text(), flags=re.MULTILINE)
