"""What a TLS handshake showed: values only, recorded unverified and judged later (diag.tls.chain)."""

from __future__ import annotations

import enum
from typing import ClassVar

from diag.model.frozen import frozen


@frozen
class Handshake:
    """A completed handshake, with the peer's certificates exactly as they were sent."""

    version: str
    """As OpenSSL names it: "TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"."""
    cipher: str
    """The suite in OpenSSL's spelling, such as "TLS_AES_256_GCM_SHA384" or "ECDHE-RSA-AES128-SHA"."""
    group: str = ""
    """The key exchange group, such as "X25519MLKEM768"; empty where there was none or it is unknown."""
    sni: str = ""
    """The server name we sent (RFC 6066 section 3); empty where we sent none."""
    alpn: str = ""
    """The application protocol the server chose; empty where none was offered or chosen."""
    chain: tuple[bytes, ...] = ()
    """The certificates in DER in the order sent; the server's own should be the first."""
    verify: str = ""
    """What OpenSSL would have said of the chain; empty when it was content or not asked."""
    staple: bytes = b""
    """The stapled OCSP response in DER (RFC 6066 section 8); empty where none was sent."""

    @property
    def round_trips(self) -> int:
        """One since TLS 1.3 (RFC 8446 section 2), two before."""
        return 1 if self.version == "TLSv1.3" else 2


LONGEST_TICKET = 604_800
"""Seconds that a session ticket may be good for: seven days (RFC 8446 section 4.6.1)."""


@frozen
class Ticket:
    """What a server lets a client keep of a session, to resume it by (RFC 8446 section 4.6.1; RFC 5077 before TLS 1.3).

    The ticket itself, and what opened its record, are kept nowhere.
    """

    lifetime: int
    """For how many seconds it may be used; before TLS 1.3 a hint, and 0 says nothing."""
    early_data: int = 0
    """How many octets a client may send with it before the handshake is done; 0: none."""

    @property
    def lasting(self) -> bool:
        """Whether it is good for longer than it may be."""
        return self.lifetime > LONGEST_TICKET


class TlsEnd(enum.StrEnum):
    """How the peer's side of a TLS connection ended."""

    OPEN = "open"
    """It had not ended when we closed, or it broke."""
    NOTIFIED = "notified"
    """By close_notify (RFC 8446 section 6.1)."""
    TRUNCATED = "truncated"
    """The connection was closed without it."""


@frozen
class AfterHandshake:
    """What a TLS connection showed from its handshake to its end."""

    end: TlsEnd
    tickets: tuple[Ticket, ...] | None = None
    """In the order they came; None where it ended before they would have come, or their records could not be read."""


class TlsTrouble(enum.StrEnum):
    """How a handshake ended without success. An answer and silence are never the same."""

    ALERT = "alert"
    """The peer sent a TLS alert: it understood us and said no."""
    CLOSED = "closed"
    """The peer closed the connection after our ClientHello."""
    RESET = "reset"
    """The connection broke."""
    TIMED_OUT = "timed-out"
    """The time limit came first: silence, or octets that did not get anywhere."""
    NOT_TLS = "not-tls"
    """The peer answered our ClientHello with something that is no TLS record."""
    PROTOCOL = "protocol"
    """TLS was spoken, and our library did not go on: what it said is in `detail`."""


ON_THE_WAY = frozenset({TlsTrouble.RESET, TlsTrouble.TIMED_OUT})
"""Ways to fail that something on the way can cause, on our side too."""
TOO_LARGE = "excessive message size"
"""What OpenSSL says of a list of certificates of more than 100 KiB, or of another message beyond its measure.

TLS allows 16 MiB (RFC 8446 section 4.4.2); the default of every library is far below that: 100 KiB in OpenSSL and those
derived from it (SSL_CTX_set_max_cert_list), 128 KiB in GnuTLS (gnutls_handshake_set_max_packet_length).
"""
BREAKS_RULES = frozenset(
    {
        "bad change cipher spec",
        "bad extension",
        "bad handshake length",
        "bad key share",
        "bad legacy version",
        "bad length",
        "bad packet",
        "bad packet length",
        "bad record type",
        "bad signature",
        "ccs received early",
        "cert length mismatch",
        "data length too long",
        "decode error",
        "decryption failed or bad record mac",
        "digest check failed",
        "encrypted length too long",
        "invalid ccs message",
        "length mismatch",
        "no change following hrr",
        "not on record boundary",
        "packet length too long",
        "record length mismatch",
        "record too small",
        "too many warn alerts",
        "unexpected message",
        "unexpected record",
        "unknown cipher returned",
        "unsolicited extension",
        "wrong cipher returned",
    }
)
"""OpenSSL's words for what no client can go on with, whatever its library: the peer does not keep to TLS."""

FIRST_OCTETS = 512
"""The most octets kept of an answer that is not TLS."""


@frozen
class TlsFailure:
    """A handshake that did not succeed."""

    reason: TlsTrouble
    alert: str = ""
    """The alert's name in the registry's spelling, such as "handshake_failure"; empty without one."""
    detail: str = ""
    """What the library or the system said."""
    octets: bytes = b""
    """The first octets of the answer where it was not TLS; at most FIRST_OCTETS."""
    round_trips: ClassVar[int] = 1

    @property
    def text(self) -> str:
        """The first line where the answer was plain text; empty where it was not, or no text either."""
        line = self.octets.partition(b"\n")[0].decode("ascii", "replace").strip()
        return line if self.reason is TlsTrouble.NOT_TLS and line.isascii() and line.isprintable() else ""

    @property
    def too_large(self) -> bool:
        """Whether a message of the peer's was larger than TLS libraries take."""
        return self.reason is TlsTrouble.PROTOCOL and TOO_LARGE in self._said

    @property
    def ours(self) -> bool:
        """Whether our library broke off for a reason of its own: another one may go on, so that nothing follows."""
        return (
            self.reason is TlsTrouble.PROTOCOL and not self.too_large and BREAKS_RULES.isdisjoint(self._said)
        )

    @property
    def _said(self) -> list[str]:
        return self.detail.split("; ")

    @property
    def put_off(self) -> str:
        """The line in clear that says "not now" in place of a handshake; empty where there was none.

        That is 421 of SMTP (RFC 5321 section 3.8) and an untagged BYE of IMAP (RFC 9051 section 7.1.5).
        """
        return self.text if self.text[:3] == "421" or self.text[:5].upper() == "* BYE" else ""
