"""Who gets through to the domain, as a table."""

from __future__ import annotations

from diag.api import Report
from reports.delivery import who_gets_through
from reports.hostile import plain

from .page import Page


def delivery(page: Page, report: Report, *, verbose: bool) -> None:
    """Kinds of senders against what they can connect from, and why what does not get through does not.

    Where all get through under TLS, only for whoever asks for all of it.
    """
    table = who_gets_through(report)
    if table is None or not (table.notes or verbose):
        return
    page.heading("Who gets through")
    rows = [[row.name, *(shown.word for shown in row.cells)] for row in table.rows]
    page.table(rows, head=("Senders with", *table.families))
    for note in table.notes:
        page.say((plain(note), "dim"))
