"""Logging in under TLS with a name and a secret that the user lends: what all protocols share.

A secret is said only on a connection whose certificate is the very one that was verified, and one mechanism is
tried in one conversation: whoever tries on after a login that failed may lock somebody out.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import re
from collections.abc import Callable, Collection, Sequence

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake

from .actions import Bind, Note, Secure, Steps, Stop
from .reach import quote
from .sasl import SERVER_FIRST, Binding, Broken, Credentials, Sasl, usable
from .transcript import Ending, Remark, Transcript

OTHER_CERTIFICATE = "another certificate than the one that was verified is served here: no login"
NO_TLS = "TLS did not come about: no login"
NOTHING_COMMON = "no login is offered here that can be used with what was given: "
GIVEN_UP = "the login was given up: "
REFUSED_TOKEN = "the token was refused: "  # noqa: S105
UNPROVEN = "the server let us in without showing that it knows the password"

Ask = Callable[[bytes, bool], Steps[bytes | None]]
"""Say a line, secret or not, and hear the answer: a challenge, decoded; None where it is no challenge."""


class LoginEnd(enum.StrEnum):
    """What became of a login."""

    TAKEN = "taken"
    REJECTED = "rejected"
    """Name and secret were heard, and are said to be wrong."""
    UNSETTLED = "unsettled"
    """They were heard and not taken, for another reason or without one."""
    PUT_OFF = "put-off"
    """The server says: not now. Nothing follows from that."""
    UNTRIED = "untried"
    """It did not come so far."""

    @property
    def failed(self) -> bool:
        """Whether it counts as a failed login with whoever counts them: then there is no other."""
        return self in (LoginEnd.REJECTED, LoginEnd.UNSETTLED)


@frozen
class Account:
    """Who logs in where, and how. Lives as long as a conversation; nothing of it is kept."""

    login: str
    secret: bytes
    certificate: str
    """SHA-256 of the certificate expected, in hexadecimal; empty: any will do."""
    nonce: str = "maildiag"
    """For SCRAM, fresh for every login."""
    token: bool = False
    """The secret is an access token."""
    mechanism: str = ""
    """The one to try; empty: the best that is offered."""


@frozen
class LoginRead:
    """A login, read from its transcript."""

    end: LoginEnd
    mechanism: str = ""
    """In upper case; empty where none was tried."""
    event: int | None = None
    because: str = ""
    """Why it was not taken, with the line."""


def pinned(host: str, certificate: str) -> Steps[None]:
    """A handshake; where another certificate is served than the one expected, the conversation ends."""
    made = yield Secure(host)
    assert isinstance(made, Handshake)
    served = hashlib.sha256(made.chain[0]).hexdigest() if made.chain else ""
    if certificate and served != certificate:
        yield Note(OTHER_CERTIFICATE)
        yield Stop(Ending.BY_US)


def chosen(account: Account, offered: Collection[str]) -> Steps[str]:
    """The mechanism to log in with; empty, with a remark, where there is none."""
    bindable = bool((yield Bind()))
    names = usable(offered, token=account.token, bindable=bindable)
    wanted = account.mechanism
    found = next((name for name in names if not wanted or name == wanted), "")
    if not found:
        yield Note(NOTHING_COMMON + (", ".join(offered)[:200] or "none at all"))
    return found


def exchanged(
    mechanism: str,
    account: Account,
    place: tuple[str, int],
    ask: Ask,
    begin: bytes,
    *,
    initial: bool = True,
    longest: int = 0,
) -> Steps[None]:
    """All of one SASL exchange. `begin` is the command; `initial` tells whether a response may stand in it.

    Mail programs put one there where they can, and some servers take a login in no other way. Where the line would
    have more than `longest` octets with it (0: any number does), it must wait until it is asked for.
    """
    told = yield Bind()
    binding = Binding(told[0].decode("ascii"), told[1]) if isinstance(told, tuple) and told else None
    who = Credentials(account.login, account.secret, account.nonce, *place)
    client = Sasl(mechanism, who, binding)
    waiting: bytes | None = None
    if initial and mechanism not in SERVER_FIRST:
        waiting = client.answer(b"") or b""
        line = begin + b" " + base64.b64encode(waiting)
        if not longest or len(line) + 2 <= longest:
            begin, waiting = line, None
    challenge = yield from ask(begin, False)
    while challenge is not None:
        try:
            response = client.answer(challenge) if waiting is None else waiting
            waiting = None
        except Broken as broken:
            yield Note(GIVEN_UP + str(broken))
            response = None
        if response is None:
            yield from ask(b"*", False)  # RFC 4954 section 4, RFC 9051 section 6.2.2, RFC 5034 section 4
            return
        challenge = yield from ask(base64.b64encode(response), True)
    if client.remark:
        yield Note(REFUSED_TOKEN + client.remark)
    if mechanism.startswith("SCRAM-") and not client.proven:
        yield Note(UNPROVEN)


def decoded(challenge: str) -> bytes:
    """A challenge out of its base64; what is none is handed on as empty, for the mechanism to object to."""
    try:
        return base64.b64decode(challenge.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def untried(transcript: Transcript, last: int | None) -> LoginRead:
    """A conversation in which no login was tried; `last` is the event last heard."""
    why = remark(transcript, (OTHER_CERTIFICATE, NO_TLS, NOTHING_COMMON))
    if why:
        return LoginRead(LoginEnd.UNTRIED, "", last, why)
    detail = transcript.closed.detail if transcript.closed.how is Ending.FAILED else ""
    said = quote(transcript, last)
    return LoginRead(LoginEnd.UNTRIED, "", last, detail or "the conversation did not come to a login" + said)


def refused(
    transcript: Transcript, mechanism: str, event: int | None, end: LoginEnd, text: str, *, said: bool = True
) -> LoginRead:
    """A login that was not taken; `said` tells whether the secret, or a proof of it, was.

    What is said to be wrong may be the password's kind and not the password.
    """
    given_up = remark(transcript, (GIVEN_UP,))
    if end is LoginEnd.REJECTED and (given_up or not said or OTHER_REASON.search(text)):
        end = LoginEnd.UNSETTLED
    what = {
        LoginEnd.REJECTED: "the login failed, and is not tried again:",
        LoginEnd.UNSETTLED: "the login was not taken, and is not tried again:",
    }.get(end, "the login was not decided:")
    return LoginRead(end, mechanism, event, given_up or what + quote(transcript, event))


def remark(transcript: Transcript, beginnings: Sequence[str]) -> str:
    """The first of our own remarks that begins so; empty where there is none."""
    remarks = (event.text for event in transcript.events if isinstance(event, Remark))
    return next((text for text in remarks if text.startswith(tuple(beginnings))), "")


OTHER_REASON = re.compile(
    r"app(?:lication)?[ -]*(?:specific)?[ -]*password|basic auth|web[ -]?login|log ?in via your web|oauth|"
    r"modern auth|two[ -]?factor|\b2fa\b|disabled|expired|locked|suspend|too many|not allowed|not enabled|"
    r"not permitted",
    re.IGNORECASE,
)
"""Words of servers that refuse a password which may be right: an app password is wanted, logins are switched off."""
