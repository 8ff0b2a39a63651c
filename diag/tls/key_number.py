"""The number that identifies a public key on lists of known ones (see diag.probes.known_keys)."""

from __future__ import annotations

from .certificate import parsed
from .library import dsa, ec, ed448, ed25519, rsa


def key_number(certificate: bytes) -> bytes:
    """Of a certificate's key; empty for kinds that no list holds, and for what cannot be read. Never raises."""
    found = parsed(certificate)
    try:
        key = found.public_key() if found is not None else None
        match key:
            case rsa.RSAPublicKey():
                return unsigned(key.public_numbers().n)
            case ec.EllipticCurvePublicKey():
                return unsigned(key.public_numbers().x)
            case dsa.DSAPublicKey():
                return unsigned(key.public_numbers().y)
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                return key.public_bytes_raw().lstrip(b"\0")
    except Exception:  # see diag.tls.certificate.public_key_info
        return b""
    return b""


def unsigned(number: int) -> bytes:
    """A positive number, most significant octet first, without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8)
