"""The SMTP dialogue: greeting, EHLO, STARTTLS, EHLO again, a transaction that is reset, QUIT. Never DATA."""

from __future__ import annotations

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear, printable
from .silence import ask_for_tls
from .smtp import EhloReply, Reply, SmtpEnd, parse_ehlo, parse_reply

QUIT = b"QUIT\r\n"


def smtp_dialogue(
    host: str,
    helo: str,
    *,
    implicit_tls: bool,
    mail_from: str | None,
    recipients: tuple[str, ...],
    timeout: float,
) -> Dialogue:
    """How a polite client finds out what a server offers and whom it takes mail for."""
    return Dialogue(_talk(host, helo, implicit_tls, mail_from, recipients, greeting_limit(timeout)), QUIT)


def _talk(
    host: str,
    helo: str,
    implicit_tls: bool,
    mail_from: str | None,
    recipients: tuple[str, ...],
    patience: float,
) -> Steps[None]:
    if implicit_tls:
        yield Secure(host)
    # Nothing is said before the whole greeting (RFC 5321 section 4.3.1): Postfix and Exim punish it.
    greeting = yield from hear(SmtpEnd(), patience, may_be_silent=not implicit_tls)
    if not greeting:
        yield from ask_for_tls(host)
        return
    if not parse_reply(greeting).positive:
        yield from _quit()
        return
    offer = yield from _hello(helo)
    if offer is not None and offer.offers("STARTTLS") and not implicit_tls:
        reply = yield from _command(b"STARTTLS\r\n")
        if reply.code == 220:
            yield Secure(host)
            # What was said in clear is forgotten (RFC 3207 section 4.2).
            offer = yield from _hello(helo)
        elif reply.code == 421:
            offer = None
    if offer is None or mail_from is None:
        yield from _quit()
    else:
        yield from _transaction(offer, mail_from, recipients)


def _hello(helo: str) -> Steps[EhloReply | None]:
    """EHLO; HELO only where EHLO is refused for good (RFC 5321 section 3.2); None where neither is taken."""
    name = printable(helo)
    reply = yield from _command(b"EHLO " + name + b"\r\n")
    if reply.positive:
        return parse_ehlo(reply)
    if reply.kind != 5:
        return None
    reply = yield from _command(b"HELO " + name + b"\r\n")
    return EhloReply("", "", ()) if reply.positive else None


def _transaction(offer: EhloReply, mail_from: str, recipients: tuple[str, ...]) -> Steps[None]:
    international = offer.offers("SMTPUTF8")
    # A mailbox outside ASCII cannot even be named to a server without SMTPUTF8 (RFC 6531 section 3.2).
    named = [each for each in recipients if international or each.isascii()]
    utf8 = b" SMTPUTF8" if international and not all(each.isascii() for each in (mail_from, *named)) else b""
    mail = b"MAIL FROM:<" + _path(mail_from) + b">" + utf8 + b"\r\n"
    rcpts = [b"RCPT TO:<" + _path(each) + b">\r\n" for each in named]
    rset = b"RSET\r\n"
    if offer.offers("PIPELINING"):
        # RFC 2920 section 3.1: these may go together, with QUIT as the last of the group.
        commands = [mail, *rcpts, rset, QUIT]
        yield Say(b"".join(commands))
        for _ in commands:
            reply = parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))
            if reply.code == 421:  # the server is closing the channel: there is nothing more to hear
                return
        return
    reply = yield from _command(mail)
    if reply.positive:
        for rcpt in rcpts:
            reply = yield from _command(rcpt)
            if reply.kind == 4:  # who is put off with one is put off with all
                break
        if reply.code != 421:
            yield from _command(rset)
    yield from _quit()


def _command(line: bytes) -> Steps[Reply]:
    yield Say(line)
    return parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT)))


def _quit() -> Steps[None]:
    yield from _command(QUIT)


def _path(mailbox: str) -> bytes:
    return printable(mailbox.replace("<", "").replace(">", ""))
