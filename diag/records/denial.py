"""Proofs that something does not exist: NSEC and NSEC3 (RFC 4035 section 5.4, RFC 5155 section 8, RFC 9824)."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from diag.names.parsed import parsed_name

from .dnssec import MOST_RECORDS, Sections, Standing, Work, verified

MOST_ITERATIONS = 50
"""Of a hash that is worked out; validators take zones with more for unsigned (RFC 9276 section 3.2)."""
MOST_LABELS = 12
"""Names above the one asked for that are hashed (CVE-2023-50868)."""
_OPT_OUT = 1
_NXNAME = 128
"""The type by which compact denial says that a name does not exist (RFC 9824 sections 2 to 4)."""


class Proof(enum.StrEnum):
    """What a denial shows."""

    SHOWN = "shown"
    BROKEN = "broken"
    NOT_JUDGED = "not judged"
    """An insecure delegation, opt-out, or more work than is done here."""


def is_gone(said: Sections, name: str) -> bool:
    """Whether an answer says that a name does not exist: NXDOMAIN, or NOERROR and NXNAME among the name's types.

    What it says is not verified.
    """
    if said.rcode == dns.rcode.NXDOMAIN:
        return True
    if said.rcode != dns.rcode.NOERROR or said.answer:
        return False
    return any(
        has_type(each[0], _NXNAME) and _is_of(each, parsed_name(name))
        for each in said.authority[:MOST_RECORDS]
        if each.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)
    )


def _is_of(link: dns.rrset.RRset, name: dns.name.Name) -> bool:
    """Whether an NSEC or NSEC3 record is that of a name itself."""
    import dns.dnssec

    if link.rdtype == dns.rdatatype.NSEC:
        return bool(link.name == name)
    data = link[0]
    if data.algorithm != 1 or data.iterations > MOST_ITERATIONS:
        return False
    hashed = dns.dnssec.nsec3_hash(name, data.salt, data.iterations, 1)
    return link.name.labels[0].decode("ascii", "replace").upper() == hashed


def denied(
    said: Sections, name: str, rdtype: str, zone: str, keys: Sequence[Any], at: datetime, work: Work
) -> tuple[Proof, str]:
    """Whether an answer without records proves that there are none, and what is amiss where it does not."""
    if said.denying != zone:
        return Proof.NOT_JUDGED, "another zone says so"
    links = [each for each in said.authority if each.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]
    del links[MOST_RECORDS:]  # nothing counts whose signature was not looked at
    if not links:
        return Proof.BROKEN, "neither NSEC nor NSEC3 records come with it"
    for link in links:
        signatures = verified(link, said.authority, zone, keys, at, work)
        standings = {signature.standing for signature in signatures}
        if Standing.GOOD in standings:
            continue
        if standings & {Standing.UNSUPPORTED, Standing.NOT_TRIED}:
            return Proof.NOT_JUDGED, "its signatures cannot be verified here"
        why = ", ".join(sorted(standings)) or "missing"
        return Proof.BROKEN, f"the signature over its {dns.rdatatype.to_text(link.rdtype)} record is {why}"
    asked, wanted = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    gone = said.rcode == dns.rcode.NXDOMAIN
    nsec = [each for each in links if each.rdtype == dns.rdatatype.NSEC]
    if nsec:
        return _by_nsec(nsec, asked, wanted, gone=gone)
    return _by_nsec3(links, asked, wanted, dns.name.from_text(zone), gone=gone)


def _by_nsec(
    links: Sequence[dns.rrset.RRset], asked: dns.name.Name, wanted: dns.rdatatype.RdataType, *, gone: bool
) -> tuple[Proof, str]:
    for link in links:
        if link.name == asked:
            if gone and not has_type(link[0], _NXNAME):
                return Proof.BROKEN, "its NSEC record shows that the name exists"
            return _lacks(link[0], wanted, "NSEC")
    over = next((each for each in links if _between(each.name, asked, each[0].next)), None)
    if over is None:
        return Proof.BROKEN, "no NSEC record spans the name"
    if _delegates(over[0]) and asked.is_subdomain(over.name):
        return Proof.NOT_JUDGED, "the name lies below a delegation"
    if not gone and over[0].next.is_subdomain(asked):
        return Proof.SHOWN, ""  # an empty non-terminal: there are names below it
    # The closest name that exists is the longest that the name shares with either end of the gap.
    closest = max(
        (asked.fullcompare(end)[2] for end in (over.name, over[0].next)),
        default=1,
    )
    star = dns.name.Name((b"*", *asked.labels[-closest:]))
    for link in links:
        if link.name == star and not gone:
            return _lacks(link[0], wanted, "NSEC")
    if gone and any(_between(each.name, star, each[0].next) for each in links):
        return Proof.SHOWN, ""
    return Proof.BROKEN, f"nothing is said of a wildcard {star.to_text(omit_final_dot=True)}"


def _by_nsec3(
    links: Sequence[dns.rrset.RRset],
    asked: dns.name.Name,
    wanted: dns.rdatatype.RdataType,
    apex: dns.name.Name,
    *,
    gone: bool,
) -> tuple[Proof, str]:
    import dns.dnssec

    first = links[0][0]
    if first.iterations > MOST_ITERATIONS or first.algorithm != 1:
        return Proof.NOT_JUDGED, "validators take a zone with that many iterations for unsigned"
    hashed = {each.name.labels[0].decode("ascii", "replace").upper(): each[0] for each in links}

    def hash_of(name: dns.name.Name) -> str:
        return dns.dnssec.nsec3_hash(name, first.salt, first.iterations, 1)

    def spans(name: dns.name.Name) -> Any | None:
        wanted = hash_of(name)
        return next((data for owner, data in hashed.items() if _gap(owner, wanted, _next(data))), None)

    if (exact := hashed.get(hash_of(asked))) is not None:
        if gone and not has_type(exact, _NXNAME):
            return Proof.BROKEN, "its NSEC3 record shows that the name exists"
        return _lacks(exact, wanted, "NSEC3")
    if asked == apex or not asked.is_subdomain(apex):
        return (
            Proof.BROKEN,
            "no NSEC3 record is that of the zone itself",
        )  # there is no closer name to look above
    if len(asked.labels) - len(apex.labels) > MOST_LABELS:
        return Proof.NOT_JUDGED, "the name has too many labels"
    closer, above = asked, asked.parent()
    while above != apex and hash_of(above) not in hashed:
        closer, above = above, above.parent()
    if (encloser := hashed.get(hash_of(above))) is None:
        return Proof.BROKEN, "no NSEC3 record shows which name above it exists"
    if _delegates(encloser):
        return Proof.NOT_JUDGED, "the name lies below a delegation"
    over = spans(closer)
    if over is None:
        return Proof.BROKEN, f"no NSEC3 record spans {closer.to_text(omit_final_dot=True)}"
    if over.flags & _OPT_OUT:
        return Proof.NOT_JUDGED, "an opt-out span, which leaves names out on purpose"
    star = dns.name.Name((b"*", *above.labels))
    if not gone and (wild := hashed.get(hash_of(star))) is not None:
        return _lacks(wild, wanted, "NSEC3")
    if gone and spans(star) is not None:
        return Proof.SHOWN, ""
    return Proof.BROKEN, f"nothing is said of a wildcard {star.to_text(omit_final_dot=True)}"


def _lacks(link: Any, wanted: dns.rdatatype.RdataType, kind: str) -> tuple[Proof, str]:
    """Whether the record of a name says that it has no such type, nor an alias in its place."""
    for rdtype in (wanted, dns.rdatatype.CNAME):
        if has_type(link, rdtype):
            return Proof.BROKEN, f"its {kind} record says that there is {dns.rdatatype.to_text(rdtype)}"
    if _delegates(link) and wanted != dns.rdatatype.DS:
        return Proof.NOT_JUDGED, "the name is delegated"
    return Proof.SHOWN, ""


def has_type(link: Any, rdtype: int) -> bool:
    """Whether a type stands in the bitmap of an NSEC or NSEC3 record (RFC 4034 section 4.1.2)."""
    for window, bitmap in link.windows:
        if window == rdtype >> 8:
            at = (rdtype & 0xFF) >> 3
            return at < len(bitmap) and bool(bitmap[at] & 0x80 >> (rdtype & 7))
    return False


def _delegates(link: Any) -> bool:
    return has_type(link, dns.rdatatype.NS) and not has_type(link, dns.rdatatype.SOA)


def _between(owner: dns.name.Name, name: dns.name.Name, following: dns.name.Name) -> bool:
    """Whether a name lies in the gap; the last record of a zone leads back to its apex."""
    after, before = bool(name > owner), bool(name < following)
    return after and before if owner < following else after or before


def _gap(owner: str, name: str, following: str) -> bool:
    if owner < following:
        return owner < name < following
    return name > owner or name < following


def _next(link: Any) -> str:
    import base64

    return base64.b32hexencode(link.next).decode("ascii")
