"""Trace fields: Received (RFC 5321 section 4.4), the way a message has come, hop by hop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from diag.model.frozen import frozen

from .comments import without_comments

LONGEST = 4000
"""Characters of a field that are read."""


@frozen
class Hop:
    """One host that took the message over. What it does not say is empty, or None."""

    by: str
    """The name it gives itself."""
    sender: str
    """Whom it says to have it from."""
    protocol: str
    """Such as ESMTPSA: S is TLS, A a login (RFC 3848)."""
    at: datetime | None
    """In UTC, by that host's clock."""
    seconds: float | None
    """Since the hop before it took the message over; less than nothing where clocks differ."""


def hops(received: Sequence[str], began: datetime | None = None) -> tuple[Hop, ...]:
    """The hops in the order of time, which is that of the fields from the last to the first.

    `began` is when the message set out. Never raises.
    """
    found: list[Hop] = []
    last = began
    for field in reversed(received):
        text, _, date = field[:LONGEST].rpartition(";")
        at = _moment(date)
        seconds = (at - last).total_seconds() if at is not None and last is not None else None
        clauses = without_comments(text)
        found.append(
            Hop(_clause("by", clauses), _clause("from", clauses), _clause("with", clauses), at, seconds)
        )
        last = at or last
    return tuple(found)


def _clause(name: str, text: str) -> str:
    found = re.search(rf"(?:^|\s){name}\s+(\S+)", text, re.IGNORECASE)
    return found[1].strip("[]") if found else ""


def _moment(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # it loads sockets, which no other run needs here

    try:
        at = parsedate_to_datetime(without_comments(text).strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
