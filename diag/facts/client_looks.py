"""One conversation with a server of mail programs, and what it shows only by something missing or refused."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from diag.model.finding import as_cites
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk
from diag.tls.handshake import ON_THE_WAY, TlsFailure
from diag.wire.offering import AnyOffer, offering, with_keyword
from diag.wire.reading import (
    Capa,
    Capabilities,
    Exchange,
    ImapSession,
    Pop3Session,
    Reached,
    SieveCapabilities,
    SieveSession,
    SmtpSession,
)
from diag.wire.smtp import EhloReply
from diag.wire.transcript import Ending, Transcript

P = TypeVar("P", SmtpTalk, ImapTalk, Pop3Talk, SieveTalk)
S = TypeVar("S", SmtpSession, ImapSession, Pop3Session, SieveSession)
AnySession = SmtpSession | ImapSession | Pop3Session | SieveSession

UNOFFICIAL = 2525
"""A port that some hosts open where 587 is blocked. No standard knows it: nothing is ever missing there."""

PLAINTEXT = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})
"""SASL mechanisms that show the password, or a token as good as one, to whoever listens."""

GIVEN_UP_MS = 10_000
"""Milliseconds without an octet after which a server has plainly said all that it means to say."""


class Lack(enum.StrEnum):
    """What must be seen on two connections, as unlike machines may stand behind one address."""

    STARTTLS = "logins are taken and TLS is not offered"
    TLS = "TLS does not come about"
    LOGIN = "no login is offered under TLS"
    LOGINDISABLED = "plain-text logins are not forbidden before TLS"
    IMAP = "IMAP4rev1 or IMAP4rev2 is missing from the capabilities"
    END = "an answer has no end"


@frozen
class ClientLook(Generic[P, S]):
    """One conversation: what was asked, what was heard, and what it means."""

    probe: P
    transcript: Transcript
    session: S

    def cite(self, *events: int | None) -> tuple[Cite, ...]:
        """Lines of the conversation; the whole of it where none is named."""
        named = tuple(Cite(self.probe, event) for event in dict.fromkeys(events) if event is not None)
        return named or (Cite(self.probe),)

    def lines(self, offer: AnyOffer, ends: int | None, holds: Callable[[Any], bool]) -> tuple[Cite, ...]:
        """The lines that offer something, of the reply that was read as `offer`; its end where no line does."""
        found = offering(self.transcript, self.session.exchanges, ends, offer, holds)
        return self.cite(*(found or (ends,)))

    @property
    def refusal(self) -> tuple[str, int] | None:
        """The final no to STARTTLS or STLS, and the event of it; None where there was none."""
        return _refusal(self.session)

    @property
    def put_off(self) -> tuple[str, int | None] | None:
        """A "not now" in place of TLS, and the event of it; None where there was none."""
        return _put_off(self.session)

    @property
    def lacks(self) -> Mapping[Lack, int | None]:
        """Everything of that kind that this conversation shows, each with the event that shows it."""
        return dict(_lacks(self.session, self.transcript, self.probe.port))

    def showing(self, lack: Lack) -> tuple[Cite, ...]:
        """The lines that show one of them: what is offered in its place, and the end of the reply."""
        ends, told = self.lacks[lack], _in_clear(self.session)
        offered: tuple[Cite, ...] = ()
        if lack is Lack.STARTTLS and told is not None:
            offered = self.lines(told[0], ends, _logs_in)
        elif lack is Lack.LOGIN and isinstance(self.session, ImapSession) and self.session.capabilities_tls:
            offered = self.lines(self.session.capabilities_tls, ends, with_keyword("LOGINDISABLED"))
        return as_cites(offered, self.cite(ends))


def _logs_in(line: AnyOffer) -> bool:
    return bool(line.mechanisms or (isinstance(line, Capa) and line.plain_logins))


def plain_dealing(session: SmtpSession) -> bool:
    """Whether the server itself answered, and did not turn us away: else its replies prove no absence."""
    return session.throttled is None and session.tarpit is None and session.middlebox is None


def _in_clear(session: AnySession) -> tuple[AnyOffer, int | None] | None:
    """What is offered before TLS, and the event that ends the reply which tells it."""
    match session:
        case SmtpSession(offer=EhloReply() as told, ehlo=Exchange(last=ends)):
            return told, ends
        case (
            ImapSession(capabilities=Capabilities() as told)
            | Pop3Session(capa=Capa() as told)
            | SieveSession(capabilities=SieveCapabilities() as told)
        ):
            return told, told.event
    return None


def before_tls(session: AnySession) -> int | None:
    """The event that shows best what becomes of TLS on a port where it has to be asked for.

    That is the answer to the request for it, else the end of what is offered in clear, else the greeting.
    """
    if session.starttls is not None:
        return session.starttls.cited
    if (told := _in_clear(session)) is not None:
        return told[1]
    return session.greeting.cited if session.greeting is not None else None


def begins_tls(session: AnySession, transcript: Transcript) -> int | None:
    """The event in which TLS is offered on request; the same as `before_tls` where it is not."""
    if (told := _in_clear(session)) is not None:
        offer, ends = told
        wanted = with_keyword("STARTTLS", "STLS")
        for event in offering(transcript, session.exchanges, ends, offer, wanted):
            return event
    return before_tls(session)


def _refusal(session: AnySession) -> tuple[str, int] | None:
    match session:
        case SmtpSession(starttls=begun) if begun and begun.reply and begun.reply.kind == 5:
            return str(begun.reply), begun.cited
        case ImapSession(starttls=begun) if begun and begun.reply and not _put_off(session):
            final = begun.reply[-1]
            if final.tagged and final.word in ("NO", "BAD"):
                return str(final), begun.cited
        case Pop3Session(starttls=begun) if begun and begun.reply and not _put_off(session):
            if begun.reply.status == "-ERR":
                return str(begun.reply), begun.cited
        case SieveSession(starttls=begun) if begun and begun.reply and not _put_off(session):
            if begun.reply.status == "NO":
                return str(begun.reply), begun.cited
    return None


def _put_off(session: AnySession) -> tuple[str, int | None] | None:
    if isinstance(session.handshake, TlsFailure) and session.handshake.put_off:
        return session.handshake.put_off, session.secured
    match session:
        case SmtpSession(starttls=begun) if begun and begun.reply and begun.reply.kind == 4:
            return str(begun.reply), begun.cited
        # RFC 5530 section 3; RFC 3206 section 4 and RFC 2449 section 8.1.2.
        case ImapSession(starttls=begun) if begun and begun.reply:
            if begun.reply[-1].code.upper() in ("UNAVAILABLE", "INUSE"):
                return str(begun.reply[-1]), begun.cited
        case Pop3Session(starttls=begun) if begun and begun.reply:
            if begun.reply.known_code in ("SYS/TEMP", "IN-USE"):
                return str(begun.reply), begun.cited
        case SieveSession(starttls=begun) if begun and begun.reply:  # RFC 5804 section 1.3
            if begun.reply.code.upper() == "TRYLATER":
                return str(begun.reply), begun.cited
    return None


def _lacks(session: AnySession, transcript: Transcript, port: int) -> Iterator[tuple[Lack, int | None]]:
    match session:
        case SmtpSession():
            yield from _of_smtp(session, port)
        case ImapSession():
            yield from _of_imap(session)
        case Pop3Session():
            yield from _of_pop3(session, transcript)
        case SieveSession():
            yield from _of_sieve(session)
    if session.state.wrong_protocol or session.state in (Reached.MALFORMED, Reached.SILENT):
        return
    refused = _refusal(session)
    if refused is not None:
        # Without CAPA a POP3 server has promised nothing.
        if not isinstance(session, Pop3Session) or (session.capa and session.capa.offers("STLS")):
            yield Lack.TLS, refused[1]
    elif (
        isinstance(session.handshake, TlsFailure)
        and session.handshake.reason not in ON_THE_WAY
        and not session.handshake.ours
        and not session.handshake.put_off
    ):
        yield Lack.TLS, session.secured


def _of_smtp(session: SmtpSession, port: int) -> Iterator[tuple[Lack, int | None]]:
    if not plain_dealing(session):
        return
    clear, secure = session.offer, session.offer_tls
    # Where no login is offered either, nothing is exposed.
    if clear and session.ehlo and clear.mechanisms and not clear.offers("STARTTLS"):
        yield Lack.STARTTLS, session.ehlo.last
    if secure and session.ehlo_tls and not secure.mechanisms and port != UNOFFICIAL:
        yield Lack.LOGIN, session.ehlo_tls.last


def _of_imap(session: ImapSession) -> Iterator[tuple[Lack, int | None]]:
    clear, secure = session.capabilities, session.capabilities_tls
    told = secure or clear
    if told and told.names and not told.speaks_imap4:
        # Where the same is missing in clear and under TLS, it is told once, of TLS.
        yield Lack.IMAP, told.event
    if secure and secure.login_disabled and not secure.mechanisms:
        yield Lack.LOGIN, secure.event
    # A login that is disabled and no mechanism at all: a dead end, but nothing is exposed. After
    # PREAUTH there is no login, and STARTTLS is not allowed (RFC 9051 section 7.1.4).
    if not clear or not clear.names or session.preauth or (clear.login_disabled and not clear.mechanisms):
        return
    if not clear.offers("STARTTLS"):
        yield Lack.STARTTLS, clear.event
    elif not clear.login_disabled:
        yield Lack.LOGINDISABLED, clear.event


def _of_sieve(session: SieveSession) -> Iterator[tuple[Lack, int | None]]:
    clear = session.capabilities
    if clear and PLAINTEXT.intersection(clear.mechanisms) and not clear.offers("STARTTLS"):
        yield Lack.STARTTLS, clear.event


def _of_pop3(session: Pop3Session, transcript: Transcript) -> Iterator[tuple[Lack, int | None]]:
    clear, refusal = session.capa, _refusal(session)
    if clear is not None and clear.plain_logins and not clear.offers("STLS"):
        yield Lack.STARTTLS, clear.event
    elif session.capa_supported is False and refusal is not None:
        # CAPA came late (RFC 2449); whoever does not know it may know STLS all the same.
        yield Lack.STARTTLS, refusal[1]
    if (event := session.capa_unterminated) is not None:
        # An answer that still drips when time is up, or is cut by a close, is no proof of a missing end.
        quiet = transcript.events[-1].at_ms - transcript.events[event].at_ms >= GIVEN_UP_MS
        if session.closed is Ending.TOO_MUCH or (quiet and session.closed in (Ending.SILENT, Ending.TIME_UP)):
            yield Lack.END, event
