"""Who gets through to the domain, in a table: kinds of senders against what they can connect from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diag.api import (
    Delivery,
    DeliveryCause,
    DeliveryOutcome,
    DeliveryPath,
    Families,
    Report,
    Sender,
    Severity,
)
from diag.facts.delivery_told import FAMILIES, SENDERS, as_data, cell

from . import states


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of sender."""

    name: str
    cells: tuple[states.Shown, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All kinds of senders."""

    families: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """Why what is not delivered under TLS is not, each reason once."""


def who_gets_through(report: Report) -> Table | None:
    """The table; None where nobody was talked to, or the domain says that it takes no mail."""
    known = report.fact(Delivery)
    if not isinstance(known, Delivery) or _takes_none(known):
        return None
    rows = tuple(
        Row(SENDERS[sender], tuple(_shown(known.path(sender, families)) for families in Families))
        for sender in Sender
    )
    notes: dict[str, None] = {}
    for path in _telling(known):
        unknown = path.outcome is DeliveryOutcome.UNKNOWN
        if path.decided_by is not None and not unknown and path.outcome not in _WELL:
            notes[f"{cell(path).rstrip('?').capitalize()}: {path.because}."] = None
        for attempt in path.unsure:
            notes[f"{attempt.where} {attempt.because}."] = None
    told = tuple(notes)[:_MOST_NOTES]
    left = (f"{len(notes) - len(told)} more reasons stand in the JSON report.",)
    return Table(tuple(FAMILIES.values()), rows, told + (left if len(notes) > len(told) else ()))


def _telling(known: Delivery) -> Iterator[DeliveryPath]:
    """Of every sender the path with both families, and others that end otherwise."""
    for sender in Sender:
        both = known.path(sender)
        yield both
        yield from (
            path
            for path in (known.path(sender, Families.IPV4), known.path(sender, Families.IPV6))
            if path.outcome is not both.outcome
        )


def delivery_data(report: Report) -> dict[str, Any] | None:
    """All of it as JSON tells it; null where nobody was talked to."""
    known = report.fact(Delivery)
    return as_data(known) if isinstance(known, Delivery) else None


_MOST_NOTES = 8
_WELL = frozenset({DeliveryOutcome.AUTHENTICATED, DeliveryOutcome.TLS})


def _takes_none(known: Delivery) -> bool:
    return all(attempt.cause is DeliveryCause.NO_HOST for attempt in known.plain)


def _shown(path: DeliveryPath) -> states.Shown:
    word = cell(path)
    if path.decided_by is None:
        return states.mute(word)
    match path.outcome:
        case DeliveryOutcome.UNKNOWN:
            return states.unknown(word)
        case DeliveryOutcome.CLEAR:
            return states.short(Severity.WARNING, word)
        case DeliveryOutcome.DEFERRED | DeliveryOutcome.BOUNCED:
            return states.short(Severity.ERROR, word)
        case _:
            return states.good(word)
