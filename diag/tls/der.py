"""Just enough DER (X.690) to find the names in a certificate without a full parse. Never raises."""

from __future__ import annotations

from typing import NamedTuple

SEQUENCE = 0x30
VERSION = 0xA0
"""The explicit tag [0] before a certificate's version (RFC 5280 section 4.1)."""


class Element(NamedTuple):
    """One tag-length-value: its tag octet, and where it, its content and its end are."""

    tag: int
    start: int
    content: int
    end: int


def element(octets: bytes, at: int, limit: int) -> Element | None:
    """The element that begins at `at` and ends within `limit`; None where there is none. Tags take one octet."""
    if at + 2 > limit:
        return None
    length, content = octets[at + 1], at + 2
    if length & 0x80:
        # The long form; four octets of length are more than any certificate needs, 0x80 is not DER.
        count = length & 0x7F
        if not 1 <= count <= 4 or content + count > limit:
            return None
        length = int.from_bytes(octets[content : content + count], "big")
        content += count
    end = content + length
    return Element(octets[at], at, content, end) if end <= limit else None


def children(octets: bytes, parent: Element, most: int = 64) -> list[Element]:
    """The elements directly within one, as far as they can be told apart, at most so many."""
    found: list[Element] = []
    at = parent.content
    while at < parent.end and len(found) < most:
        child = element(octets, at, parent.end)
        if child is None:
            break
        found.append(child)
        at = child.end
    return found


def names_of(certificate: bytes) -> tuple[bytes, bytes] | None:
    """The issuer and the subject Name of a certificate, as their DER octets; None where it is none."""
    outer = element(certificate, 0, len(certificate))
    if outer is None or outer.tag != SEQUENCE:
        return None
    tbs = element(certificate, outer.content, outer.end)
    if tbs is None or tbs.tag != SEQUENCE:
        return None
    fields = children(certificate, tbs, 8)
    if fields and fields[0].tag == VERSION:
        fields = fields[1:]
    # serialNumber, signature, issuer, validity, subject (RFC 5280 section 4.1)
    if len(fields) < 5 or fields[2].tag != SEQUENCE or fields[4].tag != SEQUENCE:
        return None
    issuer, subject = fields[2], fields[4]
    return certificate[issuer.start : issuer.end], certificate[subject.start : subject.end]


def same_algorithm(certificate: bytes) -> bool:
    """Whether the signature's algorithm is the one that the signed part names (RFC 5280 section 4.1.1.2)."""
    outer = element(certificate, 0, len(certificate))
    parts = children(certificate, outer, 3) if outer else []
    if len(parts) != 3:
        return False
    fields = children(certificate, parts[0], 4)
    if fields and fields[0].tag == VERSION:
        fields = fields[1:]
    if len(fields) < 2:
        return False
    inner, signed = fields[1], parts[1]
    return certificate[inner.start : inner.end] == certificate[signed.start : signed.end]
