"""One message's way: who took it, who had it when, what the receiver found, and what became of it."""

from __future__ import annotations

from diag.api import Report, RoundTrip
from reports.hostile import plain

from .page import Page

LABEL = 10
_KNOWN = {True: "verifies", False: "does not verify", None: "could not be verified"}


def round_trip(page: Page, report: Report) -> None:
    """The way of the message, where one was sent."""
    trip = report.fact(RoundTrip)
    if not isinstance(trip, RoundTrip):
        return
    sent, arrival = trip.sent, trip.arrival
    page.heading(f"From {plain(sent.mailbox)} to itself")
    page.item(
        "handed in",
        f"{sent.endpoint.host}:{sent.endpoint.port}, login by {plain(sent.mechanism)}: {plain(sent.line)}",
        width=LABEL,
    )
    if arrival is None:
        page.item("not found", f"at {_place(trip)} after {trip.waited:.0f} s", width=LABEL)
        page.say(
            f"Should it arrive later, its subject is 'maildiag {plain(sent.subject)}'.", indent=LABEL + 1
        )
        return
    left = "" if arrival.removed else ", and could not be removed"
    page.item(
        "found",
        f"in {plain(arrival.folder)} at {_place(trip)} after {arrival.seconds:.1f} s{left}",
        width=LABEL,
    )
    page.blank()
    page.table(
        (
            (
                str(number),
                plain(hop.by) or "?",
                plain(hop.protocol),
                f"{hop.at:%H:%M:%S}" if hop.at is not None else "?",
                f"{hop.seconds:+.0f} s" if hop.seconds is not None else "",
            )
            for number, hop in enumerate(arrival.hops, 1)
        ),
        head=("hop", "taken over by", "with", "UTC", "since"),
        right={0, 4},
    )
    page.blank()
    found = ", ".join(
        plain(f"{each.method}={each.result}{_whose(each.properties.get('header.d', ''))}")
        for each in arrival.results
    )
    who = f"{plain(arrival.authserv_id)}: " if arrival.authserv_id else ""
    page.item("receiver", f"{who}{found or 'wrote no results of its own'}", width=LABEL)
    signed = "; ".join(
        plain(f"{each.domain} ({each.selector}) {_KNOWN[each.valid]}{_whose(each.because)}")
        for each in arrival.signatures
    )
    page.item("signed by", signed or "nobody", width=LABEL)
    page.item("changed", ", ".join(arrival.changes) or "nothing", width=LABEL)


def _place(trip: RoundTrip) -> str:
    return f"{trip.reading.host}:{trip.reading.port}"


def _whose(text: str) -> str:
    return f" ({text})" if text else ""
