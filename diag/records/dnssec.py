"""Verifying signatures over RRsets: which signature, which key, and until when (RFC 4035 section 5.3).

The library that verifies is loaded by the first thing that is signed: most domains are not, and it is slow to load.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.rdatatype
import dns.rrset

from diag.model.frozen import frozen
from diag.names.parsed import parsed_name, plain

from .dnssec_numbers import RSA_ALGORITHMS, VERIFIED_ALGORITHMS, VERIFIED_DIGESTS

LARGEST_MESSAGE = 16_384
"""Octets of an answer that is read; names in larger ones could be made to cost seconds."""
MOST_RECORDS = 24
"""Keys, DS records and signatures of one RRset that are looked at."""
MOST_TRIES = 4
"""Signatures over one RRset that are worked out, keys of equal tag counted each (CVE-2023-50387)."""
MOST_WORK = 96
"""Signatures that are worked out in one zone."""

ZONE_KEY, REVOKED, ENTRY_POINT = 0x0100, 0x0080, 0x0001
"""Flags of a DNSKEY record (RFC 4034 section 2.1.1, RFC 5011 section 7)."""


class Standing(enum.StrEnum):
    """What becomes of one signature."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET = "not yet valid"
    WRONG = "wrong"
    """The key is there and the signature is not over these records."""
    NO_KEY = "no key"
    """No key of the zone has that tag and algorithm, or none that is trusted."""
    UNSUPPORTED = "unsupported"
    NOT_TRIED = "not tried"
    """Too many keys and signatures to work out."""


@frozen
class Signature:
    """One signature, and what became of it."""

    key_tag: int
    algorithm: int
    inception: datetime
    expiration: datetime
    ttl: int
    """Seconds that the records may be kept, by their signer (RFC 4034 section 3.1.4)."""
    signer: str
    """The zone, in lower case without trailing dot."""
    standing: Standing


@frozen
class Sections:
    """An answer as its RRsets."""

    rcode: int
    answer: tuple[dns.rrset.RRset, ...]
    authority: tuple[dns.rrset.RRset, ...]

    def find(self, name: str, rdtype: str) -> dns.rrset.RRset | None:
        """An RRset of the answer."""
        return find(self.answer, parsed_name(name), dns.rdatatype.from_text(rdtype))

    @property
    def signed(self) -> bool:
        """Whether any signature came with it."""
        return any(each.rdtype == dns.rdatatype.RRSIG for each in self.answer + self.authority)

    @property
    def denying(self) -> str:
        """The zone that says no, in lower case; empty where none says so (RFC 2308 section 3)."""
        for each in self.authority:
            if each.rdtype == dns.rdatatype.SOA:
                return plain(each.name)
        return ""


class Work:
    """How many signatures may still be worked out in one zone."""

    def __init__(self, left: int = MOST_WORK) -> None:
        self.left = left


def sections(wire: bytes) -> Sections | None:
    """The RRsets of a message; None where it cannot be read, is larger than is read here, or answers no question."""
    if len(wire) > LARGEST_MESSAGE:
        return None
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    if (
        message.opcode() != dns.opcode.QUERY
    ):  # those of an update may have no records at all (RFC 2136 section 2.5)
        return None
    return Sections(int(message.rcode()), tuple(message.answer), tuple(message.authority))


def find(
    rrsets: Iterable[dns.rrset.RRset], name: dns.name.Name, rdtype: int, covers: int = dns.rdatatype.NONE
) -> dns.rrset.RRset | None:
    """The RRset of that owner and type."""
    for rrset in rrsets:
        if rrset.rdtype == rdtype and rrset.covers == covers and rrset.name == name:
            return rrset
    return None


def verified(
    rrset: dns.rrset.RRset,
    beside: Sequence[dns.rrset.RRset],
    zone: str,
    keys: Sequence[Any],
    at: datetime,
    work: Work,
) -> tuple[Signature, ...]:
    """Every signature that stands beside an RRset, verified by those DNSKEY records; none where there is none.

    The tries are bounded; after a good signature no other is worked out. Signatures of other zones are
    left out: their keys are not known here.
    """
    rrsigs = _each(find(beside, rrset.name, dns.rdatatype.RRSIG, rrset.rdtype))
    tagged = [(key_tag(key), key) for key in keys] if rrsigs else []  # a sum over all of a key's octets
    found: list[Signature] = []
    tries = MOST_TRIES
    for rrsig in rrsigs:
        inception, expiration = _moment(rrsig.inception), _moment(rrsig.expiration)
        standing = Standing.NO_KEY
        if rrsig.algorithm not in VERIFIED_ALGORITHMS:
            standing = Standing.UNSUPPORTED
        elif plain(rrsig.signer) == zone:
            for tag, key in tagged:
                if tag != rrsig.key_tag or not _may_have_made(key, rrsig):
                    continue
                if not tries or not work.left:
                    standing = Standing.NOT_TRIED
                    break
                tries, work.left = tries - 1, work.left - 1
                standing = _tried(rrset, rrsig, key)
                if standing is Standing.GOOD:
                    break
        if standing is Standing.GOOD and expiration < at:
            standing = Standing.EXPIRED
        elif standing is Standing.GOOD and inception > at:
            standing = Standing.NOT_YET
        found.append(
            Signature(
                rrsig.key_tag, int(rrsig.algorithm), inception, expiration, rrsig.original_ttl,
                plain(rrsig.signer), standing,
            )
        )  # fmt: skip
    return tuple(found)


def _each(rrset: dns.rrset.RRset | None) -> list[Any]:
    """The records of an RRset in canonical order, so that the same ones are tried in every run."""
    return sorted(rrset or ())[:MOST_RECORDS]


def _may_have_made(key: Any, rrsig: Any) -> bool:
    """Whether a signature of this key's tag may be its (RFC 4035 section 5.3.1)."""
    if key.flags & REVOKED and rrsig.type_covered != dns.rdatatype.DNSKEY:
        return False
    return key.algorithm == rrsig.algorithm and key.protocol == 3 and bool(key.flags & ZONE_KEY)


def _tried(rrset: dns.rrset.RRset, rrsig: Any, key: Any) -> Standing:
    """The signature alone, at a moment at which it counts: what the clock says is judged apart."""
    import dns.dnssec
    import dns.rdataset

    signer: dict[Any, Any] = {rrsig.signer: dns.rdataset.from_rdata(0, key)}
    try:
        dns.dnssec.validate_rrsig(
            rrset, rrsig, signer, now=rrsig.inception, policy=dns.dnssec.allow_all_policy
        )
    except dns.exception.UnsupportedAlgorithm:
        return Standing.UNSUPPORTED
    except (dns.exception.DNSException, ValueError):
        return Standing.WRONG
    except Exception as error:  # the cryptography below raises its own, for keys that are none
        return Standing.UNSUPPORTED if "nsupported" in type(error).__name__ else Standing.WRONG
    return Standing.GOOD


def key_tag(key: Any) -> int:
    """The tag by which signatures and DS records name a key (RFC 4034 appendix B)."""
    import dns.dnssec

    return int(dns.dnssec.key_id(key))


def fits(zone: str, ds: Any, key: Any) -> bool:
    """Whether a DS record is that key's (RFC 4035 section 5.2); False for digests that are not compared here."""
    import dns.dnssec

    if ds.digest_type not in VERIFIED_DIGESTS or ds.algorithm != key.algorithm or key_tag(key) != ds.key_tag:
        return False
    made = dns.dnssec.make_ds(
        dns.name.from_text(zone), key, ds.digest_type, policy=dns.dnssec.allow_all_policy, validating=True
    )
    return bool(made.digest == ds.digest)


def ds_text(zone: str, key: Any) -> str:
    """The data of the DS record that a key is to have at the parent: with SHA-256."""
    import dns.dnssec

    return str(dns.dnssec.make_ds(dns.name.from_text(zone), key, "SHA256").to_text())


def rsa_bits(key: Any) -> int:
    """The length of an RSA key's modulus (RFC 3110 section 2); 0 for every other key, and one cut short."""
    octets = key.key
    if key.algorithm not in RSA_ALGORITHMS or len(octets) < 3:
        return 0
    exponent, start = (octets[0], 1) if octets[0] else (int.from_bytes(octets[1:3], "big"), 3)
    return int.from_bytes(octets[start + exponent :], "big").bit_length()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
