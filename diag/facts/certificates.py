"""The certificates that mail hosts serve, endpoint by endpoint, and what each is worth at the run's moment."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.records.dkim_keys import is_roca
from diag.tls.certificate import Certificate
from diag.tls.chain import ChainVerdict, Trust
from diag.tls.handshake import Handshake
from diag.tls.issuers import Form
from diag.tls.key_number import key_number

from .known_keys import ROCA, known_key_words

RESERVED_POLICIES = frozenset(
    {
        "2.23.140.1.1",
        "2.23.140.1.2.1",
        "2.23.140.1.2.2",
        "2.23.140.1.2.3",
    }  # EV, and domain, organization, person
)
"""Object identifiers that only certificates under the Baseline Requirements bear (section 7.1.6.1)."""


class Role(enum.StrEnum):
    """Who meets the certificate, which decides what a fault of it costs."""

    INBOUND = "inbound"
    """Other mail servers, on port 25. Most take any certificate (RFC 7435); those that honour MTA-STS or
    DANE do not: see `StsPolicy` and `DaneHost`."""
    CLIENT = "client"
    """Mail programs, at a host and port that the domain or the user names: they verify (RFC 8314 section 5.3)."""
    GUESSED = "guessed"
    """Mail programs that guess: nobody told them of this host and port, and it answers all the same."""


@frozen
class FetchedIssuer:
    """What was had where a certificate says that of its issuer is, or why nothing was (RFC 5280 section 4.2.2.1)."""

    url: str
    certificate: Certificate | None
    """The issuer's: its key signed the certificate that led there."""
    form: Form = Form.DER
    trouble: str = ""
    """Why there is none, as a predicate of the URL; empty where there is."""
    passing: bool = False
    """Whether that may be over in a while, or be due to our own place in the network."""


@frozen(kw_only=True)
class ServedCertificate:
    """What one endpoint served in one completed handshake, and the verdict on it.

    Absent where TLS is not offered or nothing listens; Unavailable where no handshake could be seen.
    """

    endpoint: Endpoint
    role: Role
    handshake: Handshake
    """Version, cipher, group, the server name we sent and any staple; the chain in DER."""
    references: tuple[str, ...]
    """The names any of which would do (RFC 9525 section 6.1)."""
    verdict: ChainVerdict
    """At the run's moment, against the trust store of the run."""
    store: str
    """The trust store that was asked."""
    distrust: str
    """Why trust could not be judged: there is no store, or it could not be read; empty where it could."""
    cites: tuple[Cite, ...]
    """The handshake in its conversation."""
    fetched: tuple[FetchedIssuer, ...] = ()
    """Where the chain lacks an intermediate: what was fetched in its place, from the lowest upwards."""
    completed: ChainVerdict | None = None
    """The verdict on the chain with those added; None where none could be had, or none was missing."""
    listed: str = ""
    """The list of known private keys on which its own stands; empty where on none, or there is no list."""

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return str(self.endpoint)

    @property
    def whole(self) -> ChainVerdict:
        """The verdict on all that is known of the chain, sent or fetched."""
        return self.completed or self.verdict

    @property
    def lacks(self) -> FetchedIssuer | None:
        """The intermediate that should be sent, where with it the chain leads to the store; None otherwise."""
        led = self.completed is not None and self.completed.trust is Trust.TRUSTED
        return next((each for each in self.fetched if each.certificate is not None), None) if led else None

    @property
    def known_key(self) -> str:
        """Why strangers have its private key, or can work it out; empty where they cannot, as far as is known.

        Clients do not look: nobody refuses a certificate for this.
        """
        if self.listed:
            return known_key_words(self.listed)
        return ROCA if self.leaf.key == "RSA" and is_roca(int.from_bytes(key_number(self.leaf.der))) else ""

    @property
    def public(self) -> bool:
        """Whether it was issued by the rules for public CAs, and leads to the store.

        It says so itself, by a policy that those rules reserve (CA/Browser Forum BR section 7.1.6.1), or it was
        logged: private CAs do neither.
        """
        marked = self.leaf.timestamps or not RESERVED_POLICIES.isdisjoint(self.leaf.policies)
        return marked and self.whole.trust is Trust.TRUSTED

    @property
    def leaf(self) -> Certificate:
        """The server's own certificate, the first one sent."""
        assert self.verdict.leaf is not None  # no ServedCertificate is made of an empty chain
        return self.verdict.leaf

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Every certificate that was sent, in the order sent."""
        return self.verdict.sent


@frozen(kw_only=True)
class InboundCertificate(ServedCertificate):
    """The same on port 25 of an MX host, where the reference is the host alone (RFC 8461 section 4.2)."""


@frozen(kw_only=True)
class ClientCertificate(ServedCertificate):
    """The same on a port for mail programs.

    Where an SRV record led there, the mail domain is a reference beside the host (RFC 7817 section 3).
    """
