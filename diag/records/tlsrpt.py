"""TLSRPT records: where reports about TLS failures go (RFC 8460 section 3)."""

from __future__ import annotations

import enum
import re

from diag.model.frozen import frozen

from .report_uri import ReportUri, parse_report_uris
from .tags import FIELD_NAME, TagList

VERSION = "TLSRPTv1"
SCHEMES = ("mailto", "https")


def is_tlsrpt(text: str) -> bool:
    """Whether a TXT record counts: any other at that name is discarded (section 3)."""
    return text.startswith(f"v={VERSION};")


def looks_like_tlsrpt(text: str) -> bool:
    """Whether this was meant as a TLSRPT record although it is discarded."""
    return not is_tlsrpt(text) and bool(
        re.match(r"[\s\"']{0,9}v\s{0,9}=\s{0,9}tls-?rpt", text, re.IGNORECASE)
    )


class TlsrptProblem(enum.StrEnum):
    """What is wrong with a record."""

    MALFORMED = "malformed"
    TAG_TWICE = "tag-twice"
    RUA_MISSING = "rua-missing"
    REPORT_URI = "report-uri"
    """Malformed, or a scheme other than mailto and https."""


@frozen
class TlsrptDefect:
    """One problem; `position` is an offset in the record."""

    problem: TlsrptProblem
    position: int
    text: str = ""


@frozen
class TlsrptRecord:
    """One record that counts."""

    tags: TagList
    rua: tuple[ReportUri, ...]
    defects: tuple[TlsrptDefect, ...]

    @classmethod
    def parse(cls, text: str) -> TlsrptRecord:
        """Read a record; use `is_tlsrpt` to select records first. Never raises."""
        tags = TagList.parse(text, FIELD_NAME)
        defects = [TlsrptDefect(TlsrptProblem.MALFORMED, part.position, part.text) for part in tags.malformed]
        defects += [TlsrptDefect(TlsrptProblem.TAG_TWICE, tag.position, tag.name) for tag in tags.repeated]
        # A field may stand there several times by the grammar: every destination counts.
        rua = tuple(
            uri
            for tag in tags.tags
            if tag.name == "rua"
            for uri in parse_report_uris(tag.value, tag.value_position, sizes=False)
        )
        if tags.first("rua") is None:
            defects.append(TlsrptDefect(TlsrptProblem.RUA_MISSING, len(text)))
        defects += [
            TlsrptDefect(TlsrptProblem.REPORT_URI, uri.position, uri.text)
            for uri in rua
            if uri.problem or uri.scheme not in SCHEMES
        ]
        return cls(tags, rua, tuple(sorted(defects, key=lambda defect: defect.position)))

    @property
    def usable(self) -> tuple[ReportUri, ...]:
        """The entries a report can be sent to."""
        return tuple(uri for uri in self.rua if uri.is_usable and uri.scheme in SCHEMES)
