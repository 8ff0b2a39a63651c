"""A message of our own, handed in through submission and awaited in the mailbox: only where the user asks for it.

Whatever ends the run in between, what was sent is looked for once more and removed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import anyio

from diag.facts.access_hosts import Service
from diag.facts.logins import LoginPlace
from diag.facts.moment import RunMoment
from diag.facts.mx import Routing
from diag.facts.round_trip import Arrival, MessageSubmitted, RoundTrip
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.logins import LoginProbe
from diag.probes.moment import Nonce
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.round_trip import ImapAwait, Pop3Look, SubmitTalk
from diag.wire.await_imap import pauses, read_imap_arrival
from diag.wire.await_pop3 import read_pop3_arrival
from diag.wire.login import LoginEnd
from diag.wire.submit import read_submission
from diag.wire.transcript import Said, Transcript, quoted_line

from .arrivals import arrived
from .helo import helo
from .logins import lent

NOT_WANTED = "no round trip was asked for (maildiag roundtrip)"
NO_SUBMISSION = "no submission server was found that a login may go to"
NO_READING = "no server was found at which the mailbox can be read"
LAST_LOOK = 10.0
"""Seconds for removing a message after the run was interrupted."""
LAST_WAIT = 5.0
"""Seconds of these in which it may yet arrive."""
POP3_PAUSE = 5.0
"""The least seconds between two looks over POP3, each of which is a login (RFC 2449 section 6.5)."""


@fact
async def message_submitted(
    target: Target, places: Many[LoginPlace] | Absent, moment: RunMoment, lab: Lab
) -> MessageSubmitted | Absent | Unavailable:
    """One message from the mailbox to itself."""
    if not target.wait or isinstance(places, Absent):
        return Absent(NOT_WANTED)
    place = _handing_in(target, places)
    if isinstance(place, Unavailable):
        return place
    if isinstance(reading := _reading(target, places), Unavailable):
        return reading  # nothing is sent that nobody could remove
    from email.utils import format_datetime  # only who sends a message pays for loading it

    nonce = (await lab.run(Nonce())).text
    message_id, subject = f"{nonce}.round-trip@{target.domain}", f"round trip {nonce}"
    lines = _message(target.mailbox, message_id, subject, format_datetime(moment.at))
    probe = SubmitTalk(
        **lent(place, target),
        helo=await helo(target, lab),
        sender=target.mailbox,
        recipient=target.mailbox,
        lines=lines,
    )
    try:
        transcript = await lab.run(probe)
    except anyio.get_cancelled_exc_class():
        await _cleared(_watching(reading, target, message_id, subject, LAST_WAIT), lab)
        raise
    read = read_submission(transcript)
    cite = Cite(probe, read.event)
    if not read.taken and read.login.end is not LoginEnd.REJECTED and not read.sent:
        return Unavailable(read.because, (cite,))
    return MessageSubmitted(
        mailbox=target.mailbox,
        endpoint=place.endpoint,
        mechanism=read.login.mechanism,
        message_id=message_id,
        subject=subject,
        lines=lines,
        accepted=read.taken,
        rejected=read.login.end is LoginEnd.REJECTED,
        line=_line(transcript, read.event),
        cite=cite,
    )


def _handing_in(target: Target, places: Many[LoginPlace]) -> LoginPlace | Unavailable:
    """Where to hand it in: where the user says, else TLS with the first octet first (RFC 8314 section 3.3)."""
    host, _, port = target.via.rpartition(":")
    found = [
        place
        for place in places.values()
        if place.service is Service.SUBMISSION
        if not target.via or (place.endpoint.host, str(place.endpoint.port)) == (host, port)
    ]
    missed = f"{target.via} is no submission server that a login may go to" if target.via else NO_SUBMISSION
    return min(found, key=_implicit_first, default=None) or _why(places, Service.SUBMISSION, missed)


def _reading(target: Target, places: Many[LoginPlace]) -> LoginPlace | Unavailable:
    """Where to look for it: over IMAP, else over POP3."""
    wanted = [Service(target.reading)] if target.reading else [Service.IMAP, Service.POP3]
    for service in wanted:
        found = [place for place in places.values() if place.service is service]
        if found:
            return min(found, key=_implicit_first)
    return _why(places, wanted[0], NO_READING)


def _implicit_first(place: LoginPlace) -> bool:
    return place.tls != "implicit"


def _why(places: Many[LoginPlace], service: Service, because: str) -> Unavailable:
    """What keeps a login from the servers that there are."""
    reasons = [f"{subject}: {why.because}" for subject, why in places.unknown()]
    evidence = tuple(cite for _, why in places.unknown() for cite in why.evidence)
    return Unavailable("; ".join((because, *reasons[:3])), evidence)


def _message(mailbox: str, message_id: str, subject: str, date: str) -> tuple[str, ...]:
    return (
        f"From: <{mailbox}>",
        f"To: <{mailbox}>",
        f"Subject: maildiag {subject}",
        f"Date: {date}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-generated",  # RFC 3834 section 5: nobody answers that it is on holiday
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "maildiag sent this message from a mailbox to itself, to see how mail travels there.",
        "It is removed as soon as it is found. If it was left behind, it may be deleted.",
    )


def _watching(
    place: LoginPlace, target: Target, message_id: str, subject: str, patience: float
) -> ImapAwait | Pop3Look:
    told = lent(place, target)
    if place.service is Service.POP3:
        return Pop3Look(**told, message_id=message_id)
    told["timeout"] = patience + target.timeout
    return ImapAwait(**told, message_id=message_id, subject=subject, patience=patience)


async def _cleared(probe: ImapAwait | Pop3Look, lab: Lab) -> None:
    """Look for the message once more, and remove it, although the run is being ended."""
    with anyio.CancelScope(shield=True), anyio.move_on_after(LAST_LOOK):
        await lab.run(dataclasses.replace(probe, last=True))


def last_look_removed(probe: object, transcript: object) -> bool | None:
    """Whether the last look after an interruption removed the message; None for anything else."""
    match probe, transcript:
        case ImapAwait(last=True), Transcript():
            return read_imap_arrival(transcript).removed
        case Pop3Look(last=True), Transcript():
            return read_pop3_arrival(transcript).removed
    return None


@frozen(kw_only=True)
class _Watched:
    """What was found in the end, and when."""

    octets: bytes
    folder: str
    junk: bool
    removed: bool
    seconds: float
    whole: bool
    """Whether everything was looked into."""
    cite: Cite
    because: str = ""
    """Why the mailbox could not be watched; empty where it could."""


@fact
async def round_trip(
    target: Target,
    sent: MessageSubmitted | Absent | Unavailable,
    places: Many[LoginPlace] | Absent,
    routing: Routing | Absent | Unavailable,
    moment: RunMoment,
    lab: Lab,
) -> RoundTrip | Absent | Unavailable:
    """Its arrival, within the time that the user grants."""
    if not isinstance(sent, MessageSubmitted) or isinstance(places, Absent):
        return sent if isinstance(sent, Absent | Unavailable) else Absent(NOT_WANTED)
    if sent.rejected:
        return Absent("nothing was sent: the login failed", (sent.cite,))
    place = _reading(target, places)
    if isinstance(place, Unavailable):
        return place
    watching = _watching(place, target, sent.message_id, sent.subject, target.wait)
    try:
        seen = await (_by_imap if isinstance(watching, ImapAwait) else _by_pop3)(watching, target, lab)
    except anyio.get_cancelled_exc_class():
        await _cleared(_watching(place, target, sent.message_id, sent.subject, LAST_WAIT), lab)
        raise
    if seen.because:
        return Unavailable(seen.because, (sent.cite, seen.cite))
    arrival: Arrival | None = None
    if seen.octets:
        ours = _receivers(target, routing, place.endpoint)
        arrival = await arrived(sent, seen.octets, ours, moment.at, lab)
        arrival = dataclasses.replace(
            arrival,
            folder=seen.folder,
            junk=seen.junk,
            seconds=seen.seconds,
            removed=seen.removed,
            cite=seen.cite,
        )
    return RoundTrip(
        sent=sent,
        reading=place.endpoint,
        arrival=arrival,
        waited=seen.seconds,
        everywhere=seen.whole,
        cites=(sent.cite, seen.cite),
    )


async def _by_imap(probe: LoginProbe, target: Target, lab: Lab) -> _Watched:
    read = read_imap_arrival(await lab.run(probe))
    cite = Cite(probe, read.login.event if read.event is None else read.event)
    undone = read.login.because or ("" if read.event is not None else "the mailbox could not be looked into")
    return _Watched(
        octets=read.octets,
        folder=read.folder,
        junk=read.junk,
        removed=read.removed,
        seconds=read.looked_ms / 1000,
        whole=read.swept,
        cite=cite,
        because=undone,
    )


async def _by_pop3(probe: LoginProbe, target: Target, lab: Lab) -> _Watched:
    assert isinstance(probe, Pop3Look)
    seconds = 0.0
    found: _Watched | None = None
    for look, pause in enumerate((0.0, *_slowly(target.wait)), 1):
        if pause:
            await lab.run(Pause(pause, f"look {look} into the maildrop"))
        each = dataclasses.replace(probe, look=look)
        transcript = await lab.run(each)
        read = read_pop3_arrival(transcript)
        seconds += pause + transcript.closed.at_ms / 1000
        found = _Watched(
            octets=read.octets,
            folder="INBOX",
            junk=False,
            removed=read.removed,
            seconds=seconds,
            whole=False,  # there may be folders that POP3 does not show
            cite=Cite(each, read.event),
            because=read.login.because,
        )
        if read.octets or read.login.end is not LoginEnd.TAKEN:
            break
    assert found is not None
    return found


def _slowly(patience: float) -> Iterator[float]:
    """The pauses of IMAP, the short ones put together."""
    held = 0.0
    for pause in pauses(patience):
        held += pause
        if held >= POP3_PAUSE:
            yield held
            held = 0.0
    if held:
        yield held


def _receivers(target: Target, routing: Routing | Absent | Unavailable, reading: Endpoint) -> tuple[str, ...]:
    """Names under which the receiver may write what it found (RFC 8601 section 2.5)."""
    hosts = routing.hosts if isinstance(routing, Routing) else ()
    return (target.domain, *hosts, reading.host)


def _line(transcript: Transcript, event: int | None) -> str:
    said = transcript.events[event] if event is not None else None
    return quoted_line(said.octets) if isinstance(said, Said) else ""
