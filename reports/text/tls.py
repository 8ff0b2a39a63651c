"""Versions, suites and groups of every endpoint, for whoever asks for all of it."""

from __future__ import annotations

from diag.api import Report
from reports.hostile import plain
from reports.tls import Row, rows

from .page import Page


def tls(page: Page, report: Report) -> None:
    """Endpoints that are alike are told together."""
    found = rows(report)
    if not found:
        return
    page.heading("What TLS is spoken")
    for row in found:
        for place in row.places:
            page.say((plain(place), "bold"))
        _told(page, row)
        page.blank()


def _told(page: Page, row: Row) -> None:
    words: dict[str, list[str]] = {}
    for shown in row.versions:
        words.setdefault(shown.symbol, []).append(shown.word)
    page.item("", "; ".join(f"{symbol} {', '.join(same)}" for symbol, same in words.items()), width=1)
    for suites in row.suites:
        more = "" if suites.all else " (others were not asked for)"
        page.item(
            "", (f"{suites.version}: ", "bold"), f"{', '.join(map(plain, suites.names))}{more}", width=1
        )
    if row.groups:
        page.item("", ("Groups: ", "bold"), ", ".join(map(plain, row.groups)), width=1)
    if row.left:
        page.item("?", (plain(row.left), "dim"), width=1)
