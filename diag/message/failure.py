"""Delivery status notifications (RFC 3464): whether a message says for certain that another was not delivered."""

from __future__ import annotations

import re
from itertools import groupby

from diag.model.frozen import frozen

from .header import parse_message, unfolded

MOST_LINES = 10_000


@frozen
class Failure:
    """What a host reports that could not deliver a message."""

    reporter: str
    """The name after `Reporting-MTA: dns;` in lower case; empty where it gives none."""
    recipients: tuple[str, ...]
    """Those with `Action: failed`, final and original, in lower case."""


def read_failure(octets: bytes) -> Failure | None:
    """The failure that a whole message reports; None where it is no such report, or of a delay only. Never raises."""
    message = parse_message(octets)
    kind = message.first("content-type").lower()
    if not kind.startswith("multipart/report") or "delivery-status" not in kind:
        return None
    reporter, recipients = "", dict[str, None]()
    # RFC 3464 section 2.1: groups of fields with blank lines between them, one for each recipient.
    for filled, group in groupby(message.body.splitlines()[:MOST_LINES], lambda line: bool(line.strip())):
        if not filled:
            continue
        found = map(_FIELD.fullmatch, unfolded(line.decode("utf-8", "replace") for line in group))
        fields = {each[1].lower(): each[2].strip() for each in found if each is not None}
        reporter = reporter or _after_type(fields.get("reporting-mta", ""))
        if fields.get("action", "").lower().startswith("failed"):
            named = (fields.get(name, "") for name in ("final-recipient", "original-recipient"))
            recipients.update(dict.fromkeys(filter(None, map(_after_type, named))))
    return Failure(reporter, tuple(recipients)) if recipients else None


_FIELD = re.compile(
    r"(Reporting-MTA|Action|Final-Recipient|Original-Recipient):(.{0,1000})", re.IGNORECASE | re.ASCII
)


def _after_type(value: str) -> str:
    """What follows the type and its semicolon (RFC 3464 section 2.1.2), without angle brackets."""
    return value.partition(";")[2].strip().strip("<>").lower()
