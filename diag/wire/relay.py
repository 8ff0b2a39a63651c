"""Relaying for strangers (RFC 5321 section 7.9, RFC 2505 section 2.1): the dialogue, and its reading.

Nothing is sent: every attempt ends with the reply to RCPT and is reset.
"""

from __future__ import annotations

import enum
import re

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit
from .blame import LONGEST_JUDGED, Blame, blamed
from .exchanges import exchanges
from .opening import QUIT, TAKEN, begun, command, path
from .reach import quote
from .smtp import Reply, SmtpEnd, parse_reply
from .smtp_session import path_of
from .transcript import Transcript

OVER = (421, 530)
"""The channel closes; a login is wanted (RFC 4954 section 6), so that nothing else need be tried."""


@frozen
class Attempt:
    """One sender, and the recipients to try with it; paths without their angle brackets."""

    sender: str
    recipients: tuple[str, ...]


def relay_dialogue(
    host: str,
    helo: str,
    tls: str,
    attempts: tuple[Attempt, ...],
    local: str,
    routed: tuple[str, ...] = (),
    *,
    timeout: float,
) -> Dialogue:
    """Every attempt in turn, then the routed recipients and the local one; it ends with the first recipient taken.

    `tls` and the rest are as in RelayTalk.
    """
    return Dialogue(_talk(host, helo, tls, attempts, local, routed, greeting_limit(timeout)), QUIT)


def _talk(
    host: str,
    helo: str,
    tls: str,
    attempts: tuple[Attempt, ...],
    local: str,
    routed: tuple[str, ...],
    patience: float,
) -> Steps[None]:
    if (yield from begun(host, helo, tls, patience)) is not None:
        yield from _try(attempts, local, routed)
    yield from command(b"QUIT")


def _try(attempts: tuple[Attempt, ...], local: str, routed: tuple[str, ...]) -> Steps[None]:
    own = ((routed,) if routed else ()) + (((local,),) if local else ())
    last = tuple(Attempt(attempts[0].sender, recipients) for recipients in own) if attempts else ()
    for attempt in (*attempts, *last):
        reply = yield from command(b"MAIL FROM:<" + path(attempt.sender) + b">")
        if reply.positive:
            for recipient in attempt.recipients:
                reply = yield from command(b"RCPT TO:<" + path(recipient) + b">")
                if reply.code in (*TAKEN, *OVER):
                    yield from command(b"RSET")
                    return
            yield from command(b"RSET")
        elif reply.code in OVER:
            return


class Taken(enum.StrEnum):
    """What became of the attempts."""

    YES = "yes"
    """A recipient elsewhere was taken."""
    ROUTED = "routed"
    """None elsewhere was, nor a mailbox of the domain that nobody has; but one whose local part leads elsewhere."""
    LOCAL = "local"
    """None elsewhere was, but the domain's own mailbox."""
    NO = "no"
    """Recipients elsewhere were refused, whoever we are."""
    UNKNOWN = "unknown"
    """The conversation did not come so far, we were put off, or it was refused because of us."""


@frozen
class Relaying:
    """A transcript of relay_dialogue, read."""

    taken: Taken
    event: int | None
    """The event that shows it."""
    sender: str = ""
    recipient: str = ""
    """What was taken, in the paths of MAIL and RCPT."""
    because: str = ""
    """Why it is unknown."""


def read_relay(transcript: Transcript, local: str = "", routed: tuple[str, ...] = ()) -> Relaying:
    """Read a transcript of relay_dialogue with the same recipients. Never raises."""
    steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
    sender = ""
    refused: int | None = None
    put_off: tuple[str, int | None] | None = None
    nobody = False
    own: Relaying | None = None
    for step in steps:
        if step.verb not in ("MAIL", "RCPT") or step.reply is None or not step.reply.complete:
            continue
        path = path_of(step.command)
        if step.verb == "MAIL":
            sender = path
        if step.verb == "RCPT" and path in (local, *routed):
            # What a host says of its own mailboxes tells nothing of others; and one with a route in its name tells
            # something only where a mailbox that nobody has was refused before.
            nobody = nobody or (path in routed[:1] and step.reply.kind == 5 and not _doubt(step.reply))
            if step.reply.code in TAKEN and (local or (nobody and path not in routed[:1])):
                own = Relaying(Taken.LOCAL if local else Taken.ROUTED, step.last, sender, path)
            continue
        if step.verb == "RCPT" and step.reply.code in TAKEN:
            return Relaying(Taken.YES, step.last, sender, path)
        if because := _doubt(step.reply):
            put_off = put_off or (because + quote(transcript, step.last), step.last)
        elif step.reply.kind in (4, 5) and (step.verb == "RCPT" or step.reply.code == 530):
            refused = step.last
    if own is not None:
        return own
    if refused is not None and put_off is None:
        return Relaying(Taken.NO, refused)
    if put_off is not None:
        return Relaying(Taken.UNKNOWN, put_off[1], because=put_off[0])
    heard = next((step.last for step in reversed(steps) if step.reply is not None), None)
    why = "the conversation did not come to a recipient elsewhere" + quote(transcript, heard)
    return Relaying(Taken.UNKNOWN, heard, because=why)


def _doubt(reply: Reply) -> str:
    """Why a refusal does not show that strangers are refused; empty where it does."""
    if reply.kind not in (4, 5):
        return ""
    if blamed(reply) in (Blame.BLOCKLIST, Blame.DYNAMIC, Blame.REVERSE_DNS):
        return "we were refused for what we are:"
    # Postfix defers, by default, what it will not relay (smtpd_relay_restrictions, since 2.10).
    if reply.kind == 4 and (reply.code == 421 or not _RELAYING.search(reply.text[:LONGEST_JUDGED])):
        return "we were put off:"
    return ""


_RELAYING = re.compile(r"\brelay", re.I)
