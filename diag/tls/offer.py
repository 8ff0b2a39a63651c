"""What a ClientHello of ours offers, as a value, and the numbers that it is made of (IANA's TLS registries)."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
"""Versions as they stand on the wire."""

VERSION_NAMES = {
    SSL2: "SSL 2.0",
    SSL3: "SSL 3.0",
    TLS10: "TLS 1.0",
    TLS11: "TLS 1.1",
    TLS12: "TLS 1.2",
    TLS13: "TLS 1.3",
}
"""As people write them, oldest first."""

SECP256R1, SECP384R1, SECP521R1, X25519, X448 = 0x0017, 0x0018, 0x0019, 0x001D, 0x001E
FFDHE2048, FFDHE3072, FFDHE4096 = 0x0100, 0x0101, 0x0102
SECP256R1MLKEM768, X25519MLKEM768, SECP384R1MLKEM1024 = 0x11EB, 0x11EC, 0x11ED
"""Groups (RFC 8446 section 4.2.7), the hybrid ones among them."""

RSA_PKCS1_SHA1, ECDSA_SHA1 = 0x0201, 0x0203
USUAL_SCHEMES = (
    0x0403,  # ecdsa_secp256r1_sha256
    0x0503,  # ecdsa_secp384r1_sha384
    0x0603,  # ecdsa_secp521r1_sha512
    0x0807,  # ed25519
    0x0808,  # ed448
    0x0804,  # rsa_pss_rsae_sha256
    0x0805,  # rsa_pss_rsae_sha384
    0x0806,  # rsa_pss_rsae_sha512
    0x0809,  # rsa_pss_pss_sha256
    0x080A,  # rsa_pss_pss_sha384
    0x080B,  # rsa_pss_pss_sha512
    0x0401,  # rsa_pkcs1_sha256
    0x0501,  # rsa_pkcs1_sha384
    0x0601,  # rsa_pkcs1_sha512
)
"""Signature schemes with SHA-2 (RFC 8446 section 4.2.3)."""

USUAL_GROUPS = (X25519, SECP256R1, SECP384R1, SECP521R1, X448)

TLS13_SUITES = (0x1302, 0x1303, 0x1301, 0x1304, 0x1305)
"""All of TLS 1.3 that RFC 8446 appendix B.4 names."""
MODERN_SUITES = (0xC02C, 0xC030, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC0AD, 0xC0AC)
"""ECDHE with AEAD for TLS 1.2 (RFC 9325 section 4.2)."""
USUAL_SUITES = TLS13_SUITES + MODERN_SUITES


class ServerName(enum.StrEnum):
    """What stands in server_name (RFC 6066 section 3)."""

    HOST = "host"
    """The host's own name."""
    NONE = "none"
    """The extension is left out."""
    OTHER = "other"
    """A name that no host has: one under .invalid (RFC 6761 section 6.4)."""


@frozen
class Offer:
    """One ClientHello, by what it offers. It is never followed by anything: the answer is read, and we close."""

    name: str
    """What it asks, for people: "TLS 1.1 and older", "weak suites", "no server name"."""
    versions: tuple[int, ...] = (TLS13, TLS12)
    """Newest first. SSL2 alone makes an SSL 2.0 CLIENT-HELLO, whose suites are cipher kinds of three octets."""
    suites: tuple[int, ...] = USUAL_SUITES
    groups: tuple[int, ...] = USUAL_GROUPS
    """Empty: supported_groups is left out."""
    shares: tuple[int, ...] = ()
    """The groups to send a key share for. With none, a server of TLS 1.3 names the one it wants (RFC 8446 section 4.1.4)."""
    schemes: tuple[int, ...] = USUAL_SCHEMES
    """Empty: signature_algorithms is left out."""
    server_name: ServerName = ServerName.HOST
    alpn: tuple[str, ...] = ()
    compression: tuple[int, ...] = (0,)
    """1 is DEFLATE (RFC 3749)."""
    renegotiation_info: bool = True
    """TLS_EMPTY_RENEGOTIATION_INFO_SCSV among the suites (RFC 5746 section 3.3)."""
    extended_master_secret: bool = True
    """RFC 7627."""
    session_ticket: bool = False
    """RFC 5077."""
    status_request: bool = False
    """A stapled OCSP response is wanted (RFC 6066 section 8)."""
    heartbeat: bool = False
    """RFC 6520. Only offered; no heartbeat is ever sent."""
    fallback: bool = False
    """TLS_FALLBACK_SCSV among the suites (RFC 7507)."""
    padded_to: int = 0
    """Octets that the handshake message has at least (RFC 7685); 0: it is not padded."""

    @property
    def plain(self) -> bool:
        """Whether only its versions and suites decide if it is accepted: nothing else in it is unusual."""
        groups = not self.groups or set(self.groups) >= set(USUAL_GROUPS)
        schemes = not self.schemes or set(self.schemes) >= set(USUAL_SCHEMES)
        usual = not (self.alpn or self.fallback or self.padded_to)
        return groups and schemes and usual and self.server_name is ServerName.HOST
