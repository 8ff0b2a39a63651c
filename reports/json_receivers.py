"""What the large receivers ask, and whether the domain meets it, as JSON."""

from __future__ import annotations

from typing import Any

from diag.api import Finding, Report

from . import receivers as table_of
from .receivers import Asked, Audience, Cell, Row, Table, receiver_table


def receivers(report: Report) -> dict[str, Any] | None:
    """Null where the domain sends no mail, or nothing that decides it was looked at."""
    table = receiver_table(report)
    if table is None:
        return None
    return {
        "as_of": table.as_of,
        "receivers": [_receiver(table, number) for number in range(len(table.receivers))],
        "requirements": [_requirement(row) for row in table.rows],
    }


def answers(report: Report, finding: Finding) -> list[dict[str, str]]:
    """What receivers answer to bulk mail because of a finding, where the report is judged that way."""
    said = table_of.answers(report, finding)
    return [{"receiver": receiver.id, "reply": reply} for receiver, reply in said]


def _receiver(table: Table, number: int) -> dict[str, Any]:
    receiver = table.receivers[number]
    return {
        "id": receiver.id,
        "name": receiver.name,
        "source": receiver.source.page.url,
        # By what can be seen: false is no promise.
        "lacking": {str(each): receiver in table.against(each) for each in Audience},
    }


def _requirement(row: Row) -> dict[str, Any]:
    return {
        "id": row.requirement.id,
        "name": row.name,
        "state": row.state.name.lower().replace("_", "-"),
        "because": row.because,
        "rules": list(dict.fromkeys(finding.id for finding in row.findings)),
        "asked": [
            _asked(everyone, bulk)
            for everyone, bulk in zip(*(row.cells[each] for each in Audience), strict=True)
            if {everyone.asked, bulk.asked} != {Asked.NOT}
        ],
    }


def _asked(everyone: Cell, bulk: Cell) -> dict[str, Any]:
    wish = everyone.wish
    assert wish.source is not None  # whoever asks says so somewhere
    return {
        "receiver": everyone.receiver.id,
        "everyone": None if everyone.asked is Asked.NOT else str(everyone.asked),
        "bulk": None if bulk.asked is Asked.NOT else str(bulk.asked),
        "reply": wish.reply,
        "source": wish.source.page.url,
        "date": wish.source.date,
    }
