"""Every host at every address on every port as one value: what each cell of it showed, so that cells can be compared."""

from __future__ import annotations

from collections.abc import Iterator

from diag.model.frozen import frozen
from diag.model.knowing import Cite, Unavailable
from diag.model.target import Depth, Endpoint
from diag.tls.handshake import ON_THE_WAY, Handshake, TlsFailure
from diag.wire.reach import Reached
from diag.wire.software import Software, named_software

from .certificates import ServedCertificate
from .inbound import MX_PORT
from .tls_survey import NOT_ASKED, Known, TlsSurvey

UNREACHED = frozenset({Reached.CLOSED, Reached.FILTERED, Reached.UNREACHABLE, Reached.FAILED})
"""Nothing stands there, as far as we can tell."""
BEGINS_TLS = frozenset({"STARTTLS", "STLS"})
"""Keywords that, where they come and go, are told of by rules of their own."""


@frozen
class Offered:
    """What one complete 250 reply to EHLO, CAPABILITY or CAPA offers: that which decides how mail gets through."""

    keywords: tuple[str, ...]
    """In upper case, in the order offered, each once."""
    logins: tuple[str, ...] = ()
    """SASL mechanisms in upper case; USER of POP3 among them."""
    size: int | None = None
    """Octets of a message (RFC 1870); None where no limit is told, or none that is a number above 0."""


@frozen(kw_only=True)
class Sample:
    """What one connection showed of things that do not depend on who asks, or how."""

    cite: Cite
    """The greeting."""
    name: str
    """The host that the greeting names; empty where it names none."""
    clear: Offered | None = None
    """What is offered before TLS, in alphabetical order; None where that was not asked, or not told completely."""
    clear_at: Cite | None = None
    tls: Offered | None = None
    """The same under TLS."""
    tls_at: Cite | None = None
    kind: str = ""
    """The kind of key of the server's certificate: a server may have one of each kind. Empty without one."""
    leaf: str = ""
    """The fingerprint of that certificate."""
    leaf_at: Cite | None = None


@frozen
class EndpointSamples:
    """Everything that was heard at one endpoint, connection by connection; those that were turned away left out."""

    endpoint: Endpoint
    samples: tuple[Sample, ...]


@frozen(kw_only=True)
class Cell:
    """One endpoint."""

    endpoint: Endpoint
    service: str
    """`smtp` on port 25 of an MX host; otherwise what mail programs want there."""
    preference: int | None = None
    """The best preference of an MX host; None on ports of mail programs."""
    meant: bool = True
    """Somebody is told to come here, or looks here when nothing is told: not so at MX hosts tried for mail programs."""
    published: bool = False
    """Somebody is told to come to this very port."""
    state: Reached | None = None
    """How far the usual conversation came; None where none was held."""
    because: str = ""
    """Why nothing can be concluded, or no conversation was held; empty where something can."""
    told: bool = False
    """That is a fault of its own, which a rule about the endpoint tells of: no doubt is left."""
    cites: tuple[Cite, ...] = ()
    """The line that shows why; where there is no doubt, the conversation."""
    greeting: str = ""
    """What the greeting says after its code; remote text."""
    clear: Offered | None = None
    """What is offered before TLS."""
    tls: Offered | None = None
    """What is offered under TLS."""
    offered: tuple[Cite, ...] = ()
    """The ends of those replies."""
    survey: TlsSurvey | None = None
    """None where TLS was not come to, or cannot be judged."""
    certificate: ServedCertificate | None = None
    puts_off: Cite | None = None
    """The reply by which the postmaster's mail was put off, or refused service for now; None where it was not."""
    samples: tuple[Sample, ...] = ()
    """Of every connection that was greeted, in order."""

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return str(self.endpoint)

    @property
    def inbound(self) -> bool:
        """Whether other mail servers meet it, on port 25."""
        return self.endpoint.port == MX_PORT and self.preference is not None

    @property
    def connected(self) -> bool:
        """Whether something answered on the port."""
        return self.state is not None and self.state not in UNREACHED

    @property
    def heard(self) -> bool:
        """Whether the conversation took place and decides something: only then is a cell one side of a difference."""
        return self.state is Reached.OPEN and not self.because

    @property
    def doubt(self) -> Unavailable | None:
        """Why this side of a comparison is open, with the line that shows it; None where it is not."""
        if self.because:
            return None if self.told else Unavailable(self.because, self.cites)
        made = self.survey.handshake if self.survey is not None else None
        if isinstance(made, TlsFailure) and (made.ours or made.reason in ON_THE_WAY):
            return Unavailable(f"the TLS handshake failed ({made.reason})", self.shown)
        return None

    def doubt_about(self, version: int) -> Unavailable | None:
        """Why it is not known whether a version of TLS is spoken; None where it is, or where nobody was to ask."""
        if self.survey is None or self.survey.depth is Depth.BASIC or self.handshake is None:
            return None
        found = self.survey.version(version)
        if found.known is not Known.UNKNOWN or found.because == NOT_ASKED:
            return None
        heard = [tried.cite for tried in self.survey.tried if version in tried.offer.versions]
        return Unavailable(found.because, tuple(heard[:1]) or self.shown)

    @property
    def best(self) -> Offered | None:
        """What is offered in the end."""
        return self.tls or self.clear

    @property
    def software(self) -> Software | None:
        """What the greeting says of the software."""
        return named_software(self.greeting)

    @property
    def handshake(self) -> Handshake | None:
        """The usual handshake, where it was completed."""
        made = self.survey.handshake if self.survey is not None else None
        return made if isinstance(made, Handshake) else None

    def speaks(self, version: int) -> bool | None:
        """Whether a version of TLS is spoken here (numbers of diag.tls.offer); None where that is not known."""
        if self.survey is None or self.handshake is None:
            return None  # that TLS does not come about is told of the endpoint
        found = self.survey.version(version)
        return None if found.known is Known.UNKNOWN else found.yes

    @property
    def shown(self) -> tuple[Cite, ...]:
        """The handshake as evidence."""
        return (self.survey.shown,) if self.survey is not None else ()


@frozen
class Matrix:
    """All cells: MX hosts by preference, then the hosts of mail programs; by address, then port.

    Absent where there is no host to talk to, Unavailable where no conversations are held.
    """

    cells: tuple[Cell, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the hosts, each once."""
        return tuple(dict.fromkeys(cell.endpoint.host for cell in self.cells))

    @property
    def inbound(self) -> dict[str, tuple[Cell, ...]]:
        """The cells of the MX hosts on port 25, by host."""
        return {
            host: cells for host in self.hosts if (cells := tuple(c for c in self._of(host) if c.inbound))
        }

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host, each once."""
        return tuple(dict.fromkeys(cell.endpoint.address for cell in self._of(host)))

    def ports(self, host: str) -> dict[int, tuple[Cell, ...]]:
        """The cells of one host at all its addresses, by port."""
        found: dict[int, tuple[Cell, ...]] = {}
        for cell in self._of(host):
            found[cell.endpoint.port] = (*found.get(cell.endpoint.port, ()), cell)
        return found

    def at(self, host: str, address: str) -> dict[int, Cell]:
        """The cells of one address of a host, by port."""
        return {cell.endpoint.port: cell for cell in self._of(host) if cell.endpoint.address == address}

    def _of(self, host: str) -> Iterator[Cell]:
        return (cell for cell in self.cells if cell.endpoint.host == host)
