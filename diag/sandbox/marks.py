"""Mark certificates of a world: a logo and the domains it belongs to, signed by the world's authority (RFC 3709)."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from diag.tls.mark import BIMI_USAGE, LOGOTYPE

from .authority import DAY, Authority, key_of, pem

_SEQUENCE, _IA5_STRING, _OCTET_STRING = 0x30, 0x16, 0x04
_SHA256 = bytes.fromhex("300b0609608648016503040201")
"""AlgorithmIdentifier of SHA-256 (RFC 5754 section 2.2)."""


def _mark(authority: Authority, names: tuple[str, ...], logo: bytes, **differs: Any) -> tuple[bytes, ...]:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(LOGOTYPE), logotype(logo))
    leaf = authority.issue(
        "Lantern Works",
        key_of("mark"),
        **{
            "issuer": f"{authority.name} Intermediate",
            "by": authority.intermediate_key,
            "names": names,
            "lasts": 397 * DAY,
            "usage": x509.ObjectIdentifier(BIMI_USAGE),
            "extensions": ((extension, False),),
            **differs,
        },
    )
    return leaf, authority.intermediate


def _private(authority: Authority, names: tuple[str, ...], logo: bytes) -> tuple[bytes, ...]:
    return _mark(Authority(authority.moment, f"{authority.name} Private"), names, logo)


def _kind(**differs: Any) -> Callable[[Authority, tuple[str, ...], bytes], tuple[bytes, ...]]:
    return lambda authority, names, logo: _mark(authority, names, logo, **differs)


KINDS: Mapping[str, Callable[[Authority, tuple[str, ...], bytes], tuple[bytes, ...]]] = {
    "valid": _kind(),
    "expired": _kind(since=400 * DAY),
    "expiring": _kind(since=390 * DAY),
    "for-servers": _kind(usage=ExtendedKeyUsageOID.SERVER_AUTH),
    "without-logo": _kind(extensions=()),
    "private": _private,
}
"""What may be wrong with one, by name. `expiring` has a week left, `private` is by nobody's authority."""


def mark_certificate(authority: Authority, kind: str, names: tuple[str, ...], logo: bytes) -> bytes:
    """A PEM file, the mark certificate first. Raises KeyError for an unknown kind."""
    return b"".join(pem(der) for der in KINDS[kind](authority, names, logo))


def logotype(logo: bytes) -> bytes:
    """The extension for a logo, which is compressed as mark authorities do (RFC 6170 section 5.2)."""
    packed = gzip.compress(logo, mtime=0)
    uri = b"data:image/svg+xml;base64," + base64.b64encode(packed)
    hashed = _der(_SEQUENCE, _SHA256 + _der(_OCTET_STRING, sha256(packed).digest()))
    details = _der(
        _SEQUENCE,
        _der(_IA5_STRING, b"image/svg+xml")
        + _der(_SEQUENCE, hashed)
        + _der(_SEQUENCE, _der(_IA5_STRING, uri)),
    )
    direct = _der(0xA0, _der(_SEQUENCE, _der(_SEQUENCE, details)))
    return _der(_SEQUENCE, _der(0xA2, direct))


def _der(tag: int, content: bytes) -> bytes:
    """One element (X.690 section 8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content
