"""DMARC policy records: recognition, tags, and the policy that applies (RFC 9989 sections 4.7, 4.8, 4.10.1)."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Mapping

from diag.model.frozen import frozen

from .report_uri import ReportUri, parse_report_uris
from .tags import Tag, TagList

MOST_SUGGESTIONS = 20
"""Unknown tags for which the nearest name is looked for: thousands of them would take a second."""
TAGS = ("v", "p", "sp", "np", "adkim", "aspf", "fo", "psd", "t", "rua", "ruf")
"""Registered by RFC 9989."""
REMOVED_TAGS = frozenset({"pct", "rf", "ri"})
"""In RFC 7489 and no more (RFC 9989 appendix C.5.2): ignored, though older readers obey them."""

# RFC 9989 section 4.8: the literal DMARC1 has one case; white space round "=" and before ";" is allowed,
# before "v" it is not.
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NEAR = re.compile(r"v\s{0,9}[=:]?\s{0,9}dmarc|\bdmarc\s{0,9}1\b", re.IGNORECASE)
_NEAR_WITHIN = 512
_FAILURE_OPTIONS = frozenset("01ds")
_PLAIN_TAGS = {
    "adkim": ("r", ("r", "s")),
    "aspf": ("r", ("r", "s")),
    "psd": ("u", ("y", "n", "u")),
    "t": ("n", ("y", "n")),
}


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is taken for a DMARC record: the version comes first and is exact."""
    return bool(_VERSION.match(text))


def looks_like_dmarc(text: str) -> bool:
    """Whether this was meant as a DMARC record although its version is not recognised."""
    if is_dmarc(text):
        return False
    if _NEAR.search(text[:_NEAR_WITHIN]):
        return True
    policy = TagList.parse(text[:_NEAR_WITHIN]).get("p")
    return policy is not None and policy.lower() in _POLICIES


class Policy(enum.StrEnum):
    """What the Domain Owner asks for mail that fails (RFC 9989 section 4.7), from mild to strict."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def strength(self) -> int:
        """0, 1 or 2, for comparing."""
        return _MILD_TO_STRICT.index(self)

    @property
    def one_level_lower(self) -> Policy:
        """What `t=y` makes of it."""
        return _MILD_TO_STRICT[max(self.strength - 1, 0)]


_MILD_TO_STRICT = tuple(Policy)
_POLICIES: Mapping[str, Policy] = {policy.value: policy for policy in Policy}


class Kind(enum.Enum):
    """Which name a policy is wanted for."""

    DOMAIN = "p"
    """The name the record was found at."""
    SUBDOMAIN = "sp"
    """An existing name below it."""
    NONEXISTENT = "np"
    """A name below it that is NXDOMAIN."""


class DmarcProblem(enum.StrEnum):
    """What is wrong in a record that is recognised."""

    MALFORMED = "malformed"
    URI_SEPARATOR = "uri-separator"
    """A report URI stands alone between semicolons: entries are separated by commas."""
    TAG_TWICE = "tag-twice"
    UNKNOWN_TAG = "unknown-tag"
    REMOVED_TAG = "removed-tag"
    POLICY_ABSENT = "policy-absent"
    POLICY_INVALID = "policy-invalid"
    VALUE_INVALID = "value-invalid"
    REPORT_URI = "report-uri"


@frozen
class DmarcDefect:
    """One problem: where, in which tag, what stands there, and what applies instead."""

    problem: DmarcProblem
    position: int
    tag: str = ""
    text: str = ""
    applies: str = ""
    """The value that readers use instead; empty where nothing takes its place."""
    nearest: str | None = None
    """For an unknown tag: the registered name it resembles."""


@frozen
class DmarcRecord:
    """One recognised record. Tag names and policies are read without regard to case."""

    tags: TagList
    defects: tuple[DmarcDefect, ...]
    rua: tuple[ReportUri, ...]
    ruf: tuple[ReportUri, ...]

    @classmethod
    def parse(cls, text: str) -> DmarcRecord:
        """Read a record; use `is_dmarc` to select records first. Never raises."""
        raw = TagList.parse(text)
        lowered = tuple(
            Tag(tag.name.lower(), tag.value, tag.position, tag.value_position) for tag in raw.tags
        )
        tags = TagList(text, lowered, raw.malformed)
        rua, ruf = _uris(tags, "rua"), _uris(tags, "ruf")
        defects = [*_form(tags), *_values(tags)]
        for name, uris in (("rua", rua), ("ruf", ruf)):
            defects += [
                DmarcDefect(DmarcProblem.REPORT_URI, uri.position, name, uri.text)
                for uri in uris
                if uri.problem
            ]
        return cls(tags, tuple(sorted(defects, key=lambda defect: defect.position)), rua, ruf)

    def has(self, *problems: DmarcProblem) -> bool:
        """Whether any of these problems was found."""
        return any(defect.problem in problems for defect in self.defects)

    @property
    def text(self) -> str:
        """The record as published."""
        return self.tags.text

    def _policy(self, name: str) -> Policy | None:
        return _POLICIES.get((self.tags.get(name) or "").lower())

    @property
    def p(self) -> Policy | None:
        """The value of `p`, None where absent or invalid."""
        return self._policy("p")

    @property
    def sp(self) -> Policy | None:
        """The value of `sp`, None where absent or invalid."""
        return self._policy("sp")

    @property
    def np(self) -> Policy | None:
        """The value of `np`, None where absent or invalid."""
        return self._policy("np")

    @property
    def policies_are_valid(self) -> bool:
        """`p` is there and valid, and `sp` and `np` are valid where present."""
        return self.p is not None and not self.has(DmarcProblem.POLICY_INVALID)

    @property
    def report_uris(self) -> tuple[tuple[str, tuple[ReportUri, ...]], ...]:
        """Where aggregate and failure reports go, by tag."""
        return ("rua", self.rua), ("ruf", self.ruf)

    @property
    def has_usable_rua(self) -> bool:
        """Whether `rua` holds at least one well-formed URI."""
        return any(uri.is_usable for uri in self.rua)

    @property
    def is_in_force(self) -> bool:
        """Whether DMARC processing happens at all (RFC 9989 section 4.10.1).

        A record without valid policies acts as `p=none` if it has a well-formed `rua`, else not at all.
        """
        return self.policies_are_valid or self.has_usable_rua

    def published_policy(self, kind: Kind) -> Policy:
        """The policy before `t` is applied: np falls back to sp, sp to p (RFC 9989 section 4.7)."""
        if not self.policies_are_valid:
            return Policy.NONE
        domain = self.p or Policy.NONE
        if kind is Kind.DOMAIN:
            return domain
        below = self.sp or domain
        return below if kind is Kind.SUBDOMAIN else self.np or below

    def policy_for(self, kind: Kind) -> Policy:
        """The policy that applies: `t=y` lowers it by one level (RFC 9989 section 4.7)."""
        published = self.published_policy(kind)
        return published.one_level_lower if self.is_testing else published

    def _choice(self, name: str) -> str:
        default, allowed = _PLAIN_TAGS[name]
        value = (self.tags.get(name) or "").lower()
        return value if value in allowed else default

    @property
    def adkim(self) -> str:
        """`r` or `s`: how DKIM domains must align."""
        return self._choice("adkim")

    @property
    def aspf(self) -> str:
        """`r` or `s`: how the SPF domain must align."""
        return self._choice("aspf")

    @property
    def psd(self) -> str:
        """`y`, `n`, or `u` (not said)."""
        return self._choice("psd")

    @property
    def is_testing(self) -> bool:
        """`t=y`."""
        return self._choice("t") == "y"

    @property
    def fo(self) -> tuple[str, ...]:
        """When failure reports are wanted; `0` where absent or invalid."""
        return _failure_options(self.tags.get("fo") or "") or ("0",)

    @property
    def removed(self) -> tuple[Tag, ...]:
        """`pct`, `rf` and `ri` as published."""
        return tuple(tag for tag in self.tags.tags if tag.name in REMOVED_TAGS)

    @property
    def pct(self) -> int | None:
        """The removed `pct` as older readers understand it, 0 to 100; None where absent or no such number."""
        value = self.tags.get("pct") or ""
        digits = value if value.isascii() and value.isdigit() and len(value) <= 3 else "999"
        return int(digits) if int(digits) <= 100 else None


def nearest_tag(name: str) -> str | None:
    """The registered tag whose name resembles this one."""
    if len(name) > 16:
        return None
    written = name.lower()
    swapped = (tag for tag in TAGS[1:] if sorted(tag) == sorted(written))
    near = difflib.get_close_matches(written, TAGS[1:], n=1, cutoff=0.6)
    return next(swapped, near[0] if near else None)


def _uris(tags: TagList, name: str) -> tuple[ReportUri, ...]:
    tag = tags.first(name)
    return parse_report_uris(tag.value, tag.value_position, sizes=True) if tag else ()


def _form(tags: TagList) -> list[DmarcDefect]:
    found = []
    for part in tags.malformed:
        stray = part.text.lower().startswith(("mailto:", "http:", "https:"))
        problem = DmarcProblem.URI_SEPARATOR if stray else DmarcProblem.MALFORMED
        found.append(DmarcDefect(problem, part.position, text=part.text))
    first: dict[str, str] = {}
    for tag in tags.tags:
        first.setdefault(tag.name, tag.value)
    for tag in tags.repeated:
        found.append(DmarcDefect(DmarcProblem.TAG_TWICE, tag.position, tag.name, tag.value, first[tag.name]))
    unknown = 0
    for tag in tags.tags:
        if tag.name in REMOVED_TAGS:
            found.append(DmarcDefect(DmarcProblem.REMOVED_TAG, tag.position, tag.name, tag.value))
        elif tag.name not in TAGS:
            unknown += 1
            nearest = nearest_tag(tag.name) if unknown <= MOST_SUGGESTIONS else None
            found.append(
                DmarcDefect(DmarcProblem.UNKNOWN_TAG, tag.position, tag.name, tag.value, nearest=nearest)
            )
    return found


def _values(tags: TagList) -> list[DmarcDefect]:
    found = []
    if tags.first("p") is None:
        found.append(DmarcDefect(DmarcProblem.POLICY_ABSENT, len(tags.text), "p", applies="none"))
    for name in ("p", "sp", "np"):
        tag = tags.first(name)
        if tag and tag.value.lower() not in _POLICIES:
            position = tag.value_position
            found.append(DmarcDefect(DmarcProblem.POLICY_INVALID, position, name, tag.value, "none"))
    for name, (default, allowed) in _PLAIN_TAGS.items():
        tag = tags.first(name)
        if tag and tag.value.lower() not in allowed:
            position = tag.value_position
            found.append(DmarcDefect(DmarcProblem.VALUE_INVALID, position, name, tag.value, default))
    tag = tags.first("fo")
    if tag and not _failure_options(tag.value):
        found.append(DmarcDefect(DmarcProblem.VALUE_INVALID, tag.value_position, "fo", tag.value, "0"))
    return found


def _failure_options(value: str) -> tuple[str, ...]:
    """`0` or `1`, `d` and `s`, each once and in any order (RFC 9989 section 4.8); empty where it is anything else."""
    options = tuple(option.strip() for option in value.lower().split(":"))
    valid = len(options) == len(set(options)) and set(options) <= _FAILURE_OPTIONS
    return options if valid and not {"0", "1"} <= set(options) else ()
