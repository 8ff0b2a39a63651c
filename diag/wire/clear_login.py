"""A login in clear text (RFC 4954): the dialogue that tries one, and its reading.

The password is said only where the host asks for it (334) without TLS.
"""

from __future__ import annotations

import base64
import enum

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Steps, greeting_limit, hear
from .blame import Blame, blamed
from .exchanges import exchanges
from .opening import QUIT, begun, command, stopped_at
from .reach import quote
from .smtp import Reply, SmtpEnd, parse_reply
from .transcript import Transcript


class Login(enum.StrEnum):
    """What became of a login."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The host takes no login of this kind here, whoever we are."""
    FAILED = "failed"
    """Name and password were heard, and not taken: nobody tries again, so that nobody is locked out."""
    UNKNOWN = "unknown"
    """The conversation did not come so far, or we were put off."""


@frozen
class Tried:
    """A login, read from its transcript."""

    login: Login
    event: int | None
    because: str = ""
    """Why it is unknown, or how it failed."""


def clear_login_dialogue(host: str, helo: str, login: str, secret: bytes, *, timeout: float) -> Dialogue:
    """One AUTH without TLS: PLAIN, or LOGIN where only that is offered; nothing where neither is."""
    return Dialogue(_talk(host, helo, login.encode(), secret, greeting_limit(timeout)), QUIT)


def _talk(host: str, helo: str, login: bytes, secret: bytes, patience: float) -> Steps[None]:
    offer = yield from begun(host, helo, "none", patience)
    mechanisms = () if offer is None else offer.mechanisms
    if "PLAIN" in mechanisms:
        yield from _answered(b"AUTH PLAIN", b"\0" + login + b"\0" + secret)  # RFC 4616 section 2
    elif "LOGIN" in mechanisms:
        yield from _answered(b"AUTH LOGIN", login, secret)
    yield from command(b"QUIT")


def _answered(auth: bytes, *answers: bytes) -> Steps[None]:
    """AUTH without an initial response: a host that wants TLS first says so before it hears a secret."""
    reply = yield from command(auth)
    for answer in answers:
        if reply.code != 334:
            return
        yield Say(base64.b64encode(answer) + b"\r\n", secret=True)
        reply = parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))


def read_clear_login(transcript: Transcript) -> Tried:
    """Read a transcript of clear_login_dialogue. Never raises."""
    steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
    begin = next((at for at, step in enumerate(steps) if step.verb == "AUTH"), None)
    if begin is None:
        why, event = stopped_at(transcript, steps)
        return Tried(Login.UNKNOWN, event, why)
    steps = tuple(step for step in steps[begin:] if step.verb != "QUIT")
    last, reply = steps[-1], steps[-1].reply
    if reply is None or not reply.complete or reply.kind in (3, 4):
        return Tried(Login.UNKNOWN, last.cited, "the login was not decided:" + quote(transcript, last.cited))
    if reply.code == 235:
        return Tried(Login.TAKEN, last.last)
    said = quote(transcript, last.last)
    if blamed(reply) in (Blame.BLOCKLIST, Blame.DYNAMIC, Blame.REVERSE_DNS):
        return Tried(Login.UNKNOWN, last.last, "we were refused for what we are:" + said)
    if len(steps) == 1 or _wants_tls(reply):
        return Tried(Login.REFUSED, last.last)
    return Tried(Login.FAILED, last.last, "the login failed, and is not tried again:" + said)


def _wants_tls(reply: Reply) -> bool:
    """RFC 4954 section 6 (538), RFC 3207 section 4 (530): a login here needs TLS. 534 is of this user alone."""
    return reply.code in (530, 538) or reply.enhanced == "5.7.11"
