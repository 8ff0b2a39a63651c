"""What the MX hosts do on port 25: one subject for every address of every host, named by its endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.finding import Certainty
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.reach import Reached
from diag.wire.smtp import EhloReply
from diag.wire.smtp_session import SmtpExchange, SmtpSession
from diag.wire.transcript import Said, Transcript, line_text

MX_PORT = 25
"""Where mail is handed from one domain to another (RFC 5321 section 4.5.4.2)."""


@dataclass(frozen=True, slots=True)
class Look:
    """One conversation: what was asked, what was heard, and what it means."""

    probe: SmtpTalk
    transcript: Transcript
    session: SmtpSession

    def cite(self, event: int | None = None) -> Cite:
        """An event of it as evidence; None cites the whole."""
        return Cite(self.probe, event)

    def line(self, event: int | None) -> str:
        """What was said at an event, safe to show; empty for what is no line."""
        said = self.transcript.events[event] if event is not None else None
        return line_text(said.octets) if isinstance(said, Said) else ""


@dataclass(frozen=True, slots=True)
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

    @property
    def looks(self) -> tuple[Look, ...]:
        """Those that took place, in order."""
        return (self.first,) if self.second is None else (self.first, self.second)

    @property
    def best(self) -> Look:
        """The first look that came to a conversation; the first one where none did."""
        return next((look for look in self.looks if greeted(look)), self.first)

    @property
    def state(self) -> Reached:
        """How far we came at best."""
        return self.best.session.state

    @property
    def answered(self) -> bool:
        """Whether a mail host, or something in its place, spoke to us at all."""
        return any(look.session.state not in DEAD for look in self.looks)

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
        Reached.FAILED,
        Reached.SILENT,
        Reached.CLOSED_EARLY,
    }
)
"""The states in which nobody spoke to us."""


@dataclass(frozen=True, slots=True)
class InboundSurvey:
    """A conversation that took place: it was greeted by a 220. What it decides is told by the facts below."""

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
        """The conversations that were greeted, in order."""
        return (self.look,) if self.second is None else (self.look, self.second)


@dataclass(frozen=True, slots=True)
class InboundOffer:
    """What a complete 250 reply to EHLO in clear offers.

    Unavailable where nothing can be concluded: we were turned away or put off, EHLO was refused (a reply
    to HELO offers nothing), a tarpit or a middlebox answered, or the conversation broke off.
    """

    endpoint: Endpoint
    clear: EhloReply
    cite: Cite


@dataclass(frozen=True, slots=True)
class InboundTls:
    """What STARTTLS led to. Absent: a complete EHLO reply does not offer it, in both looks."""

    endpoint: Endpoint
    outcome: Handshake | TlsFailure
    cite: Cite
    """The handshake."""
    hello: EhloReply | None
    """What is offered under TLS; None where EHLO was not answered there by a complete 250."""

    @property
    def handshake(self) -> Handshake | None:
        """The handshake, where it was completed."""
        return self.outcome if isinstance(self.outcome, Handshake) else None


@dataclass(frozen=True, slots=True)
class InboundMailbox:
    """What a host says to mail for the postmaster (RFC 5321 section 4.5.1), of whom two senders tell.

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
    """The same in a second transaction with a sender; None where there was none."""
    second: Look | None = None


@dataclass(frozen=True, slots=True)
class HeloName:
    """The name we give in EHLO, where the user chose one, and where it leads."""

    name: str
    addresses: tuple[str, ...]
    asked: tuple[Cite, ...]


def greeted(look: Look) -> bool:
    """Whether a whole 220 greeting was heard (a 421 may have come later)."""
    greeting = look.session.greeting
    return greeting is not None and greeting.reply is not None and greeting.reply.positive
