"""Who gets through, in words and as data: the command `deliver` and the reports say it alike."""

from __future__ import annotations

from typing import Any

from .delivery import (
    ANY,
    Delivery,
    DeliveryAttempt,
    DeliveryOutcome,
    DeliveryPath,
    Families,
    Message,
    Sender,
)

SENDERS = {Sender.PLAIN: "opportunistic TLS", Sender.MTA_STS: "MTA-STS", Sender.DANE: "DANE"}
"""Each kind of sender, to stand behind 'senders with'."""
FAMILIES = {Families.BOTH: "IPv4 and IPv6", Families.IPV4: "IPv4 only", Families.IPV6: "IPv6 only"}
"""What a sender can connect from."""
OUTCOMES = {
    DeliveryOutcome.AUTHENTICATED: "authenticated TLS",
    DeliveryOutcome.TLS: "TLS",
    DeliveryOutcome.CLEAR: "clear text",
    DeliveryOutcome.DEFERRED: "deferred",
    DeliveryOutcome.BOUNCED: "bounced",
    DeliveryOutcome.UNKNOWN: "not known",
}
"""How a message fares, in a cell of a table."""
SENTENCES = {
    DeliveryOutcome.AUTHENTICATED: "delivered over authenticated TLS",
    DeliveryOutcome.TLS: "delivered over TLS that authenticates nobody",
    DeliveryOutcome.CLEAR: "delivered in clear text",
    DeliveryOutcome.DEFERRED: "deferred: tried again for some days, then returned",
    DeliveryOutcome.BOUNCED: "bounced: returned to its author",
    DeliveryOutcome.UNKNOWN: "not known",
}
"""How a message fares in the end."""


def cell(path: DeliveryPath) -> str:
    """A path in a cell of a table; where an address that may be met is not known, with a question mark."""
    if path.decided_by is None:
        return "no address"
    doubt = "?" if path.unsure and path.outcome is not DeliveryOutcome.UNKNOWN else ""
    return OUTCOMES[path.outcome] + doubt


def met(attempt: DeliveryAttempt) -> str:
    """What a sender meets at one address, and what it does then."""
    match attempt.outcome:
        case DeliveryOutcome.UNKNOWN:
            return attempt.because.removeprefix("is ")
        case DeliveryOutcome.CLEAR:
            return f"{attempt.because}: taken in clear text"
        case DeliveryOutcome.TLS | DeliveryOutcome.AUTHENTICATED:
            return f"taken over {OUTCOMES[attempt.outcome]} {attempt.because}"
        case _:
            return f"{attempt.because}; passed over" if attempt.goes_on else attempt.because


def as_data(delivery: Delivery, message: Message = ANY) -> dict[str, Any]:
    """All of it in plain values, as JSON tells it."""
    would_be = delivery.would_be
    return {
        "domain": delivery.domain,
        "mx": delivery.mx,
        "mta_sts": delivery.policy,
        "hosts": [
            {
                "name": host.name,
                "preference": host.preference,
                "addresses": list(host.addresses),
                "mta_sts": host.policy,
                "dane": host.dane,
            }
            for host in delivery.hosts
        ],
        "paths": [_path(path) for path in delivery.paths(message)],
        "once_enforced": None if would_be is None else _path(would_be),
    }


def _path(path: DeliveryPath) -> dict[str, Any]:
    return {
        "sender": str(path.sender),
        "families": str(path.families),
        "outcome": str(path.outcome),
        "because": path.because,
        "unsure": [attempt.where for attempt in path.unsure],
        "attempts": [_attempt(attempt) for attempt in path.attempts],
    }


def _attempt(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "host": attempt.host,
        "address": attempt.address,
        "preference": attempt.preference,
        "outcome": str(attempt.outcome),
        "cause": str(attempt.cause),
        "because": attempt.because,
        "goes_on": attempt.goes_on,
    }
