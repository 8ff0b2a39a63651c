"""Looking for a message over POP3 (RFC 1939): the dialogue, and its reading.

A maildrop is what it was at the login, so that every look is a conversation of its own.
"""

from __future__ import annotations

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit
from .login import Account, LoginEnd, LoginRead
from .login_pop3 import QUIT, pop3_command, pop3_entered, pop3_steps, read_pop3_login
from .transcript import Said, Transcript
from .visit_pop3 import count_of

NEWEST = 10
"""Messages whose headers are looked at, from the last one back."""
KEPT = (b"+OK", b"-ERR")


@frozen
class Pop3Arrival:
    """A transcript of await_pop3_dialogue, read."""

    login: LoginRead
    octets: bytes
    """The message as it was fetched; empty where it was not found."""
    event: int | None
    removed: bool


def await_pop3_dialogue(
    host: str, port: int, account: Account, message_id: str, *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """Log in, look at the newest headers, fetch and remove the message where it is among them."""
    return Dialogue(_look(host, port, account, message_id, implicit_tls, greeting_limit(timeout)), QUIT)


def _look(
    host: str, port: int, account: Account, message_id: str, implicit_tls: bool, patience: float
) -> Steps[None]:
    if (yield from pop3_entered(host, port, account, patience, implicit_tls=implicit_tls)):
        stat = yield from pop3_command(b"STAT", keeps=KEPT)
        count = count_of(stat)
        for number in range(count, max(count - NEWEST, 0), -1):
            top = yield from pop3_command(b"TOP %d 0" % number, many=True, keeps=KEPT)
            if any(f"<{message_id}>" in line for line in top.lines):
                fetched = yield from pop3_command(b"RETR %d" % number, many=True)
                if fetched.ok:
                    yield from pop3_command(b"DELE %d" % number)
                break
    yield from pop3_command(b"QUIT")


def read_pop3_arrival(transcript: Transcript) -> Pop3Arrival:
    """Read a transcript of await_pop3_dialogue. Never raises."""
    login = read_pop3_login(transcript)
    steps = pop3_steps(transcript) if login.end is LoginEnd.TAKEN else ()
    fetched = next((step for step in steps if step.verb == "RETR" and step.reply and step.reply.ok), None)
    octets = b""
    if fetched is not None and fetched.first is not None and fetched.last is not None:
        said = transcript.events[fetched.first + 1 : fetched.last]
        # RFC 1939 section 3: of two dots at the beginning of a line one is for the way only.
        octets = b"".join(each.octets.removeprefix(b".") for each in said if isinstance(each, Said))
    heard = [step.last for step in steps if step.last is not None]
    event = fetched.last if fetched is not None else heard[-1] if heard else None
    done = {step.verb for step in steps if step.reply is not None and step.reply.ok}
    # RFC 1939 section 6: what is marked goes only once QUIT was answered.
    return Pop3Arrival(login, octets, event, {"DELE", "QUIT"} <= done)
