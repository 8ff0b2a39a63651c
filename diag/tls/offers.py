"""The ClientHellos that are sent to find out what a server speaks, and the suites that are asked for in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache

from .groups import Kind, every as every_group
from .offer import (
    ECDSA_SHA1,
    RSA_PKCS1_SHA1,
    SSL2,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    TLS13_SUITES,
    USUAL_GROUPS,
    VERSION_NAMES,
    X25519MLKEM768,
    Offer,
    ServerName,
)
from .suites import Suite, every, suite

OLD = "TLS 1.1 and older"
WEAK = "weak suites"
SSL_2 = "SSL 2.0"
USUAL_12 = "TLS 1.2"
USUAL_13 = "TLS 1.3"
MIXED = "TLS 1.3 and 1.2"
PADDED = "TLS 1.2 in 1600 octets"
POST_QUANTUM = "post-quantum groups"
NO_NAME = "no server name"
OTHER_NAME = "the name of another host, and the protocol"
OWN_PROTOCOL = "the protocol by its name"
SHA1_ONLY = "signatures with SHA-1 alone"
WEAK_GROUPS = "weak groups"
FALLBACK = "an older version than would be possible"
OTHERS = "other suites of"
FINITE_GROUPS = "finite-field groups"
"""What offers are called."""

HYBRIDS = (X25519MLKEM768, 0x11EB, 0x11ED)
FINITE = (0x0100, 0x0101, 0x0102, 0x0103, 0x0104)
BRAINPOOL = (26, 27, 28)
GROUPS_13 = (*HYBRIDS, *USUAL_GROUPS, *FINITE)
"""Groups for TLS 1.3, the best first."""

LARGE_HELLO = 1600
"""Octets of a hello with a share for ML-KEM, as OpenSSL 3.5 sends it: two segments of TCP."""


@cache
def groups_12() -> tuple[int, ...]:
    """Groups for everything older, the best first, and the weak ones last of all."""
    return (*USUAL_GROUPS, *BRAINPOOL, *weak_groups())


@cache
def weak_groups() -> tuple[int, ...]:
    """Curves of less than 224 bits, secp224r1, secp256k1 and the binary ones."""
    curves = (group for group in every_group().values() if group.number < 26)
    return tuple(
        group.number
        for group in curves
        if group.kind is Kind.BINARY or group.bits < 250 or group.name.endswith("k1")
    )


@cache
def suites_of(version: int) -> tuple[int, ...]:
    """The suites that are asked for under a version, those to be preferred first.

    Left out is what mail servers cannot have: suites for keys agreed on beforehand, passwords, Kerberos and GOST, for
    certificates with DSA or Diffie-Hellman keys, and ARIA with CBC, which no library has that they are built on.
    """
    if version == SSL2:
        return tuple(number for number, each in every().items() if each.ssl2)
    if version == TLS13:
        return TLS13_SUITES
    known = (number for number, each in every().items() if _asked_for(each))
    return tuple(sorted((n for n in known if version == TLS12 or _older(every()[n])), key=_rank))


def _asked_for(each: Suite) -> bool:
    made = each.made
    agreed = (made.kx in ("RSA", "ECDH", "ECDHE") and made.auth in ("RSA", "ECDSA", "anon")) or (
        made.kx == "DHE" and made.auth in ("RSA", "anon")
    )
    return agreed and not each.ssl2 and not (made.cipher == "ARIA" and made.mode == "CBC")


def _older(each: Suite) -> bool:
    """Whether it may be chosen before TLS 1.2, which brought AEAD and SHA-2 (RFC 5246 section 1.2)."""
    return not each.aead and each.made.hash in ("SHA", "MD5")


def _rank(number: int) -> tuple[bool, bool, int]:
    made = every()[number].made
    return (made.kx != "ECDHE" or made.auth == "anon", not every()[number].aead, -made.bits)


def modern(number: int) -> bool:
    """Whether a suite of TLS 1.2 is none of the weak: ECDHE with a certificate, and a cipher of 128 bits or more."""
    return not faults(suite(number))


def faults(each: Suite) -> frozenset[str]:
    """For what a suite of TLS 1.2 and older is weak; empty where it is not. A hello asks until each fault is known."""
    made = each.made
    found = {made.cipher} & {"NULL", "RC4", "3DES", "DES"}
    if each.anonymous:
        found.add("anonymous")
    elif made.kx != "ECDHE":
        found.add(made.kx)
    if each.export:
        found.add("EXPORT")
    return frozenset(found)


@cache
def old() -> Offer:
    """Whether anything older than TLS 1.2 is spoken, and which comes first."""
    return version_offer(OLD, (TLS11, TLS10, SSL3))


def version_offer(name: str, versions: tuple[int, ...], suites: Iterable[int] | None = None) -> Offer:
    """Versions, newest first, with all their suites or some."""
    newest = max(versions)
    groups = GROUPS_13 if newest == TLS13 else groups_12()
    return Offer(name, versions, suites_of(newest) if suites is None else tuple(suites), groups)


@cache
def weak() -> Offer:
    """Everything of TLS 1.2 that should not be taken: fewer suites than 128, as many as every server reads."""
    return version_offer(WEAK, (TLS12,), (n for n in suites_of(TLS12) if not modern(n)))


@cache
def usual_12() -> Offer:
    """What a careful client of TLS 1.2 offers, and what a server says more of itself for being asked."""
    return Offer(
        USUAL_12,
        (TLS12,),
        tuple(n for n in suites_of(TLS12) if modern(n)),
        groups_12(),
        compression=(1, 0),
        session_ticket=True,
        status_request=True,
        heartbeat=True,
    )


@cache
def usual_13() -> Offer:
    """TLS 1.3 alone."""
    return version_offer(USUAL_13, (TLS13,))


@cache
def mixed() -> Offer:
    """TLS 1.3 and 1.2 in a small hello."""
    modern_12 = (n for n in suites_of(TLS12) if modern(n))
    return version_offer(MIXED, (TLS13, TLS12), (*TLS13_SUITES, *modern_12))


@cache
def ssl2() -> Offer:
    """A CLIENT-HELLO of SSL 2.0."""
    return Offer(SSL_2, (SSL2,), suites_of(SSL2), groups=(), schemes=())


@cache
def padded() -> Offer:
    """A hello as large as those with a post-quantum share, and nothing new in it."""
    return _like_12(PADDED, padded_to=LARGE_HELLO)


@cache
def no_name() -> Offer:
    """No server_name at all."""
    return _like_12(NO_NAME, server_name=ServerName.NONE)


@cache
def sha1_only() -> Offer:
    """Signatures with SHA-1 and nothing else."""
    return _like_12(SHA1_ONLY, schemes=(RSA_PKCS1_SHA1, ECDSA_SHA1))


@cache
def weak_groups_only() -> Offer:
    """Curves that nobody should take, and no others."""
    return _like_12(WEAK_GROUPS, groups=weak_groups())


@cache
def other_name(protocol: str) -> Offer:
    """The name of another host, and the protocol in ALPN (RFC 7301 section 3.1)."""
    return _like_12(OTHER_NAME, server_name=ServerName.OTHER, alpn=(protocol,))


@cache
def own_protocol(protocol: str) -> Offer:
    """The host's own name, and the protocol in ALPN."""
    return _like_12(OWN_PROTOCOL, alpn=(protocol,))


@cache
def again(offer: Offer) -> Offer:
    """The same for a second look: what is graver than a warning must be refused twice."""
    return dataclasses.replace(offer, name=f"{offer.name}, once more")


def fallback(version: int) -> Offer:
    """A hello of that version which says that a newer one failed before."""
    suites = tuple(n for n in suites_of(version) if version < TLS12 or modern(n))
    return Offer(FALLBACK, (version,), suites, groups_12(), fallback=True)


@cache
def post_quantum() -> Offer:
    """TLS 1.3 with hybrid groups alone."""
    return Offer(POST_QUANTUM, (TLS13,), TLS13_SUITES, HYBRIDS)


@cache
def finite_groups() -> Offer:
    """TLS 1.3 with those groups alone that are no curves."""
    return Offer(FINITE_GROUPS, (TLS13,), TLS13_SUITES, FINITE)


def others(version: int, suites: Iterable[int]) -> Offer:
    """A version with those suites alone."""
    return version_offer(f"{OTHERS} {VERSION_NAMES[version]}", (version,), suites)


def _like_12(name: str, **unlike: object) -> Offer:
    usual: dict[str, object] = {
        "versions": (TLS12,),
        "suites": tuple(n for n in suites_of(TLS12) if modern(n)),
        "groups": groups_12(),
    }
    return Offer(name, **{**usual, **unlike})  # type: ignore[arg-type]
