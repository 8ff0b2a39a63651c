"""Handing a message in through a submission server (RFC 6409): the dialogue, and its reading."""

from __future__ import annotations

from diag.model.frozen import frozen

from .actions import Dialogue, Say, Steps, greeting_limit, hear
from .login import Account, LoginEnd, LoginRead
from .login_smtp import Door, entered, read_smtp_login, smtp_steps
from .opening import QUIT, TAKEN, command, path
from .reach import quote
from .smtp import SmtpEnd, parse_reply
from .transcript import Said, Transcript, Who

FINAL_LIMIT = 120.0
"""Seconds to wait for the reply to a message. RFC 5321 section 4.5.3.2.6 has senders wait ten minutes."""


@frozen
class Submitted:
    """A transcript of submit_dialogue, read."""

    login: LoginRead
    taken: bool
    event: int | None
    """The reply that took it, or the one that shows why it was not taken."""
    because: str
    """Why it was not, or is not known to be; empty where it was."""
    sent: bool
    """Whether all of it was said: then it may arrive, whatever was answered."""


def submit_dialogue(
    door: Door, account: Account, sender: str, recipient: str, lines: tuple[str, ...], *, timeout: float
) -> Dialogue:
    """Log in and hand in one message; `lines` are its own, in ASCII, without line endings."""
    return Dialogue(_talk(door, account, sender, recipient, lines, greeting_limit(timeout)), QUIT)


def _talk(
    door: Door, account: Account, sender: str, recipient: str, lines: tuple[str, ...], patience: float
) -> Steps[None]:
    if (yield from entered(door, account, patience)) is not None:
        yield from _handed_in(sender, recipient, lines)
    yield from command(b"QUIT")


def _handed_in(sender: str, recipient: str, lines: tuple[str, ...]) -> Steps[None]:
    if not (yield from command(b"MAIL FROM:<" + path(sender) + b">")).positive:
        return
    if (yield from command(b"RCPT TO:<" + path(recipient) + b">")).code not in TAKEN:
        return
    if (yield from command(b"DATA")).code != 354:
        return
    # RFC 5321 section 4.5.2: a line that begins with a dot gets another.
    stuffed = (f".{line}" if line.startswith(".") else line for line in lines)
    yield Say("".join(f"{line}\r\n" for line in stuffed).encode("ascii", "replace") + b".\r\n", content=True)
    yield from hear(SmtpEnd(), FINAL_LIMIT)


def read_submission(transcript: Transcript) -> Submitted:
    """Read a transcript of submit_dialogue. Never raises."""
    login = read_smtp_login(transcript)
    if login.end is not LoginEnd.TAKEN:
        return Submitted(login, False, login.event, login.because, False)
    said = [at for at, event in enumerate(transcript.events) if _is_content(event)]
    if not said:
        steps = [step for step in smtp_steps(transcript) if step.verb in ("MAIL", "RCPT", "DATA")]
        event = steps[-1].cited if steps else login.event
        return Submitted(login, False, event, "the message was not taken:" + quote(transcript, event), False)
    sent = any(isinstance(event, Said) and event.octets == b".\r\n" for event in transcript.events[said[0] :])
    heard = [at for at in range(said[0], len(transcript.events)) if _is_reply(transcript.events[at])]
    if not heard:
        return Submitted(login, False, said[-1], "the message was sent, and not answered", sent)
    reply = parse_reply(
        [event.octets for event in transcript.events[heard[0] :] if isinstance(event, Said)][:1]
    )
    taken = reply.kind == 2
    because = "" if taken else "the message was not taken:" + quote(transcript, heard[0])
    return Submitted(login, taken, heard[0], because, sent and not because)


def _is_content(event: object) -> bool:
    return isinstance(event, Said) and event.who is Who.US and event.content


def _is_reply(event: object) -> bool:
    return isinstance(event, Said) and event.who is Who.PEER and not event.unexpected
