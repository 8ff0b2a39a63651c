"""TLSA records: their fields, and whether SMTP can use them (RFC 6698 section 2, RFC 7672 section 3.1)."""

from __future__ import annotations

import binascii
import enum
import re

from diag.model.frozen import frozen

USAGES = {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA", 3: "DANE-EE"}
SELECTORS = {0: "Cert", 1: "SPKI"}
MATCHINGS = {0: "Full", 1: "SHA2-256", 2: "SHA2-512"}
"""The acronyms of RFC 7218 section 2."""
DIGEST_OCTETS = {1: 32, 2: 64}
_TEXT = re.compile(r"\s*([0-9]{1,3})\s+([0-9]{1,3})\s+([0-9]{1,3})\s+([0-9A-Fa-f\s]*)", re.ASCII)


class TlsaProblem(enum.StrEnum):
    """Why SMTP cannot use a record."""

    CUT_SHORT = "cut-short"
    PKIX_USAGE = "pkix-usage"
    """Usage 0 or 1: SMTP has no agreed trust anchors (RFC 7672 section 3.1.3)."""
    UNKNOWN_USAGE = "unknown-usage"
    UNKNOWN_SELECTOR = "unknown-selector"
    UNKNOWN_MATCHING = "unknown-matching"
    DIGEST_LENGTH = "digest-length"
    NO_DATA = "no-data"


@frozen
class Tlsa:
    """One record. Fields that the octets do not reach are 255, which is assigned to private use."""

    usage: int
    selector: int
    matching: int
    data: bytes
    is_cut_short: bool = False

    @classmethod
    def from_rdata(cls, octets: bytes) -> Tlsa:
        """Read the RDATA octets. Never raises."""
        fields = octets[:3] + b"\xff" * (3 - len(octets[:3]))
        return cls(fields[0], fields[1], fields[2], octets[3:], len(octets) < 3)

    @classmethod
    def from_text(cls, text: str) -> Tlsa | None:
        """Read the presentation format (`3 1 1 0123…`); None where it is not that."""
        found = _TEXT.fullmatch(text)
        if not found or any(int(field) > 255 for field in found.groups()[:3]):
            return None
        try:
            data = binascii.unhexlify("".join(found[4].split()))
        except binascii.Error:
            return None
        return cls(int(found[1]), int(found[2]), int(found[3]), data)

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"

    @property
    def problems(self) -> tuple[TlsaProblem, ...]:
        """Why SMTP cannot use it; empty where it can."""
        if self.is_cut_short:
            return (TlsaProblem.CUT_SHORT,)
        found = []
        if self.usage not in (2, 3):
            found.append(TlsaProblem.PKIX_USAGE if self.usage in USAGES else TlsaProblem.UNKNOWN_USAGE)
        if self.selector not in SELECTORS:
            found.append(TlsaProblem.UNKNOWN_SELECTOR)
        if self.matching not in MATCHINGS:
            found.append(TlsaProblem.UNKNOWN_MATCHING)
        if not self.data:
            found.append(TlsaProblem.NO_DATA)
        elif len(self.data) != DIGEST_OCTETS.get(self.matching, len(self.data)):
            found.append(TlsaProblem.DIGEST_LENGTH)
        return tuple(found)

    @property
    def is_usable_for_smtp(self) -> bool:
        """Whether a sender may authenticate by it (RFC 7672 sections 3.1.1 to 3.1.3)."""
        return not self.problems
