"""What the large receivers ask of the domain's mail, and what a stranger can do with its name."""

from __future__ import annotations

from diag.api import Report
from diag.facts.receivers import SeenIn
from diag.facts.spf import SpfEvaluation
from reports import words
from reports.hostile import plain
from reports.receivers import Asked, Audience, Cell, Row, State, Table, accepted, receiver_table

from .page import Page

_STATES = {
    State.MET: "✓ met",
    State.NOT_MET: "✗ not met",
    State.MESSAGE: "○ in mail",
    State.NOBODY: "○ unseen",
    State.UNDETERMINED: "? unknown",
    State.NOT_ASKED: "–",
}
_SHOWN = {State.MET, State.NOT_MET, State.UNDETERMINED}


def receivers(page: Page, report: Report, *, verbose: bool) -> None:
    """What shows of what they ask of everyone, then of bulk senders; the rest is only named."""
    table = receiver_table(report)
    if table is None or not (verbose or any(row.state in (State.MET, State.NOT_MET) for row in table.rows)):
        return
    page.heading("Who accepts this mail")
    page.say(accepted(table))
    if verbose or any(row.state in (State.NOT_MET, State.UNDETERMINED) for row in table.rows):
        _requirements(page, table, verbose=verbose)
    for state, where in (
        (State.MESSAGE, "only a message can show"),
        (State.NOBODY, "nobody outside can see"),
    ):
        if unseen := [row.name for row in table.rows if row.state is state]:
            page.say((f"Asked, too, and {where}: {'; '.join(unseen)}.", "dim"))


def _requirements(page: Page, table: Table, *, verbose: bool) -> None:
    page.blank()
    rows = {each: [r for r in table.asked_of(each) if verbose or r.state in _SHOWN] for each in Audience}
    lines = [[plain(row.name), *map(_state, row.cells[Audience.EVERYONE])] for row in rows[Audience.EVERYONE]]
    lines += [["Of bulk senders, too:", *[""] * len(table.receivers)]] if rows[Audience.BULK] else []
    lines += [[plain(row.name), *map(_state, row.cells[Audience.BULK])] for row in rows[Audience.BULK]]
    page.table(
        lines,
        head=("They ask of everyone:", *(receiver.name for receiver in table.receivers)),
        fixed=range(1, len(table.receivers) + 1),
    )
    for row in table.rows:
        if row.because and (row.state in (State.NOT_MET, State.UNDETERMINED) or (verbose and _tells(row))):
            why = f"see {row.findings[0].id}" if row.findings else plain(row.because)
            page.say((f"{row.name}: {why}{_replies(row)}.", "dim"))


def _tells(row: Row) -> bool:
    return row.state in _SHOWN or row.requirement.seen_in is SeenIn.DNS


def _state(cell: Cell) -> str:
    if cell.state is State.NOT_MET and cell.asked is Asked.ADVISED:
        return "! advised"
    return _STATES[cell.state]


def _replies(row: Row) -> str:
    """Who answers what; of bulk senders is asked whatever is asked of everyone."""
    cells = row.cells[Audience.BULK] if row.asked_of(Audience.BULK) else row.cells[Audience.EVERYONE]
    said = [f"{cell.receiver.name} answers {cell.reply}" for cell in cells if cell.reply]
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
