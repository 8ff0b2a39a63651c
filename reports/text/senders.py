"""What the large receivers ask of the domain's mail, and what a stranger can do with its name."""

from __future__ import annotations

from diag.api import Report
from diag.facts.spf import SpfEvaluation
from reports import words
from reports.hostile import plain
from reports.receivers import Asked, Cell, Row, State, receiver_table

from .page import Page

_STATES = {
    State.MET: "✓ met",
    State.NOT_MET: "✗ not met",
    State.UNSEEN: "○ unseen",
    State.UNDETERMINED: "? unknown",
    State.NOT_ASKED: "–",
}


def receivers(page: Page, report: Report, *, verbose: bool) -> None:
    """The table of requirements that show from outside; what nobody can see is only named."""
    table = receiver_table(report)
    if table is None or not (verbose or any(row.state in (State.MET, State.NOT_MET) for row in table.rows)):
        return
    page.heading("Who accepts this mail")
    seen = [row for row in table.rows if verbose or row.state is not State.UNSEEN]
    page.table(
        ((plain(row.name), *map(_state, row.cells)) for row in seen),
        head=("They ask for", *(receiver.name for receiver in table.receivers)),
        fixed=range(1, len(table.receivers) + 1),
    )
    for row in seen:
        if row.because and (verbose or row.state in (State.NOT_MET, State.UNDETERMINED)):
            why = f"see {row.findings[0].id}" if row.findings else plain(row.because)
            page.say((f"{row.name}: {why}{_replies(row)}.", "dim"))
    unseen = [row.name for row in table.rows if row not in seen]
    if unseen:
        page.say((f"Asked, too, and not to be seen from outside: {'; '.join(unseen)}.", "dim"))


def _state(cell: Cell) -> str:
    if cell.state is State.NOT_MET and cell.asked is Asked.ADVISED:
        return "! advised"
    return _STATES[cell.state]


def _replies(row: Row) -> str:
    said = [f"{cell.receiver.name} answers {cell.reply}" for cell in row.cells if cell.reply]
    return f" ({', '.join(said)})" if said else ""


def strangers(page: Page, report: Report) -> None:
    """What becomes of a stranger's mail in the domain's name, and whom SPF lets send."""
    found, role = words.who_can_send(report), words.sending_role(report)
    spf = report.fact(SpfEvaluation)
    lets = words.whom_spf_lets_pass(spf) if isinstance(spf, SpfEvaluation) else ""
    if not found and not role and not lets:
        return
    page.heading("Who can send as this domain")
    if found:
        page.say("Mail that a stranger sends as")
    for each in found:
        mark = {True: "✓", None: "!", False: "✗"}[each.safe]
        page.item(mark, f"{plain(each.sender)} {each.becomes} ({plain(each.because)})", width=1)
    for sentence in filter(None, (plain(role), lets)):
        page.say(sentence)
