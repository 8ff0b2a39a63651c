"""Second opinions: where another implementation differs, and what settles it."""

from __future__ import annotations

from diag.api import Report
from reports.hostile import plain
from reports.opinions import difference, heard, summary

from .page import Page


def second_opinions(page: Page, report: Report) -> None:
    """One sentence where all agree; otherwise each difference too."""
    found = heard(report)
    if found is None:
        return
    page.heading("Second opinions")
    page.say(summary(found))
    for opinion in found.differing:
        mark = "•" if opinion.section else "?"
        page.item(mark, f"{plain(difference(opinion))}. ", (plain(opinion.settled), "dim"), width=1)
    for why in found.unheard:
        page.item("?", f"Could not be asked: {plain(why)}", width=1)
