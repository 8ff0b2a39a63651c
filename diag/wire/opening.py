"""How the SMTP talks that try something begin: greeting, EHLO, TLS where it is wanted, an envelope."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Say, Secure, Steps, hear, printable
from .reach import quote
from .smtp import EhloReply, Reply, SmtpEnd, parse_ehlo, parse_reply
from .smtp_session import SmtpExchange
from .transcript import Transcript

QUIT = b"QUIT\r\n"
TAKEN = (250, 251)
"""A recipient is taken, here or elsewhere; 252 promises nothing (RFC 5321 section 3.5.3)."""


def begun(host: str, helo: str, tls: str, patience: float) -> Steps[EhloReply | None]:
    """What is offered in the end; None where no EHLO or HELO was taken. `tls` is as in RelayTalk."""
    if tls == "implicit":
        yield Secure(host)
    if not parse_reply((yield from hear(SmtpEnd(), patience))).positive:
        return None
    offer = yield from _hello(helo)
    # Where STARTTLS is refused, we go on in clear text.
    wanted = tls == "starttls" and parse_ehlo(offer).offers("STARTTLS")
    if wanted and (yield from command(b"STARTTLS")).code == 220:
        yield Secure(host)
        offer = yield from _hello(helo)
    return parse_ehlo(offer) if offer.positive else None


def _hello(helo: str) -> Steps[Reply]:
    reply = yield from command(b"EHLO " + printable(helo))
    return (yield from command(b"HELO " + printable(helo))) if reply.kind == 5 else reply


def command(line: bytes) -> Steps[Reply]:
    """The reply to one command, given without its line ending."""
    yield Say(line + b"\r\n")
    return parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))


def addressed(offer: EhloReply, recipient: str, sender: str = "") -> Steps[bool]:
    """MAIL, with the null reverse-path unless there is a sender, and RCPT; whether the recipient was taken.

    A mailbox outside ASCII cannot be named where SMTPUTF8 is not offered (RFC 6531 section 3.2).
    """
    international = not (recipient + sender).isascii()
    if international and not offer.offers("SMTPUTF8"):
        return False
    extra = b" SMTPUTF8" if international else b""
    if not (yield from command(b"MAIL FROM:<" + path(sender) + b">" + extra)).positive:
        return False
    return (yield from command(b"RCPT TO:<" + path(recipient) + b">")).code in TAKEN


def path(mailbox: str) -> bytes:
    """A mailbox as it stands between angle brackets, which it cannot leave."""
    return printable(mailbox.replace("<", "").replace(">", ""))


def stopped_at(transcript: Transcript, steps: tuple[SmtpExchange, ...]) -> tuple[str, int | None]:
    """Why a talk did not come to what it is for, and the event that shows it: the last word but a farewell."""
    heard = [step for step in steps if step.reply is not None and step.verb != "QUIT"]
    last = heard[-1].last if heard else None
    return "the conversation did not come so far" + quote(transcript, last), last
