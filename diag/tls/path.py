"""Finding certification paths and what is wrong with each (RFC 5280 section 6), at a given moment."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime

from diag.model.frozen import frozen

from .certificate import Certificate, public_key_info, read, signed
from .constraints import refused

SENT_LIMIT = 24
"""Certificates of a sent chain that are considered; senders need two or three."""
DEPTH_LIMIT = 10
"""The most certificates on a path, root included."""
SIGNATURE_LIMIT = 128
"""Signatures verified in one search: cross-signing can make the number of paths explode."""

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
ANY_USAGE = "2.5.29.37.0"


class Fault(enum.StrEnum):
    """What is wrong with a certificate on a path; in order of what is most useful to say first."""

    MALFORMED = "malformed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    NOT_A_CA = "not-a-ca"
    """It signed another although its basicConstraints do not say that it may."""
    CANNOT_SIGN = "cannot-sign"
    """It signed another although its keyUsage lacks keyCertSign."""
    PATH_TOO_LONG = "path-too-long"
    NAME_NOT_PERMITTED = "name-not-permitted"
    WRONG_USAGE = "wrong-usage"
    """extendedKeyUsage or keyUsage leaves out TLS servers."""
    CA_LEAF = "ca-leaf"
    """The server's own certificate is a CA's."""
    UNKNOWN_CRITICAL = "unknown-critical"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    PROFILE = "profile"
    """A departure from RFC 5280 or the Baseline Requirements that clients forgive."""


FORGIVEN = frozenset({Fault.PROFILE, Fault.CA_LEAF})
"""Faults for which no client is known to refuse a chain."""


@frozen
class Flaw:
    """One fault of one certificate on a path."""

    fault: Fault
    depth: int
    """0 is the server's own certificate, the last is the root."""
    label: str
    """What the certificate calls itself."""
    detail: str = ""


@frozen
class Path:
    """A chain of issuers from the server's certificate upwards."""

    certificates: tuple[Certificate, ...]
    anchored: bool
    """Whether the last one is a trust anchor."""
    flaws: tuple[Flaw, ...] = ()

    @property
    def grave(self) -> tuple[Flaw, ...]:
        """The flaws for which clients refuse."""
        return tuple(flaw for flaw in self.flaws if flaw.fault not in FORGIVEN)

    @property
    def good(self) -> bool:
        """Whether a client that trusts the anchors accepts it (names aside)."""
        return self.anchored and not self.grave


@frozen
class Search:
    """What a search for paths brought."""

    best: Path
    exhausted: bool
    """Whether the budget ended it, so that another path may exist."""
    forged: bool
    """A certificate bears the wanted issuer's name, but its key did not sign."""


def search(leaf: bytes, others: tuple[bytes, ...], roots: tuple[bytes, ...], moment: datetime) -> Search:
    """The best path from a certificate to a trust anchor: a good one if there is any, else the least bad."""
    finder = _Finder(others[:SENT_LIMIT], roots)
    # What was sent beyond that is not looked at, and may hold the path.
    finder.exhausted = len(others) > SENT_LIMIT
    best: Path | None = None
    for certificates, anchored in finder.walk((leaf,)):
        path = judged(tuple(read(der) for der in certificates), anchored, moment)
        if best is None or _merit(path) > _merit(best):
            best = path
        if best.good:
            break
    assert best is not None  # the walk yields at least the leaf alone
    return Search(best, finder.exhausted and not best.good, finder.forged and not best.anchored)


def _merit(path: Path) -> tuple[bool, int, int, int]:
    # Among paths without an anchor the longest tells most about what is missing.
    return path.anchored, -len(path.grave), 0 if path.anchored else len(path.certificates), -len(path.flaws)


class _Finder:
    """Depth first through issuers, trust anchors before what was sent, within a budget."""

    def __init__(self, others: tuple[bytes, ...], roots: tuple[bytes, ...]) -> None:
        self.left = SIGNATURE_LIMIT
        self.exhausted = False
        self.forged = False
        self._anchors = {_identity(root) for root in roots}
        self._by_subject: dict[bytes, list[bytes]] = {}
        for der in dict.fromkeys((*roots, *others)):
            self._by_subject.setdefault(read(der).subject_der, []).append(der)

    def walk(self, path: tuple[bytes, ...]) -> Iterator[tuple[tuple[bytes, ...], bool]]:
        """Every path that goes no further, with whether it ends in an anchor."""
        last = path[-1]
        if _identity(last) in self._anchors:
            yield path, True
            return
        extended = False
        if len(path) < DEPTH_LIMIT:
            for issuer in self._issuers(path):
                extended = True
                yield from self.walk((*path, issuer))
        if not extended:
            yield path, False

    def _issuers(self, path: tuple[bytes, ...]) -> Iterator[bytes]:
        last = path[-1]
        wanted = read(last).issuer_der
        met = {_identity(der) for der in path}
        for candidate in self._by_subject.get(wanted, ()):
            # The same name and key twice is a loop (RFC 4158 section 5.2).
            if _identity(candidate) in met:
                continue
            if self.left <= 0:
                self.exhausted = True
                return
            self.left -= 1
            if signed(last, candidate):
                yield candidate
            else:
                self.forged = True


def _identity(der: bytes) -> tuple[bytes, bytes]:
    """A trust anchor is a name and a key (RFC 5280 section 6.1.1 d); unreadable ones are only themselves."""
    return read(der).subject_der, public_key_info(der) or der


def judged(certificates: tuple[Certificate, ...], anchored: bool, moment: datetime) -> Path:
    """A path with its flaws, the most telling first."""
    flaws = [
        Flaw(fault, depth, certificate.label, detail)
        for depth, certificate in enumerate(certificates)
        for fault, detail in (
            *_own_faults(certificate, moment, anchor=anchored and depth == len(certificates) - 1),
            *(_leaf_faults(certificate) if depth == 0 else ()),
            *(_issuer_faults(certificates, depth) if depth else ()),
        )
    ]
    broken = refused(tuple(certificate.der for certificate in certificates))
    if broken:
        flaws.append(Flaw(Fault.NAME_NOT_PERMITTED, 0, certificates[0].label, broken))
    order = list(Fault)
    return Path(certificates, anchored, tuple(sorted(flaws, key=lambda flaw: order.index(flaw.fault))))


def _own_faults(certificate: Certificate, moment: datetime, *, anchor: bool) -> Iterator[tuple[Fault, str]]:
    if certificate.problem:
        # Clients take name and key from a root they trust and do not mind its extensions.
        yield Fault.PROFILE if anchor and certificate.key else Fault.MALFORMED, certificate.problem
    now = moment.replace(microsecond=0)  # notAfter's second still belongs to the validity
    if now > certificate.not_after:
        yield Fault.EXPIRED, certificate.not_after.isoformat()
    if now < certificate.not_before:
        yield Fault.NOT_YET_VALID, certificate.not_before.isoformat()
    weak = weak_key(certificate)
    if weak:
        yield Fault.WEAK_KEY, weak
    # Nobody relies on the signature of a root: it is trusted for being in the store.
    if certificate.signature in ("md2", "md4", "md5", "sha1") and not anchor and not certificate.self_issued:
        yield Fault.WEAK_SIGNATURE, certificate.signature.upper().replace("SHA1", "SHA-1")
    for oid in certificate.unknown_critical:
        yield Fault.UNKNOWN_CRITICAL, oid
    for departure in certificate.departures:
        yield Fault.PROFILE, departure
    if certificate.key == "RSA" and certificate.bits % 8:
        yield Fault.PROFILE, f"{certificate.bits} bits is not a multiple of 8 (BR section 6.1.5)"


def _leaf_faults(certificate: Certificate) -> Iterator[tuple[Fault, str]]:
    usages = certificate.extended_key_usage
    if usages is not None and SERVER_AUTH not in usages and ANY_USAGE not in usages:
        yield Fault.WRONG_USAGE, "extendedKeyUsage without serverAuth"
    if usages is not None and ANY_USAGE in usages:
        yield Fault.PROFILE, "extendedKeyUsage with anyExtendedKeyUsage (BR section 7.1.2.7.10)"
    if certificate.ca:
        yield Fault.CA_LEAF, "basicConstraints with cA"
    elif certificate.key_usage is not None and "digitalSignature" not in certificate.key_usage:
        # Every key exchange but static RSA and DH signs (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2.2).
        yield Fault.WRONG_USAGE, "keyUsage without digitalSignature"


def _issuer_faults(certificates: tuple[Certificate, ...], depth: int) -> Iterator[tuple[Fault, str]]:
    certificate = certificates[depth]
    if not certificate.ca and not certificate.problem:
        what = "no basicConstraints" if certificate.ca is None else "basicConstraints without cA"
        yield Fault.NOT_A_CA, what
    if certificate.key_usage is not None and "keyCertSign" not in certificate.key_usage:
        yield Fault.CANNOT_SIGN, "keyUsage without keyCertSign"
    # Self-issued intermediates do not count, nor does the end-entity certificate (section 4.2.1.9).
    between = sum(not below.self_issued for below in certificates[1:depth])
    if certificate.path_length is not None and between > certificate.path_length:
        yield Fault.PATH_TOO_LONG, f"{between} CA certificates below where {certificate.path_length} may be"
    usages = certificate.extended_key_usage
    if usages is not None and SERVER_AUTH not in usages and ANY_USAGE not in usages:
        yield Fault.WRONG_USAGE, "extendedKeyUsage of a CA without serverAuth"


def weak_key(certificate: Certificate) -> str:
    """Why a key is weak (CA/Browser Forum BR section 6.1.5, RFC 9325 section 4.5); empty where it is not."""
    match certificate.key:
        case "RSA" if certificate.bits < 2048:
            return f"RSA with {certificate.bits} bits"
        case "RSA" if certificate.exponent < 3:
            return f"RSA with exponent {certificate.exponent}"
        case "DSA":
            return f"DSA with {certificate.bits} bits"
        case "EC" if certificate.bits < 224:
            return f"EC with {certificate.bits} bits ({certificate.curve})"
        case _:
            return ""
