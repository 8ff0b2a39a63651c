"""The ClientHellos that are sent to find out what a server speaks, and the suites that are asked for in them."""

from __future__ import annotations

from functools import cache

from .offer import (
    SSL2,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    TLS13_SUITES,
    Offer,
)
from .suites import Suite, every

OLD = "TLS 1.1 and older"
WEAK = "weak suites"
SSL_2 = "SSL 2.0"
USUAL_12 = "TLS 1.2"


@cache
def suites_of(version: int) -> tuple[int, ...]:
    """The suites that are asked for under a version, those to be preferred first.

    Left out is what mail servers cannot have: suites for keys agreed on beforehand, passwords, Kerberos and GOST, for
    certificates with DSA or Diffie-Hellman keys, and ARIA with CBC, which no library has that they are built on.
    That leaves fewer than 128 for one hello, as many as every server takes.
    """
    if version == SSL2:
        return tuple(number for number, suite in every().items() if suite.ssl2)
    if version == TLS13:
        return TLS13_SUITES
    known = (number for number, suite in every().items() if _asked_for(suite))
    return tuple(sorted((n for n in known if version == TLS12 or _older(every()[n])), key=_rank))


def _asked_for(suite: Suite) -> bool:
    made = suite.made
    agreed = (made.kx in ("RSA", "ECDH", "ECDHE") and made.auth in ("RSA", "ECDSA", "anon")) or (
        made.kx == "DHE" and made.auth in ("RSA", "anon")
    )
    return agreed and not suite.ssl2 and not (made.cipher == "ARIA" and made.mode == "CBC")


def _older(suite: Suite) -> bool:
    """Whether it may be chosen before TLS 1.2, which brought AEAD and SHA-2 (RFC 5246 section 1.2)."""
    return not suite.aead and suite.made.hash in ("SHA", "MD5")


def _rank(number: int) -> tuple[bool, bool, int]:
    made = every()[number].made
    return (made.kx != "ECDHE" or made.auth == "anon", not every()[number].aead, -made.bits)


def modern(number: int) -> bool:
    """Whether a suite of TLS 1.2 is none of the weak: ECDHE with a certificate, and a cipher of 128 bits or more."""
    made = every()[number].made
    return made.kx == "ECDHE" and made.auth != "anon" and made.bits >= 128 and made.cipher != "RC4"


@cache
def old() -> Offer:
    """Whether anything older than TLS 1.2 is spoken, and which comes first."""
    return Offer(OLD, versions=(TLS11, TLS10, SSL3), suites=suites_of(TLS10))


@cache
def weak() -> Offer:
    """Everything of TLS 1.2 that should not be taken."""
    return Offer(WEAK, versions=(TLS12,), suites=tuple(n for n in suites_of(TLS12) if not modern(n)))


@cache
def usual_12() -> Offer:
    """What a careful client of TLS 1.2 offers."""
    return Offer(
        USUAL_12,
        versions=(TLS12,),
        suites=tuple(n for n in suites_of(TLS12) if modern(n)),
        compression=(1, 0),
        session_ticket=True,
        status_request=True,
        heartbeat=True,
    )


@cache
def ssl2() -> Offer:
    """A CLIENT-HELLO of SSL 2.0."""
    return Offer(SSL_2, versions=(SSL2,), suites=suites_of(SSL2), groups=(), schemes=())
