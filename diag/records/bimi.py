"""BIMI assertion records: their tags only; logos and certificates are judged elsewhere (BIMI draft 4.3)."""

from __future__ import annotations

import enum
import re
from urllib.parse import urlsplit

from diag.model.frozen import frozen

from .tags import TagList

VERSION = "BIMI1"
# The draft spells the version octet by octet: it has one case.
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*BIMI1[ \t]*(?:;|\Z)")
_NEAR = re.compile(r"[\s\"]{0,9}v\s{0,9}[=:]?\s{0,9}bimi", re.IGNORECASE)
_AVATARS = ("brand", "personal")
_LONGEST_PREFIX = 63
_PREFIX = re.compile(r"[^\s,;]+")


class BimiProblem(enum.StrEnum):
    """What is wrong with a record."""

    MALFORMED = "malformed"
    TAG_TWICE = "tag-twice"
    LOGO_MISSING = "logo-missing"
    LOGO_NOT_HTTPS = "logo-not-https"
    EVIDENCE_NOT_HTTPS = "evidence-not-https"
    LOCAL_PART_INVALID = "local-part-invalid"


@frozen
class BimiDefect:
    """One problem; `position` is an offset in the record."""

    problem: BimiProblem
    position: int
    text: str = ""


def is_bimi(text: str) -> bool:
    """Whether a TXT record is a BIMI record: the version stands first."""
    return bool(_VERSION.match(text))


def looks_like_bimi(text: str) -> bool:
    """Whether this was meant as a BIMI record although its version is not recognised."""
    return not is_bimi(text) and bool(_NEAR.match(text))


@frozen
class BimiRecord:
    """One record."""

    tags: TagList
    defects: tuple[BimiDefect, ...]

    @classmethod
    def parse(cls, text: str) -> BimiRecord:
        """Read a record; use `is_bimi` to select records first. Never raises."""
        tags = TagList.parse(text)
        defects = [BimiDefect(BimiProblem.MALFORMED, part.position, part.text) for part in tags.malformed]
        defects += [BimiDefect(BimiProblem.TAG_TWICE, tag.position, tag.name) for tag in tags.repeated]
        logo = tags.first("l")
        if logo is None or (not logo.value and tags.get("a")):
            defects.append(BimiDefect(BimiProblem.LOGO_MISSING, logo.position if logo else len(text)))
        for name, problem, good in (
            ("l", BimiProblem.LOGO_NOT_HTTPS, _is_https),
            ("a", BimiProblem.EVIDENCE_NOT_HTTPS, _is_https),
            ("lps", BimiProblem.LOCAL_PART_INVALID, _are_prefixes),
        ):
            tag = tags.first(name)
            if tag and tag.value and not good(tag.value):
                defects.append(BimiDefect(problem, tag.value_position, tag.value))
        return cls(tags, tuple(sorted(defects, key=lambda defect: defect.position)))

    @property
    def logo(self) -> str:
        """`l`: the URL of the SVG; empty where none is given."""
        return self.tags.get("l") or ""

    @property
    def evidence(self) -> str:
        """`a`: the URL of the certificate; empty where none is given."""
        return self.tags.get("a") or ""

    @property
    def odd_avatar(self) -> str:
        """What `avp` says where that is neither of the two words it may be; most readers pass over it."""
        value = self.tags.get("avp") or ""
        return "" if value.lower() in _AVATARS else value

    @property
    def declines(self) -> bool:
        """`l=; a=;`: the domain takes no part."""
        return self.tags.get("l") == "" and not self.evidence


def _is_https(value: str) -> bool:
    # A comma separates: within the URI it is percent-encoded (draft section 4.3).
    if not value.isascii() or any(mark in value for mark in ', \t"<>\\'):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _are_prefixes(value: str) -> bool:
    prefixes = [prefix.strip(" \t") for prefix in value.split(",")]
    return all(len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix) for prefix in prefixes)
