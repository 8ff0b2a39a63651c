"""Logging in to a submission server (RFC 4954): the dialogues, and their reading."""

from __future__ import annotations

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Note, Say, Steps, greeting_limit, hear, printable
from .blame import blamed
from .exchanges import exchanges
from .login import NO_TLS, Account, LoginEnd, LoginRead, chosen, decoded, exchanged, pinned, refused, untried
from .opening import QUIT, command, path
from .smtp import EhloReply, Reply, SmtpEnd, parse_ehlo, parse_reply
from .smtp_session import SmtpExchange
from .transcript import Transcript


@frozen
class Door:
    """A submission server as it is entered: SNI, port, what we call ourselves, and how TLS comes about."""

    host: str
    port: int
    helo: str
    implicit_tls: bool


def smtp_login_dialogue(
    door: Door, account: Account, *, timeout: float, envelope: tuple[str, str] | None = None
) -> Dialogue:
    """Log in. With an `envelope`, sender and recipient, begin such a message and take it back."""
    return Dialogue(_talk(door, account, envelope, greeting_limit(timeout)), QUIT)


def _talk(door: Door, account: Account, envelope: tuple[str, str] | None, patience: float) -> Steps[None]:
    if (yield from entered(door, account, patience)) is not None and envelope is not None:
        sender, recipient = envelope
        if (yield from command(b"MAIL FROM:<" + path(sender) + b">")).positive:
            yield from command(b"RCPT TO:<" + path(recipient) + b">")
        yield from command(b"RSET")
    yield from command(b"QUIT")


def entered(door: Door, account: Account, patience: float) -> Steps[EhloReply | None]:
    """What is offered to us once we are in; None where we are not."""
    if door.implicit_tls:
        yield from pinned(door.host, account.certificate)
    if not parse_reply((yield from hear(SmtpEnd(), patience))).positive:
        return None
    offer = yield from _hello(door.helo)
    if offer is not None and not door.implicit_tls:
        if not offer.offers("STARTTLS") or (yield from command(b"STARTTLS")).code != 220:
            yield Note(NO_TLS)
            return None
        yield from pinned(door.host, account.certificate)
        offer = yield from _hello(door.helo)
    if offer is None:
        return None
    mechanism = yield from chosen(account, offer.mechanisms)
    if not mechanism:
        return None
    heard: list[Reply] = []

    def ask(line: bytes, secret: bool) -> Steps[bytes | None]:
        yield Say(line + b"\r\n", secret=secret)
        reply = parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT, challenge=b"334")))
        heard.append(reply)
        return decoded(reply.lines[-1]) if reply.code == 334 else None

    begin = b"AUTH " + mechanism.encode()
    yield from exchanged(mechanism, account, (door.host, door.port), ask, begin, longest=LONGEST_COMMAND)
    return offer if heard[-1].code == 235 else None


LONGEST_COMMAND = 512
"""Octets of a command, AUTH included (RFC 5321 section 4.5.3.1.4, RFC 4954 section 4)."""


def _hello(helo: str) -> Steps[EhloReply | None]:
    reply = yield from command(b"EHLO " + printable(helo))
    return parse_ehlo(reply) if reply.positive else None


def smtp_steps(transcript: Transcript) -> tuple[SmtpExchange, ...]:
    """A transcript as commands and replies."""
    return exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))


def read_smtp_login(transcript: Transcript) -> LoginRead:
    """Read a transcript in which a login was to be tried. Never raises."""
    steps = smtp_steps(transcript)
    begin = next((at for at, step in enumerate(steps) if step.verb == "AUTH"), None)
    if begin is None:
        heard = [step.last for step in steps if step.last is not None and step.verb != "QUIT"]
        return untried(transcript, heard[-1] if heard else None)
    mechanism, _, initial = steps[begin].command.partition(" ")[2].upper().partition(" ")
    last = steps[begin]
    for step in steps[begin:]:
        last = step
        if step.reply is None or step.reply.code != 334:
            break
    return _judged(transcript, mechanism, last, said=bool(initial) or last is not steps[begin])


def _judged(transcript: Transcript, mechanism: str, last: SmtpExchange, *, said: bool) -> LoginRead:
    reply, event = last.reply, last.cited
    if reply is None or not reply.complete or reply.kind in (3, 4):
        return refused(transcript, mechanism, event, LoginEnd.PUT_OFF, "")
    if reply.code == 235:
        return LoginRead(LoginEnd.TAKEN, mechanism, event)
    # RFC 4954 section 6: 535 alone says that the credentials are invalid; 534 wants another kind of them.
    wrong = reply.code == 535 and reply.enhanced in _INVALID and blamed(reply) is None
    end = LoginEnd.REJECTED if wrong else LoginEnd.UNSETTLED
    return refused(transcript, mechanism, event, end, reply.text, said=said)


@frozen
class StrangerRead:
    """What became of a message begun in another's name."""

    login: LoginRead
    taken: bool | None
    """None where that was not decided."""
    event: int | None
    line: str = ""


def read_stranger(transcript: Transcript) -> StrangerRead:
    """Read a transcript of smtp_login_dialogue with a stranger. Never raises."""
    login = read_smtp_login(transcript)
    replies = [
        (step, step.reply)
        for step in smtp_steps(transcript)
        if step.verb in ("MAIL", "RCPT") and step.reply is not None and step.reply.complete
    ]
    if login.end is not LoginEnd.TAKEN or not replies:
        return StrangerRead(login, None, login.event)
    # Some servers refuse the sender only once there is a recipient (Postfix: smtpd_delay_reject).
    step, reply = next(((s, r) for s, r in replies if not r.positive), replies[-1])
    # RFC 3463 section 3.2: 5.1.z speaks of an address that does not exist, and not of whose it is.
    if reply.kind == 5 and blamed(reply) is None and not reply.enhanced.startswith("5.1."):
        return StrangerRead(login, False, step.last, str(reply))
    taken = True if reply.positive and len(replies) == 2 else None
    return StrangerRead(login, taken, step.last, str(reply))


_INVALID = ("", "5.7.8", "5.7.0", "5.7.1", "5.7.3")
"""Codes that say no more than 535 does; others name another reason, such as 5.7.9 and 5.7.139."""
