"""Matching TLSA records with a chain as sent (RFC 6698 section 2, RFC 7671 section 5, RFC 7672 section 3)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256, sha512

from diag.model.frozen import frozen

from .certificate import Certificate, holds, parsed, public_key_info
from .chain import ChainVerdict, judge
from .library import serialization
from .path import SENT_LIMIT

DIGEST_SIZES = {1: 32, 2: 64}
"""Octets of the digests of matching types 1 (SHA-256) and 2 (SHA-512)."""


@frozen
class Association:
    """The four fields of a TLSA record (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


class TlsaOutcome(enum.StrEnum):
    """What one record says about one chain."""

    MATCHED = "matched"
    """It authenticates the server."""
    NO_MATCH = "no-match"
    """Nothing in the chain is what it describes."""
    NOT_ISSUER = "not-issuer"
    """The trust anchor it describes was sent, but no path from the server's certificate leads to it."""
    PATH_FLAWED = "path-flawed"
    """A path leads to it, and a certificate on the way is expired or may not do what it does."""
    NAME_MISMATCH = "name-mismatch"
    """The path holds, and the certificate names none of the reference identifiers."""
    UNUSABLE = "unusable"
    """SMTP clients ignore it: usage 0 or 1, unknown numbers, data of the wrong length, or a stronger digest beside it."""


@frozen
class TlsaResult:
    """One record against one chain."""

    record: Association
    outcome: TlsaOutcome
    depth: int = -1
    """Where in the path it applies: 0 is the server's certificate; -1 where nothing fits."""
    detail: str = ""


def unusable(record: Association) -> str:
    """Why SMTP clients ignore a record; empty where they use it (RFC 7672 section 3.1.3, RFC 7671 section 4)."""
    if record.usage in (0, 1):
        return "usages 0 and 1 are not supported for SMTP (RFC 7672 section 3.1.3)"
    if record.usage not in (2, 3):
        return f"unknown certificate usage {record.usage}"
    if record.selector not in (0, 1):
        return f"unknown selector {record.selector}"
    if record.matching not in (0, 1, 2):
        return f"unknown matching type {record.matching}"
    size = DIGEST_SIZES.get(record.matching)
    if size is not None and len(record.data) != size:
        return f"{len(record.data)} octets of data where the digest has {size}"
    if not record.data:
        return "no certificate association data"
    return ""


def match(
    record: Association, chain: tuple[bytes, ...], reference_names: tuple[str, ...], moment: datetime
) -> TlsaResult:
    """Whether a record authenticates a chain, at what depth, or why not. Never raises.

    DANE-EE(3) looks at the first certificate alone: neither its names nor its dates count (RFC 7672
    section 3.1.1). DANE-TA(2) needs a path through the chain as sent to the certificate described,
    which then is the trust anchor, and a name: the host's or, for SMTP, also the mail domain's
    (section 3.2.2).
    """
    reason = unusable(record)
    if reason:
        return TlsaResult(record, TlsaOutcome.UNUSABLE, detail=reason)
    if not chain:
        return TlsaResult(record, TlsaOutcome.NO_MATCH, detail="no certificate was sent")
    if record.usage == 3:
        if fits(record, chain[0]):
            return TlsaResult(record, TlsaOutcome.MATCHED, 0)
        elsewhere = next((at for at, der in enumerate(chain[:SENT_LIMIT]) if at and fits(record, der)), -1)
        detail = (
            f"it describes certificate {elsewhere} of the chain, not the server's" if elsewhere > 0 else ""
        )
        return TlsaResult(record, TlsaOutcome.NO_MATCH, detail=detail)
    return _anchored(record, chain, reference_names, moment)


def match_all(
    records: Sequence[Association],
    chain: tuple[bytes, ...],
    reference_names: tuple[str, ...],
    moment: datetime,
) -> tuple[TlsaResult, ...]:
    """Every record of an RRset against a chain, in the order given; one match suffices (RFC 7671 section 8).

    A digest counts only where no record of the same usage and selector has a stronger one (section 9).
    """
    strongest: dict[tuple[int, int], int] = {}
    for record in records:
        if not unusable(record):
            kind = record.usage, record.selector
            strongest[kind] = max(strongest.get(kind, 0), record.matching)

    def result(record: Association) -> TlsaResult:
        if 0 < record.matching < strongest.get((record.usage, record.selector), 0):
            return TlsaResult(
                record, TlsaOutcome.UNUSABLE, detail="a record with a stronger digest stands beside it"
            )
        return match(record, chain, reference_names, moment)

    return tuple(map(result, records))


def fits(record: Association, der: bytes) -> bool:
    """Whether a record's data describe a certificate, whatever its usage."""
    octets = der if record.selector == 0 else public_key_info(der)
    if not octets:
        return False
    match record.matching:
        case 0:
            return octets == record.data
        case 1:
            return sha256(octets).digest() == record.data
        case 2:
            return sha512(octets).digest() == record.data
        case _:
            return False


def _anchored(
    record: Association, chain: tuple[bytes, ...], reference_names: tuple[str, ...], moment: datetime
) -> TlsaResult:
    anchors = tuple(der for der in chain[:SENT_LIMIT] if fits(record, der))
    if not anchors and (record.selector, record.matching) == (0, 0) and parsed(record.data) is not None:
        # The whole certificate is in the DNS and need not be sent (RFC 7671 section 5.2.2).
        anchors = (record.data,)
    if anchors:
        return _outcome(record, judge(chain, reference_names, anchors, moment))
    if (record.selector, record.matching) == (1, 0):
        return _bare_key(record, chain, reference_names, moment)
    return TlsaResult(record, TlsaOutcome.NO_MATCH)


def _outcome(record: Association, verdict: ChainVerdict, *, bare: bool = False) -> TlsaResult:
    """What a path comes to; `bare` tells that the record is of a key above its last certificate."""
    depth = len(verdict.path) - 1
    if verdict.trust != "trusted":
        return TlsaResult(record, TlsaOutcome.NOT_ISSUER, detail="no path leads to it")
    # The anchor's constraints count (RFC 7671 section 5.2.1). Its dates do where it is self-issued, as OpenSSL has it.
    dated = bare or depth == 0 or verdict.path[-1].self_issued
    flaws = [flaw for flaw in verdict.flaws if flaw.depth < depth or dated or flaw.fault not in _OF_DATES]
    grave = [flaw for flaw in flaws if flaw.fault not in _TOLERATED]
    if grave:
        return TlsaResult(record, TlsaOutcome.PATH_FLAWED, depth, f"{grave[0].fault}: {grave[0].label}")
    # The common name counts where there is no DNS name (RFC 7672 section 3.2.3).
    by_common_name = verdict.common_name_only and verdict.leaf is not None and not verdict.leaf.dns_names
    if not (verdict.name_matched or by_common_name):
        return TlsaResult(record, TlsaOutcome.NAME_MISMATCH, depth)
    return TlsaResult(record, TlsaOutcome.MATCHED, depth)


_OF_DATES = frozenset({"expired", "not-yet-valid"})
_TOLERATED = frozenset({"profile", "ca-leaf", "weak-key", "weak-signature"})
"""Flaws that the common DANE clients do not refuse: what they accept is the library's security level."""


def _bare_key(
    record: Association, chain: tuple[bytes, ...], reference_names: tuple[str, ...], moment: datetime
) -> TlsaResult:
    """A whole public key in the DNS that signed a certificate of the path, itself not sent.

    The depth is that of the certificate it signed, as OpenSSL counts: there is none above it.
    """
    path = judge(chain, reference_names, (), moment).path
    for depth, certificate in enumerate(path):
        if not _signed_by(certificate, record.data):
            continue
        verdict = judge(chain, reference_names, (certificate.der,), moment)
        found = _outcome(record, verdict, bare=True)
        return TlsaResult(record, found.outcome, depth, found.detail)
    return TlsaResult(record, TlsaOutcome.NO_MATCH)


def _signed_by(certificate: Certificate, key: bytes) -> bool:
    try:
        return holds(certificate.der, serialization.load_der_public_key(key))
    except Exception:  # what the record holds is no key
        return False
