"""An offer as octets: a ClientHello in its record (RFC 8446 section 4.1.2), or a CLIENT-HELLO of SSL 2.0.

Nothing in it is by chance. No handshake is ever completed with it, so its random number and its keys protect
nothing: the former says who asks, the latter are points that everybody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .offer import (
    SECP256R1,
    SECP256R1MLKEM768,
    SECP384R1,
    SECP384R1MLKEM1024,
    SECP521R1,
    SSL2,
    SSL3,
    TLS10,
    TLS12,
    TLS13,
    X448,
    X25519,
    X25519MLKEM768,
    Offer,
    ServerName,
)
from .suites import FALLBACK_SCSV, RENEGOTIATION_INFO_SCSV

RANDOM = b"maildiag asks what TLS you speak"
"""The random number: whoever finds it in a packet learns who asked."""
OTHER_NAME = "no-such-host.invalid"
"""A name that no host has (RFC 6761 section 6.4)."""

HANDSHAKE = 22
CLIENT_HELLO = 1
PADDING = 21


def client_hello(offer: Offer, host: str) -> bytes:
    """The octets of an offer. `host` is the name for server_name; empty: none is sent, whatever the offer says."""
    if offer.versions == (SSL2,):
        return _ssl2(offer)
    newest = max(offer.versions)
    suites = [*offer.suites]
    if offer.renegotiation_info:
        suites.append(RENEGOTIATION_INFO_SCSV)
    if offer.fallback:
        suites.append(FALLBACK_SCSV)
    body = (
        min(newest, TLS12).to_bytes(2)
        + RANDOM
        + b"\0"
        + _vector(2, _numbers(suites))
        + _vector(1, bytes(offer.compression))
    )
    if newest > SSL3:  # which had no extensions (RFC 6101)
        extensions = _extensions(offer, host, newest)
        missing = offer.padded_to - (4 + len(body) + 2 + len(extensions) + 4)
        if offer.padded_to:
            extensions += _extension(PADDING, bytes(max(0, missing)))
        body += _vector(2, extensions)
    message = bytes((CLIENT_HELLO,)) + _vector(3, body)
    # RFC 8446 section 5.1: a first ClientHello may stand in a record of version 1.0, for old servers' sake.
    return bytes((HANDSHAKE,)) + min(newest, TLS10).to_bytes(2) + _vector(2, message)


def _ssl2(offer: Offer) -> bytes:
    kinds = b"".join(kind.to_bytes(3) for kind in offer.suites)
    lengths = len(kinds).to_bytes(2) + b"\0\0" + (16).to_bytes(2)
    message = b"\x01" + SSL2.to_bytes(2) + lengths + kinds + RANDOM[:16]
    return (0x8000 | len(message)).to_bytes(2) + message


def _extensions(offer: Offer, host: str, newest: int) -> bytes:
    said = _server_name(offer, host)
    if any(version <= TLS12 for version in offer.versions) and offer.groups:
        said += _extension(11, b"\x01\x00")  # points are written in full (RFC 8422 section 5.1.2)
    if offer.groups:
        said += _extension(10, _vector(2, _numbers(offer.groups)))
    if offer.session_ticket:
        said += _extension(35, b"")
    if offer.alpn:
        said += _extension(16, _vector(2, b"".join(_vector(1, name.encode("ascii")) for name in offer.alpn)))
    if offer.status_request:
        said += _extension(5, b"\x01\0\0\0\0")
    if offer.extended_master_secret:
        said += _extension(23, b"")
    if offer.schemes and newest >= TLS12:
        said += _extension(13, _vector(2, _numbers(offer.schemes)))
    if offer.heartbeat:
        said += _extension(15, b"\x02")  # peers may not send us any (RFC 6520 section 2)
    if newest >= TLS13:
        said += _extension(43, _vector(1, _numbers(offer.versions)))
        said += _extension(45, b"\x01\x01")
        shares = b"".join(group.to_bytes(2) + _vector(2, share(group)) for group in offer.shares)
        said += _extension(51, _vector(2, shares))
    return said


def _server_name(offer: Offer, host: str) -> bytes:
    name = OTHER_NAME if offer.server_name is ServerName.OTHER else host
    if offer.server_name is ServerName.NONE or not name:
        return b""
    return _extension(0, _vector(2, b"\0" + _vector(2, name.encode("ascii"))))


def share(group: int) -> bytes:
    """A public key of a group: whoever knows the group knows its private key, too. Raises KeyError for other groups."""
    return _SHARES[group]()


def _curve(name: str) -> Callable[[], bytes]:
    return lambda: bytes.fromhex(name)


# The base points of the curves (FIPS 186-4 appendix D.1.2, RFC 7748 section 4), those of two coordinates uncompressed.
_P256 = _curve(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
_P384 = _curve(
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f"
)
_P521 = _curve(
    "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66"
    "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650"
)


def _x25519() -> bytes:
    return (9).to_bytes(32, "little")


def _x448() -> bytes:
    return (5).to_bytes(56, "little")


def _finite(octets: int) -> Callable[[], bytes]:
    return lambda: (4).to_bytes(octets)  # a square, so in the right subgroup (RFC 7919 section 5.1)


def _ml_kem(octets: int) -> bytes:
    """An encapsulation key whose coefficients are all nought: they pass the check of FIPS 203 section 7.2."""
    return bytes(octets)


_SHARES: Mapping[int, Callable[[], bytes]] = {
    SECP256R1: _P256,
    SECP384R1: _P384,
    SECP521R1: _P521,
    X25519: _x25519,
    X448: _x448,
    0x0100: _finite(256),
    0x0101: _finite(384),
    0x0102: _finite(512),
    X25519MLKEM768: lambda: _ml_kem(1184) + _x25519(),
    SECP256R1MLKEM768: lambda: _P256() + _ml_kem(1184),
    SECP384R1MLKEM1024: lambda: _P384() + _ml_kem(1568),
}


def _extension(number: int, content: bytes) -> bytes:
    return number.to_bytes(2) + _vector(2, content)


def _numbers(values: list[int] | tuple[int, ...]) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)


def _vector(octets: int, content: bytes) -> bytes:
    """A vector with its length before it (RFC 8446 section 3.4)."""
    return len(content).to_bytes(octets) + content
