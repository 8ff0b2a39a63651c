"""The top and the bottom of the page: the verdict, the view we had, and the counts."""

from __future__ import annotations

from diag.api import Report, Status
from reports import cost, verdict as words
from reports.hostile import plain

from .page import STYLES, Page

MOST_HOSTS = 6
"""Hosts of which it is told at first what they saw of us."""
_STATUSES = {Status.NOT_APPLICABLE: "not applicable", Status.INCONCLUSIVE: "undetermined"}


def verdict(page: Page, report: Report) -> None:
    """The domain, the grade, what it comes to, and when and from where it was seen."""
    worst = report.worst
    style = STYLES[worst] if worst is not None else "bold green"
    page.say((words.named(report), "bold"), "  ", (f" {report.grade} ", f"{style} reverse"))
    page.say((words.sentence(report), "bold"))
    page.say(plain(words.grade_line(report)))
    if report.partial:
        page.say((f"Partial report: {plain(report.partial)}.", "bold"))
    if as_of := words.judged_as_of(report):
        page.say((f"Judged as if it were {as_of}, and nothing had been renewed since this run.", "bold"))
    if report.proposed:
        page.say((f"Judged as if {plain(report.proposed)} were published.", "bold"))
    if report.as_bulk_sender:
        page.say((f"{words.AS_BULK_SENDER}.", "bold"))
    seen_from = words.seen_from(report)
    page.say((", ".join(filter(None, (words.moment(report), plain(seen_from)))), "dim"))
    for finding in words.about_us(report):
        page.item("", ("About this machine, not the domain: ", "bold"), plain(finding.text()), width=2)


def counts(page: Page, report: Report, *, verbose: bool) -> None:
    """What became of the checks, what the run cost, and where there is more."""
    told = ", ".join(
        f"{len(found)} {_STATUSES.get(status, status)}"
        for status in Status
        if (found := report.with_status(status))
    )
    page.blank()
    page.say((f"{words.plural(len(report.results), 'check')}: {told or 'none'}; {cost.told(report)}.", "dim"))
    if each := cost.by_host(report, most=None if verbose else MOST_HOSTS):
        page.say((f"Connections by host: {each}.", "dim"))
    if report.results and not verbose:
        page.say(("All of it, with every dialogue: -v, or as a page: -f html -o report.html", "dim"))
