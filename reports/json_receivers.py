"""What the large receivers ask, and whether the domain meets it, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from diag.api import Finding, Report
from diag.facts import receivers as known
from diag.facts.receivers import Asked, Audience, Receiver, Wish

from . import receivers as table_of
from .receivers import Row, State, receiver_table

_STATE = {each: each.name.lower().replace("_", "-") for each in State}


def receivers(report: Report) -> dict[str, Any] | None:
    """Null where the domain sends no mail, or nothing that decides it was looked at."""
    table = receiver_table(report)
    if table is None:
        return None
    # By what can be seen: who is not among these promises nothing.
    lacking = {each.value: table.against(each) for each in Audience}
    return {
        "as_of": table.as_of,
        "receivers": [_receiver(each, lacking) for each in table.receivers],
        "requirements": [_requirement(row) for row in table.rows],
    }


def answers(report: Report, finding: Finding) -> list[dict[str, str]]:
    """What receivers answer to bulk mail because of a finding, where the report is judged that way."""
    said = table_of.answers(report, finding)
    return [{"receiver": receiver.id, "reply": reply} for receiver, reply in said]


def _receiver(receiver: Receiver, lacking: Mapping[str, tuple[Receiver, ...]]) -> dict[str, Any]:
    return {
        "id": receiver.id,
        "name": receiver.name,
        "source": receiver.source.page.url,
        "lacking": {audience: receiver in turning_away for audience, turning_away in lacking.items()},
    }


def _requirement(row: Row) -> dict[str, Any]:
    return {
        "id": row.requirement.id,
        "name": row.name,
        "state": _STATE[row.state],
        "because": row.because,
        "rules": list(dict.fromkeys(finding.id for finding in row.findings)),
        "asked": _asked()[row.requirement.id],
    }


@cache
def _asked() -> dict[str, list[dict[str, Any]]]:
    """Who asks for what, by requirement: the same of every domain."""
    return {
        requirement.id: [
            _wish(receiver, wish)
            for receiver, wish in requirement.wishes.items()
            if {wish.everyone, wish.bulk} != {Asked.NOT}
        ]
        for requirement in known.table().requirements
    }


def _wish(receiver: str, wish: Wish) -> dict[str, Any]:
    assert wish.source is not None  # whoever asks says so somewhere
    return {
        "receiver": receiver,
        "everyone": None if wish.everyone is Asked.NOT else wish.everyone.value,
        "bulk": None if wish.bulk is Asked.NOT else wish.bulk.value,
        "reply": wish.reply,
        "source": wish.source.page.url,
        "date": wish.source.date,
    }
