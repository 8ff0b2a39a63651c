"""What mail programs meet, endpoint by endpoint: submission (RFC 6409), IMAP (RFC 9051), POP3 (RFC 1939), ManageSieve.

ManageSieve (RFC 5804) stands apart from the rest, as no host needs it and none is guessed to have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from diag.model.finding import Certainty
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, Tls
from diag.wire.reading import (
    Capa,
    Capabilities,
    ImapSession,
    Pop3Session,
    Reached,
    SieveCapabilities,
    SieveSession,
    SmtpSession,
)
from diag.wire.smtp import EhloReply
from diag.wire.transcript import Transcript

from .access_hosts import Offer, Origin, Service
from .client_looks import ClientLook, P, S, before_tls, begins_tls

CLIENT_PORTS: dict[int, tuple[Service, Tls]] = {
    587: (Service.SUBMISSION, "starttls"),
    465: (Service.SUBMISSION, "implicit"),
    2525: (Service.SUBMISSION, "starttls"),
    143: (Service.IMAP, "starttls"),
    993: (Service.IMAP, "implicit"),
    110: (Service.POP3, "starttls"),
    995: (Service.POP3, "implicit"),
}
"""The ports mail programs use, and how TLS comes about on each (RFC 8314 section 3; 2525 is a custom)."""


AnyLook = (
    ClientLook[SmtpTalk, SmtpSession]
    | ClientLook[ImapTalk, ImapSession]
    | ClientLook[Pop3Talk, Pop3Session]
    | ClientLook[SieveTalk, SieveSession]
)


@frozen(kw_only=True)
class ClientContact:
    """One port of one host, connected to or not: what the matrix of endpoints shows.

    Where the first look showed something grave by what was missing or refused, there was a second one on
    a connection of its own. What is told here is the first look, or the second where only it connected.
    """

    endpoint: Endpoint
    service: Service
    tls: Tls
    origins: tuple[Origin, ...]
    """How the host was found."""
    offers: tuple[Offer, ...]
    """What is published to be at this very port of the host."""
    probe: AnyTalk
    transcript: Transcript
    state: Reached
    session: SmtpSession | ImapSession | Pop3Session | SieveSession
    """Of the protocol of `service`."""
    other: AnyLook | None = None
    """The other look; None where there was one only."""
    waited: bool = False
    """A pause lay between the two, as the user wished."""
    shut: bool = False
    """Hosts that are known to answer on this port do not answer us either: it is shut at our own end."""

    @property
    def differs(self) -> bool:
        """Whether one of two connections came about and the other did not."""
        return self.other is not None and self.other.session.state.connected != self.state.connected

    @property
    def published(self) -> bool:
        """Whether mail programs are told of this service at this very port."""
        return bool(self.offers)

    @property
    def before_tls(self) -> int | None:
        """The event that shows best what becomes of TLS where it has to be asked for; None where nothing was said."""
        return before_tls(self.session)

    @property
    def begins_tls(self) -> int | None:
        """The event in which TLS is offered on request; the same as `before_tls` where it is not."""
        return begins_tls(self.session, self.transcript)

    def cite(self, event: int | None = None) -> Cite:
        """The conversation, or one event of it."""
        return Cite(self.probe, event)


@frozen(kw_only=True)
class SieveContact(ClientContact):
    """The same of ManageSieve, where the domain names a server or the user did. Absent where nobody names one.

    No host needs it: rules on what mail programs miss are not about it.
    """


@frozen(kw_only=True)
class Survey(Generic[P, S]):
    """A conversation on a port that answered."""

    endpoint: Endpoint
    tls: Tls
    origins: tuple[Origin, ...]
    """How the host was found."""
    offers: tuple[Offer, ...]
    """What is published to be at this very port."""
    probe: P
    transcript: Transcript
    session: S
    other: ClientLook[P, S] | None = None
    """A second conversation with this port; None where the first showed nothing grave."""
    waited: bool = False
    """A pause lay between the two, as the user wished."""

    @property
    def look(self) -> ClientLook[P, S]:
        """The conversation by itself."""
        return ClientLook(self.probe, self.transcript, self.session)

    @property
    def certainty(self) -> Certainty:
        """Of what both looks agree on."""
        return Certainty.CERTAIN if self.waited and self.other is not None else Certainty.LIKELY

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return str(self.endpoint)

    @property
    def published(self) -> bool:
        """Whether mail programs are told of this service at this very port."""
        return bool(self.offers)

    def cite(self, *events: int | None) -> tuple[Cite, ...]:
        """Lines of the conversation; the whole of it where none is named."""
        return self.look.cite(*events)


@frozen(kw_only=True)
class SubmissionSurvey(Survey[SmtpTalk, SmtpSession]):
    """What a submission server said."""


@frozen(kw_only=True)
class ImapSurvey(Survey[ImapTalk, ImapSession]):
    """What an IMAP server said."""


@frozen(kw_only=True)
class Pop3Survey(Survey[Pop3Talk, Pop3Session]):
    """What a POP3 server said."""


@frozen(kw_only=True)
class SieveSurvey(Survey[SieveTalk, SieveSession]):
    """What a ManageSieve server said (RFC 5804), where the domain names one or the user did."""


V = TypeVar("V", SubmissionSurvey, ImapSurvey, Pop3Survey, SieveSurvey)
C = TypeVar("C", EhloReply, Capabilities, Capa, SieveCapabilities)


@frozen(kw_only=True)
class Held(Generic[V]):
    """A conversation that was held from the greeting on: what it does not show is not there.

    Absent where another fault shows instead, such as the wrong protocol; Unavailable where the server turned us away
    or broke off, except that what came in clear before TLS was heard in any case.
    """

    survey: V

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.survey.subject


@frozen(kw_only=True)
class SubmissionHeld(Held[SubmissionSurvey]):
    """With a submission server."""


@frozen(kw_only=True)
class ImapHeld(Held[ImapSurvey]):
    """With an IMAP server."""


@frozen(kw_only=True)
class Pop3Held(Held[Pop3Survey]):
    """With a POP3 server."""


@frozen(kw_only=True)
class SieveHeld(Held[SieveSurvey]):
    """With a ManageSieve server."""


@frozen(kw_only=True)
class Offered(Generic[V, C]):
    """What a server said in one complete reply that it offers: only this proves what it does not.

    Unavailable where it turned us away or broke off; Absent where another fault shows instead, such as
    the wrong protocol or a failed handshake.
    """

    survey: V
    offer: C
    event: int | None
    """The event that ends the reply."""

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.survey.subject

    @property
    def host(self) -> str:
        """The host's name."""
        return self.survey.endpoint.host

    @property
    def cites(self) -> tuple[Cite, ...]:
        """The end of the reply as evidence: of what is missing from it."""
        return self.survey.cite(self.event)

    def lines(self, holds: Callable[[C], bool]) -> tuple[Cite, ...]:
        """The lines of the reply that offer something, as evidence; its end where no single line does."""
        return self.survey.look.lines(self.offer, self.event, holds)


@frozen(kw_only=True)
class SubmissionInClear(Offered[SubmissionSurvey, EhloReply]):
    """The EHLO reply before TLS, on ports where TLS comes by STARTTLS."""


@frozen(kw_only=True)
class SubmissionUnderTls(Offered[SubmissionSurvey, EhloReply]):
    """The EHLO reply under TLS."""


@frozen(kw_only=True)
class ImapInClear(Offered[ImapSurvey, Capabilities]):
    """The capabilities before TLS, on ports where TLS comes by STARTTLS."""


@frozen(kw_only=True)
class ImapUnderTls(Offered[ImapSurvey, Capabilities]):
    """The capabilities under TLS."""


@frozen(kw_only=True)
class Pop3InClear(Offered[Pop3Survey, Capa]):
    """The capabilities before TLS, on ports where TLS comes by STLS."""


@frozen(kw_only=True)
class Pop3UnderTls(Offered[Pop3Survey, Capa]):
    """The capabilities under TLS."""


@frozen(kw_only=True)
class SieveInClear(Offered[SieveSurvey, SieveCapabilities]):
    """The capabilities before TLS."""
