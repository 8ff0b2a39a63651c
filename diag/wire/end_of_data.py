"""Where a message ends (RFC 5321 section 4.1.1.4): the dialogue that sends one test message, and its reading.

A host that takes anything but CRLF.CRLF for the end lets a stranger's message go on as commands of the host
that passes it on (SMTP smuggling; CVE-2023-51764, -51765, -51766, CVE-2024-27305).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Steps, greeting_limit, hear
from .blame import blamed
from .exchanges import exchanges
from .lines import split
from .opening import QUIT, addressed, begun, command, stopped_at
from .reach import broken_off, quote
from .smtp import Reply, SmtpEnd, parse_reply
from .transcript import Ending, Said, Transcript, Who

ENDINGS: Mapping[str, bytes] = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "LF.CR": b"\n.\r",
}
"""What some hosts have taken for the end of a message; never to be taken for it (RFC 5321 section 2.3.8)."""
PAUSE = 3.0
"""Seconds in which a host may show that it thinks the message over. One that needs longer shows it by what
it says to the rest: as commands, those lines get replies of their own."""
REST = b"NOOP\r\n.\r\n"
"""What follows: the rest of the message and its true end; to a host that hears commands, nothing to do."""
FINAL_LIMIT = 60.0
"""Seconds to wait for the reply to a message. RFC 5321 section 4.5.3.2.6 has senders wait ten minutes."""
MOST_REPLIES = 6
"""Replies listened to after QUIT."""


class Ended(enum.StrEnum):
    """What a host made of a message."""

    EARLY = "early"
    """It took the message for complete before its true end."""
    RIGHTLY = "rightly"
    """The message ended where it should: at its true end, or by a refusal of what looks like another."""
    TAKEN = "taken"
    """An ordinary message was taken."""
    UNKNOWN = "unknown"
    """Nothing can be concluded: we were put off or refused for another reason."""


@frozen
class Delivery:
    """A transcript of message_dialogue, read."""

    ended: Ended
    event: int | None
    """The event that shows it."""
    because: str = ""
    """Why it is unknown."""


def labelled(
    *, author: str, recipient: str, message_id: str, date: str, about: str, body: Sequence[str]
) -> tuple[str, ...]:
    """The lines of a test message that says what it is; nothing in its fields can begin another line."""
    fields = {
        "From": f"maildiag <{author}>",
        "To": f"<{recipient}>",
        "Subject": f"maildiag test message ({about}): may be deleted",
        "Date": date,
        "Message-ID": f"<{message_id}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834 section 5: nobody is to answer it
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=us-ascii",
    }
    head = (f"{name}: {''.join(c for c in value if c.isprintable())}" for name, value in fields.items())
    text = (
        "This is a test message of maildiag, sent because somebody who runs this mailbox asked for it",
        "(maildiag check --intrusive --mailbox). It asks for nothing and may be deleted.",
    )
    return (*head, "", *text, *body)


def message_dialogue(
    host: str,
    helo: str,
    tls: str,
    recipient: str,
    lines: tuple[str, ...],
    ending: str,
    *,
    sender: str = "",
    timeout: float,
) -> Dialogue:
    """One message. `ending` names one of ENDINGS to put before its true end; empty for an ordinary message."""
    steps = _talk(host, helo, tls, recipient, lines, ending, sender, greeting_limit(timeout))
    return Dialogue(steps, QUIT)


def _talk(
    host: str,
    helo: str,
    tls: str,
    recipient: str,
    lines: tuple[str, ...],
    ending: str,
    sender: str,
    patience: float,
) -> Steps[None]:
    offer = yield from begun(host, helo, tls, patience)
    taken = offer is not None and (yield from addressed(offer, recipient, sender))
    if taken and (yield from command(b"DATA")).code == 354:
        text = b"\r\n".join(_stuffed(line) for line in lines)
        yield Say(text + ENDINGS.get(ending, b"\r\n.\r\n"), content=True)
        # A dot that no line ending follows could still be the beginning of a line: hosts wait, and we do.
        said = yield from hear(SmtpEnd(), PAUSE if ending else FINAL_LIMIT, may_be_silent=bool(ending))
        if not said:
            yield Say(REST, content=True)
            yield from hear(SmtpEnd(), FINAL_LIMIT)
    yield Say(QUIT)
    for _ in range(MOST_REPLIES):
        reply = parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT, may_be_silent=True)))
        if reply.code in (0, 221, 421):
            return


def _stuffed(line: str) -> bytes:
    """RFC 5321 section 4.5.2: a line that begins with a dot gets another."""
    octets = line.encode("utf-8", "ignore")
    return b"." + octets if octets.startswith(b".") else octets


def read_message(transcript: Transcript, ending: str) -> Delivery:
    """Read a transcript of message_dialogue with the same `ending`. Never raises."""
    content = {at: event.octets for at, event in _said(transcript, Who.US) if event.content}
    if not content:
        steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
        why, event = stopped_at(transcript, steps)
        return Delivery(Ended.UNKNOWN, event, why)
    replies = _replies(transcript, min(content))
    if not replies:
        return _unanswered(transcript, ending)
    at, first = replies[0]
    if first.kind not in (2, 5) or (not ending and not first.positive):
        return Delivery(Ended.UNKNOWN, at, "the test message was not taken:" + quote(transcript, at))
    if not ending:
        return Delivery(Ended.TAKEN, at)
    if first.kind == 5:
        return _refused(transcript, at, first)
    if not any(octets == _REST_BEGINS and event < at for event, octets in content.items()):
        return Delivery(Ended.EARLY, at)
    # Everything is said: to one message there is one reply, and then that to QUIT.
    after = replies[1:]
    if after and after[0][1].code not in _PARTING:
        return Delivery(Ended.EARLY, after[0][0])
    if after:
        return Delivery(Ended.RIGHTLY, at)
    return Delivery(Ended.UNKNOWN, at, "the host did not say how it goes on after" + quote(transcript, at))


def _refused(transcript: Transcript, at: int, reply: Reply) -> Delivery:
    """A refusal is right, unless it is for what we are or for what the message says."""
    if reply.enhanced.startswith("5.7.") or blamed(reply) is not None:
        return Delivery(Ended.UNKNOWN, at, "the test message was refused:" + quote(transcript, at))
    return Delivery(Ended.RIGHTLY, at)


def _unanswered(transcript: Transcript, ending: str) -> Delivery:
    """Hanging up on what looks like a smuggled message is right too."""
    last = len(transcript.events) - 1
    if ending and transcript.closed.how in (Ending.BY_PEER, Ending.RESET):
        return Delivery(Ended.RIGHTLY, last)
    how = broken_off(transcript) or "the conversation ended"
    return Delivery(Ended.UNKNOWN, last, f"{how} without a reply to the test message")


def _said(transcript: Transcript, who: Who) -> Iterator[tuple[int, Said]]:
    for at, event in enumerate(transcript.events):
        if isinstance(event, Said) and event.who is who:
            yield at, event


def _replies(transcript: Transcript, after: int) -> list[tuple[int, Reply]]:
    """Whole replies since an event, each with the event that ends it."""
    found: list[tuple[int, Reply]] = []
    lines: list[bytes] = []
    end = SmtpEnd()
    for at, event in _said(transcript, Who.PEER):
        if at > after:
            lines.append(event.octets)
            if end.feed(event.octets):
                found.append((at, parse_reply(lines)))
                lines, end = [], SmtpEnd()
    return [(at, reply) for at, reply in found if reply.complete]


_PARTING = (221, 421)
_REST_BEGINS = split(REST)[0]
