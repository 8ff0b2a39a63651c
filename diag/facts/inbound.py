"""What the MX hosts do on port 25: one subject for every address of every host, named by its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diag.model.finding import Certainty
from diag.model.frozen import frozen
from diag.model.knowing import Cite, Unavailable
from diag.model.target import Endpoint
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.blame import blamed
from diag.wire.offering import offering, with_keyword
from diag.wire.reach import Reached
from diag.wire.smtp import EhloReply, Reply
from diag.wire.smtp_session import SmtpExchange, SmtpSession
from diag.wire.transcript import Said, Transcript, quoted_line

MX_PORT = 25
"""Where mail is handed from one domain to another (RFC 5321 section 4.5.4.2)."""


@frozen
class Look:
    """One conversation: what was asked, what was heard, and what it means."""

    probe: SmtpTalk
    transcript: Transcript
    session: SmtpSession

    def cite(self, event: int | None = None) -> Cite:
        """An event of it as evidence; None cites the whole."""
        return Cite(self.probe, event)

    def lines(
        self, hello: SmtpExchange | None, offer: EhloReply, holds: Callable[[EhloReply], bool]
    ) -> tuple[Cite, ...]:
        """The lines that offer something, of the reply to EHLO that was read as `offer`; empty where no line does."""
        ends = hello.last if hello is not None else None
        return tuple(map(self.cite, offering(self.transcript, self.session.exchanges, ends, offer, holds)))

    def offered(self, *keywords: str) -> tuple[Cite, ...]:
        """The lines that offer one of these keywords in the end: under TLS where there is TLS, in clear otherwise."""
        session = self.session
        if session.offer_tls is not None:
            return self.lines(session.ehlo_tls, session.offer_tls, with_keyword(*keywords))
        if session.offer is not None:
            return self.lines(session.ehlo, session.offer, with_keyword(*keywords))
        return ()

    def line(self, event: int | None) -> str:
        """What was said at an event, safe to show; empty for what is no line."""
        said = self.transcript.events[event] if event is not None else None
        return quoted_line(said.octets) if isinstance(said, Said) else ""

    def octets(self, event: int) -> bytes:
        """The same as it was sent, with its line ending; empty for what is no line."""
        said = self.transcript.events[event]
        return said.octets if isinstance(said, Said) else b""

    @property
    def greeted(self) -> bool:
        """Whether a whole 220 greeting was heard (a 421 may have come later)."""
        greeting = self.session.greeting
        return greeting is not None and greeting.reply is not None and greeting.reply.positive

    @property
    def deciding(self) -> SmtpExchange | None:
        """The exchange that decides the transaction: MAIL where it was not taken, else the one recipient."""
        mail, rcpts = self.session.mail, self.session.rcpts
        if mail is None or mail.reply is None or not mail.reply.positive:
            return mail
        return rcpts[0] if rcpts else None

    def about_us(self, exchange: SmtpExchange) -> bool:
        """Whether a refusal names our address, our name or a list we are on (RFC 5321 says nothing of those)."""
        return exchange.reply is not None and (
            blamed(exchange.reply, helo=self.probe.helo, peer=self.probe.address) is not None
        )

    @property
    def doubt(self) -> Unavailable:
        """Why this conversation does not decide what it was asked for, with the line that shows it."""
        for because, event in self._doubts():
            if because:
                return Unavailable(because, (self.cite(event),))
        return Unavailable("the conversation did not come so far", (self.cite(self.session.closed_event),))

    def _doubts(self) -> Iterator[tuple[str, int | None]]:
        session = self.session
        yield session.inconclusive, session.because
        if session.middlebox is not None:
            masked = self.line(session.middlebox)
            yield f'something on the way has masked what the host says: "{masked}"', session.middlebox
        if session.throttled is not None:
            yield f'the host turns us away for now: "{self.line(session.throttled)}"', session.throttled
        if session.helo is not None and session.ehlo is not None:
            yield "EHLO was refused, and a reply to HELO offers nothing", session.ehlo.last
        if self.refused_starttls is not None:
            last = self.refused_starttls.last
            yield f'STARTTLS was refused: "{self.line(last)}"', last
        if isinstance(session.handshake, TlsFailure):
            yield f"the TLS handshake failed ({session.handshake.reason})", session.secured

    @property
    def refused_starttls(self) -> SmtpExchange | None:
        """STARTTLS, where the reply was neither 220 nor 421."""
        said = self.session.starttls
        heard = said.reply if said is not None else None
        return said if heard is not None and heard.complete and heard.code not in (220, 421) else None


@frozen
class InboundContact:
    """What became of the attempt to talk to one address of an MX host on port 25: always a value.

    Where the first look showed something grave, there was a second one on a connection of its own
    (a fleet behind one address can differ).
    """

    endpoint: Endpoint
    preference: int
    """The best preference of its host."""
    first: Look
    second: Look | None = None
    waited: bool = False
    """A pause lay between the two looks, as the user wished."""
    elsewhere: bool = False
    """Another address of the domain's MX hosts answers, so that our own port 25 is open."""
    family_works: bool = False
    """Something answered us over this address family, so that our own end of it works."""
    nolisted: bool = False
    """Its host is the first choice of senders, and another host holds conversations."""

    @property
    def looks(self) -> tuple[Look, ...]:
        """Those that took place, in order."""
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def best(self) -> Look:
        """The first look that came to a conversation; the first one where none did."""
        return next((look for look in self.looks if look.greeted), self.first)

    @property
    def state(self) -> Reached:
        """How far we came at best."""
        return self.best.session.state

    @property
    def answered(self) -> bool:
        """Whether a mail host, or something in its place, spoke to us at all."""
        return any(look.session.state not in DEAD for look in self.looks)

    @property
    def unreachable(self) -> bool:
        """Nobody answers here, and that is not for want of a way from us to anybody."""
        if any(look.session.state is Reached.HELD_BACK for look in self.looks):
            return False
        ours = self.family_works or self.state in (Reached.CLOSED, Reached.SILENT, Reached.CLOSED_EARLY)
        return not self.answered and self.elsewhere and ours

    @property
    def certainty(self) -> Certainty:
        """Of what two looks agree on."""
        return Certainty.CERTAIN if self.waited and self.second is not None else Certainty.LIKELY

    def cites(self, event: str = "because") -> tuple[Cite, ...]:
        """For every look the event that the named attribute of its session holds."""
        return tuple(look.cite(getattr(look.session, event)) for look in self.looks)


DEAD = frozenset(
    {
        Reached.CLOSED,
        Reached.FILTERED,
        Reached.UNREACHABLE,
        Reached.HELD_BACK,
        Reached.FAILED,
        Reached.SILENT,
        Reached.CLOSED_EARLY,
    }
)
"""The states in which nobody spoke to us."""


@frozen
class InboundGreeting:
    """A contact at which something was said to us, be it a refusal."""

    contact: InboundContact


@frozen
class InboundSurvey:
    """A conversation that took place: it was greeted by a 220. What it decides is told by the facts below.

    Absent where nobody answers at this address while others do, and where the address was not tried
    because it is not public; Unavailable where nothing can be concluded.
    """

    endpoint: Endpoint
    look: Look
    second: Look | None
    certainty: Certainty
    """Of what both looks agree on."""

    @property
    def probe(self) -> SmtpTalk:
        """What was asked."""
        return self.look.probe

    @property
    def session(self) -> SmtpSession:
        """What the conversation means."""
        return self.look.session

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.look.transcript

    @property
    def looks(self) -> tuple[Look, ...]:
        """The conversations, in order; a second one may have been turned away."""
        return (self.look,) if self.second is None else (self.look, self.second)


@frozen
class InboundOffer:
    """What complete 250 replies to EHLO offer.

    Unavailable where nothing can be concluded: we were turned away or put off, EHLO was refused (a reply
    to HELO offers nothing), a tarpit or a middlebox answered, or the conversation broke off.
    """

    endpoint: Endpoint
    look: Look
    clear: EhloReply
    tls: EhloReply | None
    """The same under TLS; None where there was no TLS, or no complete reply under it."""
    cites: tuple[Cite, ...]
    """The end of the reply in clear, and of that under TLS: what is missing is missing there."""

    def in_clear(self, holds: Callable[[EhloReply], bool]) -> tuple[Cite, ...]:
        """The lines that offer something in clear; the end of that reply where no single line does."""
        return self.look.lines(self.look.session.ehlo, self.clear, holds) or self.cites[:1]

    def under_tls(self, holds: Callable[[EhloReply], bool]) -> tuple[Cite, ...]:
        """The same under TLS, where there is TLS."""
        told = self.tls and self.look.lines(self.look.session.ehlo_tls, self.tls, holds)
        return told or self.cites[1:]

    def in_the_end(self, holds: Callable[[EhloReply], bool]) -> tuple[Cite, ...]:
        """The same of what senders go by: under TLS where there is TLS, in clear otherwise."""
        return self.under_tls(holds) if self.tls is not None else self.in_clear(holds)

    def anywhere(self, holds: Callable[[EhloReply], bool]) -> tuple[Cite, ...]:
        """The same of both replies; the ends of both where no single line does."""
        session = self.look.session
        told = self.look.lines(session.ehlo, self.clear, holds)
        if self.tls is not None:
            told += self.look.lines(session.ehlo_tls, self.tls, holds)
        return told or self.cites


@frozen
class InboundTls:
    """What STARTTLS led to, where it is offered.

    Absent where both looks show that it is not offered, and where there is no survey to show anything.
    """

    endpoint: Endpoint
    outcome: Handshake | TlsFailure | None
    """The first handshake that was completed, else the first that failed; None: STARTTLS itself was refused."""
    cite: Cite
    """The handshake, or the refusal."""
    tries: tuple[Look, ...]
    """The conversations in which STARTTLS was answered, in order."""
    certainty: Certainty
    """Of what two tries agree on."""

    @property
    def handshake(self) -> Handshake | None:
        """The handshake, where it was completed."""
        return self.outcome if isinstance(self.outcome, Handshake) else None


@frozen
class InboundInjection:
    """Whether a host obeys under TLS what came in plain text; asked once a host, where STARTTLS works."""

    endpoint: Endpoint
    obeyed: bool
    look: Look
    """The conversation in which STARTTLS worked."""
    line: str
    """The reply to the command that was slipped in; empty where there was none."""
    cite: Cite
    """What that command led to."""


@frozen
class InboundSteps:
    """What became of simple commands: RSET, and on the way to the test for injection MAIL, RSET and NOOP in clear."""

    endpoint: Endpoint
    look: Look
    """The usual conversation."""
    refused: tuple[tuple[str, Reply, Cite], ...]
    """The verbs that were refused for good, with the replies; MAIL only where it was taken under TLS."""


@frozen
class InboundMailbox:
    """What a host says to mail for the domain's postmaster (RFC 5321 section 4.5.1).

    Unavailable where it put us off (greylisting), spoke about us, or the conversation did not come so far.
    """

    endpoint: Endpoint
    mailbox: str
    accepted: bool
    """A 2yz to MAIL with the null reverse-path, and to RCPT."""
    look: Look
    null: SmtpExchange
    """The exchange that decided in the transaction with the null reverse-path: MAIL, or RCPT after it."""
    named: SmtpExchange | None = None
    """The same in a second transaction with a sender; None where there was none, or it spoke about us."""
    second: Look | None = None
    """The conversation that second transaction belongs to."""
    certainty: Certainty = Certainty.LIKELY
    """Of what both transactions agree on."""


@frozen
class HeloName:
    """The name we give in EHLO, where the user chose one, and where it leads."""

    name: str
    addresses: tuple[str, ...]
    asked: tuple[Cite, ...]
