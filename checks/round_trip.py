"""A message's round trip: lost, put among the junk, late, changed on its way."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Finding,
    MessageSubmitted,
    Rfc,
    RoundTrip,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

from .access import LoginFailed

LOST_AFTER = 900.0
"""Seconds."""
SLOW_AFTER = 120.0
"""Seconds."""


@check
def the_login_for_a_round_trip_is_taken(sent: MessageSubmitted) -> Iterator[Finding]:
    """The login is taken with which a message is handed in."""
    if sent.rejected:
        yield LoginFailed(
            subject=str(sent.endpoint),
            mechanism=sent.mechanism,
            line=sent.line.rstrip("."),
            evidence=(sent.cite,),
            certainty=Certainty.LIKELY,
        )


@rule("access/round-trip-lost", Severity.CRITICAL, Rfc(5321, "6.1"), Rfc(5321, "4.2.5"), since="1.0")
class RoundTripLost(Finding):
    """A message that the submission server took does not arrive.

    ## Why it matters
    Whoever takes a message is bound to deliver it or to say that it failed. Here people write, see no error, and
    nobody gets their mail.

    ## How to fix
    Look for the message in the submission server's queue and log, by its Message-ID, and follow it from host to host
    to where the trace ends: a full queue, a filter that drops mail without a word, a mailbox kept elsewhere.
    """

    message = "A message from {subject} to itself was taken by {server} and did not arrive within {minutes} minutes."
    server: str
    minutes: int


@check
def what_is_handed_in_arrives(trip: RoundTrip) -> Iterator[Verdict]:
    """What the submission server takes arrives in the mailbox."""
    if trip.arrival is not None:
        return
    waited = f"{trip.waited:.0f} s"
    if not trip.sent.accepted:
        yield Undecided(
            f"the server did not say that it took the message, which had not arrived after {waited}",
            trip.cites,
            trip.subject,
        )
    elif trip.waited < LOST_AFTER or not trip.everywhere:
        why = "" if trip.waited < LOST_AFTER else ", and not every folder could be looked into"
        yield Undecided(f"the message had not arrived after {waited}{why}", trip.cites, trip.subject)
    else:
        yield RoundTripLost(
            subject=trip.subject,
            server=trip.sent.endpoint.host,
            minutes=int(trip.waited // 60),
            evidence=trip.cites,
            certainty=Certainty.LIKELY,
        )


@rule("access/round-trip-in-junk", Severity.ERROR, Rfc(5321, "6.2"), since="1.0")
class RoundTripInJunk(Finding):
    """A message from a mailbox to itself ends among the junk.

    ## Why it matters
    A filter that distrusts the domain's own mail, handed in with a login, hides colleagues' mail from each other,
    and others will hardly trust it more.

    ## How to fix
    See which rules of the filter took effect: most write them into the header (X-Spam-Status, X-Spamd-Result). Mail
    that was handed in with a login need not be scored like that of strangers.
    """

    message = "A message from {subject} to itself was put into {folder}."
    folder: str


@check
def what_arrives_is_not_junk(trip: RoundTrip) -> Iterator[Finding]:
    """What arrives does not end among the junk."""
    if trip.arrival is not None and trip.arrival.junk:
        yield RoundTripInJunk(subject=trip.subject, folder=trip.arrival.folder, evidence=(trip.arrival.cite,))


@rule("access/round-trip-slow", Severity.NOTICE, Rfc(5321, "4.5.4.1"), since="1.0")
class RoundTripSlow(Finding):
    """A message takes minutes from submission to the mailbox.

    ## Why it matters
    People take mail for a way to talk: codes to log in with run out, and appointments are missed.

    ## How to fix
    See between which hosts the time was spent: a queue that is run too seldom, a filter that waits for a service
    that does not answer, a server that is short of memory.
    """

    message = "A message from {subject} to itself took {seconds} s{where}."
    seconds: int
    where: str


@check
def what_is_handed_in_arrives_at_once(trip: RoundTrip) -> Iterator[Finding]:
    """What is handed in arrives within two minutes."""
    arrival = trip.arrival
    if arrival is None or arrival.seconds <= SLOW_AFTER or arrival.greylisted:
        return
    slowest = max(
        (hop for hop in arrival.hops if hop.seconds), key=lambda hop: hop.seconds or 0, default=None
    )
    where = f", most of it on the way to {slowest.by}" if slowest is not None and slowest.by else ""
    yield RoundTripSlow(
        subject=trip.subject, seconds=round(arrival.seconds), where=where, evidence=(arrival.cite,)
    )


@rule("access/round-trip-altered", Severity.WARNING, Rfc(6376, "5.3"), Rfc(6409, "8"), since="1.0")
class RoundTripAltered(Finding):
    """A message is changed on its way.

    ## Why it matters
    What is changed after it was signed has a broken signature: DKIM fails, and with it DMARC, where mail is passed on.
    A sender or subject that is rewritten misleads whoever reads it.

    ## How to fix
    Let disclaimers, banners and rewritten addresses be put in before the message is signed, or not at all.
    """

    message = "A message from {subject} to itself was changed on its way: {what}."
    what: str


@check
def what_arrives_is_what_was_written(trip: RoundTrip) -> Iterator[Finding]:
    """A message arrives as it was written, and as it was signed."""
    arrival = trip.arrival
    if arrival is None or arrival.listed:
        return
    what = [*arrival.changes, *(f"the signature of {domain} is broken" for domain in arrival.broken)]
    if what:
        yield RoundTripAltered(subject=trip.subject, what=", ".join(what), evidence=(arrival.cite,))
