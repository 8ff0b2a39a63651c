"""Delivery status notifications (RFC 3464): whether a message says for certain that another was not delivered."""

from __future__ import annotations

import re
from collections.abc import Iterable

from diag.model.frozen import frozen

from .header import parse_message

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
    fields: dict[str, str] = {}
    for line in (*_unfolded(message.body.splitlines()[:MOST_LINES]), b""):
        # RFC 3464 section 2.1: groups of fields with blank lines between them, one for each recipient.
        found = _FIELD.fullmatch(line)
        if found is not None:
            fields[found[1].decode("ascii").lower()] = found[2].decode("utf-8", "replace").strip()
        elif not line.strip():
            reporter = reporter or _after_type(fields.get("reporting-mta", ""))
            if fields.get("action", "").lower().startswith("failed"):
                named = (fields.get(name, "") for name in ("final-recipient", "original-recipient"))
                recipients.update(dict.fromkeys(filter(None, map(_after_type, named))))
            fields = {}
    return Failure(reporter, tuple(recipients)) if recipients else None


def _unfolded(lines: Iterable[bytes]) -> list[bytes]:
    """Fields may go on in lines that begin with a space or a tab (RFC 3464 section 2.1.1)."""
    whole: list[bytes] = []
    for line in lines:
        if whole and whole[-1].strip() and line[:1] in (b" ", b"\t") and line.strip():
            whole[-1] += line
        else:
            whole.append(line)
    return whole


_FIELD = re.compile(rb"(Reporting-MTA|Action|Final-Recipient|Original-Recipient):(.{0,1000})", re.IGNORECASE)


def _after_type(value: str) -> str:
    """What follows the type and its semicolon (RFC 3464 section 2.1.2), without angle brackets."""
    return value.partition(";")[2].strip().strip("<>").lower()
