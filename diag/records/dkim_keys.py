"""Public keys as octets: reading them and recognising weak ones. No library refuses them for us.

A library that refuses a bad key cannot tell why, and the why is the finding; the two ASN.1 shapes that
occur are small enough to read here.
"""

from __future__ import annotations

import math

from diag.model.frozen import frozen

_RSA_OID = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1, rsaEncryption
_ED25519_OID = bytes.fromhex("2b6570")  # 1.3.101.112
_INTEGER, _BIT_STRING, _OID, _SEQUENCE = 0x02, 0x03, 0x06, 0x30
_ROCA_GENERATOR = 65537
_ROCA_LIMIT = 168

SHORTEST_RSA, RECOMMENDED_RSA, LONGEST_RSA = 1024, 2048, 4096
"""Bits of an RSA key: what signers must, and should, at least use, and what verifiers must accept (RFC 8301 section 3.2)."""
MOST_BITS = 2 * LONGEST_RSA
"""The longest moduli that are compared."""


class NotDer(ValueError):
    """The octets are no DER value where one was expected."""


@frozen
class RsaKey:
    """An RSA public key."""

    modulus: int
    exponent: int

    @property
    def bits(self) -> int:
        """The length of the modulus, which is called the key's length."""
        return self.modulus.bit_length()


@frozen
class Ed25519Key:
    """An Ed25519 public key: 32 octets."""

    octets: bytes

    @property
    def bits(self) -> int:
        """Always 256."""
        return 8 * len(self.octets)


@frozen
class OtherKey:
    """A SubjectPublicKeyInfo of another algorithm; `oid` is its identifier's DER content in hexadecimal."""

    oid: str


@frozen
class PrivateKey:
    """A private key (PKCS #1 or PKCS #8) where a public one belongs."""


Key = RsaKey | Ed25519Key | OtherKey | PrivateKey


def read_key(der: bytes) -> Key:
    """Read SubjectPublicKeyInfo or a bare RSAPublicKey (RFC 6376 section 3.6.1 and its errata).

    Raises NotDer for anything else, octets after the value included.
    """
    tag, body, rest = _value(der)
    if tag != _SEQUENCE or rest:
        raise NotDer("no single SEQUENCE")
    first, content, rest = _value(body)
    if first == _INTEGER:
        if not any(content) and (rest[:1] == bytes([_SEQUENCE]) or _value(rest)[2]):
            return PrivateKey()  # PKCS #8 and PKCS #1 begin with version 0 and go on for longer
        return _rsa(content, rest)
    if first != _SEQUENCE:
        raise NotDer("neither a key nor an algorithm")
    tag, oid, _ = _value(content)
    bits_tag, bits, rest = _value(rest)
    if tag != _OID or bits_tag != _BIT_STRING or rest or bits[:1] != b"\0":
        raise NotDer("no SubjectPublicKeyInfo")
    if oid == _ED25519_OID and len(bits) == 33:
        return Ed25519Key(bits[1:])
    if oid != _RSA_OID:
        return OtherKey(oid.hex())
    tag, body, rest = _value(bits[1:])
    if tag != _SEQUENCE or rest:
        raise NotDer("no RSAPublicKey")
    tag, content, rest = _value(body)
    if tag != _INTEGER:
        raise NotDer("no modulus")
    return _rsa(content, rest)


def _rsa(modulus: bytes, rest: bytes) -> RsaKey:
    tag, exponent, rest = _value(rest)
    if tag != _INTEGER or rest or not modulus or not exponent:
        raise NotDer("no RSAPublicKey")
    return RsaKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))


def _value(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag, contents and what follows of the first value."""
    if len(der) < 2:
        raise NotDer("cut short")
    length, at = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(der) < 2 + count:
            raise NotDer("bad length")
        length, at = int.from_bytes(der[2 : 2 + count], "big"), 2 + count
    if len(der) < at + length:
        raise NotDer("cut short")
    return der[0], der[at : at + length], der[at + length :]


def _subgroups() -> dict[int, frozenset[int]]:
    """For each small odd prime, the residues that powers of 65537 take."""
    primes = [n for n in range(3, _ROCA_LIMIT) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    return {prime: frozenset(pow(_ROCA_GENERATOR, k, prime) for k in range(prime - 1)) for prime in primes}


_RESIDUES = _subgroups()


def is_roca(modulus: int) -> bool:
    """Whether an RSA modulus has the fingerprint of CVE-2017-15361.

    The faulty library made primes that are powers of 65537 modulo every small prime, and so is their
    product; an ordinary modulus passes for one with a chance of about one in 2 to the power 27.
    """
    return modulus > 1 and all(modulus % prime in residues for prime, residues in _RESIDUES.items())


def shared_factor(a: int, b: int) -> int | None:
    """The factor two different RSA moduli share, which breaks both; None where there is none.

    Moduli of more than MOST_BITS are not compared: that takes time by the square of their length.
    """
    if a == b or a < 2 or b < 2 or max(a, b).bit_length() > MOST_BITS:
        return None
    factor = math.gcd(a, b)
    return factor if factor > 1 else None
