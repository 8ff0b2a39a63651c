"""What a server answered to a ClientHello of ours: values only. `diag.tls.answer_reader` reads them from octets."""

from __future__ import annotations

from diag.model.frozen import frozen

from .alerts import INAPPROPRIATE_FALLBACK, NO_APPLICATION_PROTOCOL, UNRECOGNIZED_NAME
from .offer import SSL2

EXT_STATUS_REQUEST, EXT_ALPN, EXT_HEARTBEAT = 5, 16, 15
EXT_EXTENDED_MASTER_SECRET, EXT_SESSION_TICKET, EXT_RENEGOTIATION_INFO = 23, 35, 0xFF01
"""Extension numbers (IANA, TLS ExtensionType Values)."""


@frozen
class CertificateRequest:
    """The server asks for a client's certificate (RFC 5246 section 7.4.4); seen up to TLS 1.2 only."""

    authorities: int
    """How many names of certification authorities it lists."""
    octets: int
    """How long that list is."""
    schemes: tuple[int, ...] = ()


@frozen
class Accepted:
    """A ServerHello or a HelloRetryRequest; of SSL 2.0 a SERVER-HELLO.

    Up to TLS 1.2 what follows it is in clear and was read up to ServerHelloDone; in TLS 1.3 nothing but this is.
    """

    version: int
    suite: int
    """Chosen. In SSL 2.0 the first of `kinds`, or 0 where there is none."""
    group: int | None = None
    """Of the key share, of the HelloRetryRequest, or of the ServerKeyExchange; None without one."""
    retry: bool = False
    """It was a HelloRetryRequest."""
    compression: int = 0
    extensions: tuple[int, ...] = ()
    """Their types, in the order they came."""
    alpn: str = ""
    certificates: tuple[bytes, ...] = ()
    """In DER, as sent."""
    staple: bytes = b""
    """The stapled OCSP response in DER."""
    dh_prime: bytes = b""
    """Of a finite-field key exchange, without leading zeros."""
    scheme: int | None = None
    """By which the ServerKeyExchange is signed: hash and signature (RFC 5246 section 7.4.1.4.1); None before TLS 1.2."""
    asks_certificate: CertificateRequest | None = None
    kinds: tuple[int, ...] = ()
    """The cipher kinds that an SSL 2.0 server has in common with us."""
    warnings: tuple[int, ...] = ()
    """Alerts of level warning that came before it (112 is unrecognized_name)."""
    complete: bool = True
    """Everything up to ServerHelloDone was read (up to TLS 1.2)."""

    @property
    def dh_bits(self) -> int | None:
        """The size of the prime; None where the key exchange is another."""
        return int.from_bytes(self.dh_prime).bit_length() if self.dh_prime else None

    @property
    def secure_renegotiation(self) -> bool:
        """RFC 5746 section 3.6."""
        return EXT_RENEGOTIATION_INFO in self.extensions

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627 section 5.1."""
        return EXT_EXTENDED_MASTER_SECRET in self.extensions

    @property
    def session_ticket(self) -> bool:
        """It will send a ticket (RFC 5077 section 3.2)."""
        return EXT_SESSION_TICKET in self.extensions

    @property
    def heartbeat(self) -> bool:
        """RFC 6520 section 2."""
        return EXT_HEARTBEAT in self.extensions

    @property
    def ssl2(self) -> bool:
        """It is a SERVER-HELLO of SSL 2.0."""
        return self.version == SSL2


@frozen
class Declined:
    """An alert or a close after our ClientHello, with nothing accepted: "the server does not"."""

    alert: int | None
    """The alert's number; None: closed without one."""
    warnings: tuple[int, ...] = ()
    """Alerts of level warning that came before."""

    @property
    def of_the_rest(self) -> bool:
        """Whether the alert blames something other than versions and suites, of which it then says nothing."""
        return self.alert in (UNRECOGNIZED_NAME, INAPPROPRIATE_FALLBACK, NO_APPLICATION_PROTOCOL)


@frozen
class Unheard:
    """We could not find out; never to be read as a refusal."""

    because: str
    """With the line, where one was heard."""


Answer = Accepted | Declined | Unheard
