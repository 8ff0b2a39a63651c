"""A round trip as JSON: null where none was made."""

from __future__ import annotations

from typing import Any

from diag.api import Report, RoundTrip


def round_trip(report: Report) -> dict[str, Any] | None:
    """The way of one message, where one was sent."""
    trip = report.fact(RoundTrip)
    if not isinstance(trip, RoundTrip):
        return None
    sent = trip.sent
    return {
        "mailbox": sent.mailbox,
        "submission": {
            "endpoint": str(sent.endpoint),
            "mechanism": sent.mechanism,
            "message_id": sent.message_id,
            "accepted": sent.accepted,
            "line": sent.line,
        },
        "reading": str(trip.reading),
        "waited": round(trip.waited, 3),
        "arrival": _arrival(trip),
    }


def _arrival(trip: RoundTrip) -> dict[str, Any] | None:
    arrival = trip.arrival
    if arrival is None:
        return None
    return {
        "folder": arrival.folder,
        "junk": arrival.junk,
        "seconds": round(arrival.seconds, 3),
        "removed": arrival.removed,
        "hops": [
            {
                "by": hop.by,
                "from": hop.sender,
                "with": hop.protocol,
                "at": hop.at.isoformat() if hop.at is not None else None,
                "seconds": hop.seconds,
            }
            for hop in arrival.hops
        ],
        "authserv_id": arrival.authserv_id,
        "results": [
            {"method": each.method, "result": each.result, "properties": dict(each.properties)}
            for each in arrival.results
        ],
        "signatures": [
            {
                "domain": each.domain,
                "selector": each.selector,
                "valid": each.valid,
                "because": each.because,
            }
            for each in arrival.signatures
        ],
        "changes": list(arrival.changes),
        "broken": list(arrival.broken),
        "greylisted": arrival.greylisted,
    }
