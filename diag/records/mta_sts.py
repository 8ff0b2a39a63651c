"""MTA-STS: the TXT record and the policy file (RFC 8461 sections 3.1, 3.2 and 4.1)."""

from __future__ import annotations

import enum
import re

from diag.model.frozen import frozen
from diag.names.domain import is_hostname, looks_like_address, normal

from .tags import FIELD_NAME, TagList

VERSION = "STSv1"
MOST_POLICY_OCTETS = 65536
"""RFC 8461 section 3.3 lets a sender stop reading here."""
LONGEST_MAX_AGE = 31_557_600
"""Seconds; about a year (section 3.2)."""

_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,10}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_LONGEST_SHOWN = 100


def is_sts(text: str) -> bool:
    """Whether a TXT record counts: any other at that name is discarded (section 3.1)."""
    return text.startswith(f"v={VERSION};")


def looks_like_sts(text: str) -> bool:
    """Whether this was meant as an MTA-STS record although it is discarded (`v=stsv1`, a space before)."""
    return not is_sts(text) and bool(re.match(r"[\s\"']{0,9}v\s{0,9}=\s{0,9}sts", text, re.IGNORECASE))


class StsProblem(enum.StrEnum):
    """What is wrong with the record or the policy file."""

    MALFORMED = "malformed"
    ID_MISSING = "id-missing"
    ID_INVALID = "id-invalid"
    REPEATED = "repeated"
    """A key other than mx again: the first counts."""
    TOO_LONG = "too-long"
    NOT_TEXT = "not-text"
    VERSION_MISSING = "version-missing"
    VERSION_INVALID = "version-invalid"
    MODE_MISSING = "mode-missing"
    MODE_INVALID = "mode-invalid"
    MAX_AGE_MISSING = "max-age-missing"
    MAX_AGE_INVALID = "max-age-invalid"
    MX_MISSING = "mx-missing"
    MX_BAD = "mx-bad"


INVALIDATING = frozenset(StsProblem) - {StsProblem.REPEATED, StsProblem.MX_BAD}
"""Problems after which a sender does not use the policy."""


@frozen
class StsDefect:
    """One problem. `position` is an offset in the record, or a line of the policy file (from 1; 0: none)."""

    problem: StsProblem
    position: int
    text: str = ""


@frozen
class StsRecord:
    """The TXT record at `_mta-sts`."""

    tags: TagList
    id: str | None
    defects: tuple[StsDefect, ...]

    @classmethod
    def parse(cls, text: str) -> StsRecord:
        """Read a record; use `is_sts` to select records first. Never raises."""
        tags = TagList.parse(text, FIELD_NAME)
        defects = [StsDefect(StsProblem.MALFORMED, part.position, part.text) for part in tags.malformed]
        defects += [StsDefect(StsProblem.REPEATED, tag.position, tag.name) for tag in tags.repeated]
        tag = tags.first("id")
        if tag is None:
            defects.append(StsDefect(StsProblem.ID_MISSING, len(text)))
        elif not _ID.fullmatch(tag.value):
            defects.append(StsDefect(StsProblem.ID_INVALID, tag.value_position, tag.value[:_LONGEST_SHOWN]))
        return cls(tags, tag.value if tag else None, tuple(defects))

    @property
    def is_valid(self) -> bool:
        """Whether a sender goes on to fetch the policy."""
        return is_sts(self.tags.text) and not any(found.problem in INVALIDATING for found in self.defects)


class Mode(enum.StrEnum):
    """What a sender does where a host does not meet the policy (section 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


class PatternProblem(enum.StrEnum):
    """Why an mx pattern matches no host."""

    EMPTY = "empty"
    ADDRESS = "address"
    WILDCARD = "wildcard"
    """`*` anywhere but as the whole first label."""
    TRAILING_DOT = "trailing-dot"
    U_LABEL = "u-label"
    NOT_A_HOST = "not-a-host"


def pattern_problem(pattern: str) -> PatternProblem | None:
    """What is wrong with an mx pattern; None where it can match (sections 3.2 and 4.1)."""
    if not pattern:
        return PatternProblem.EMPTY
    if looks_like_address(pattern):
        return PatternProblem.ADDRESS
    if pattern.endswith("."):
        return PatternProblem.TRAILING_DOT
    name = pattern.removeprefix("*.")
    if "*" in name:
        return PatternProblem.WILDCARD
    if not name.isascii():
        return PatternProblem.U_LABEL
    return None if is_hostname(name) else PatternProblem.NOT_A_HOST


def mx_pattern_covers(pattern: str, host: str) -> bool:
    """Whether a host matches: the same name, or `*.` in place of exactly one label (section 4.1)."""
    if pattern_problem(pattern):
        return False
    wanted, name = normal(pattern), normal(host)
    if not wanted.startswith("*."):
        return name == wanted
    first, _, rest = name.partition(".")
    return bool(first) and rest == wanted[2:]


@frozen
class PolicyLine:
    """One `key: value` line; `number` counts from 1."""

    number: int
    key: str
    value: str


@frozen
class StsPolicyFile:
    """The policy as served."""

    lines: tuple[PolicyLine, ...]
    mode: Mode | None
    max_age: int | None
    """Seconds."""
    mx: tuple[str, ...]
    """The patterns as written."""
    defects: tuple[StsDefect, ...]

    @classmethod
    def parse(cls, octets: bytes) -> StsPolicyFile:
        """Read a policy file, up to 64 KiB of it. Never raises. Lines may end in CRLF or LF."""
        defects = []
        if len(octets) > MOST_POLICY_OCTETS:
            defects.append(StsDefect(StsProblem.TOO_LONG, 0, f"{len(octets)} octets"))
        try:
            text = octets[:MOST_POLICY_OCTETS].decode()
        except UnicodeDecodeError as bad:
            line = octets.count(b"\n", 0, bad.start) + 1
            defects.append(StsDefect(StsProblem.NOT_TEXT, line))
            text = octets[:MOST_POLICY_OCTETS].decode(errors="replace")
        lines, broken = _lines(text)
        first = {line.key: line for line in reversed(lines)}
        repeated = [
            StsDefect(StsProblem.REPEATED, line.number, line.key)
            for line in lines
            if line.key != "mx" and first[line.key] is not line
        ]
        patterns = [line for line in lines if line.key == "mx"]
        bad_patterns = [
            StsDefect(StsProblem.MX_BAD, line.number, line.value[:_LONGEST_SHOWN])
            for line in patterns
            if pattern_problem(line.value)
        ]
        mode, max_age = first.get("mode"), first.get("max_age")
        found = [*defects, *broken, *repeated, *bad_patterns, *_required(first)]
        return cls(
            tuple(lines),
            Mode(mode.value) if mode and mode.value in tuple(Mode) else None,
            int(max_age.value) if max_age and _DIGITS.fullmatch(max_age.value) else None,
            tuple(line.value for line in patterns),
            tuple(sorted(found, key=lambda defect: defect.position)),
        )

    @property
    def is_valid(self) -> bool:
        """Whether a sender can use it."""
        return not any(defect.problem in INVALIDATING for defect in self.defects)

    def covers(self, host: str) -> bool:
        """Whether any pattern matches the host."""
        return any(mx_pattern_covers(pattern, host) for pattern in self.mx)


def _lines(text: str) -> tuple[list[PolicyLine], list[StsDefect]]:
    lines, broken = [], []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if not line:
            continue
        key, colon, value = line.partition(":")
        if colon and _KEY.fullmatch(key):
            lines.append(PolicyLine(number, key, value.strip(" \t")))
        else:
            broken.append(StsDefect(StsProblem.MALFORMED, number, line[:_LONGEST_SHOWN]))
    return lines, broken


def _required(first: dict[str, PolicyLine]) -> list[StsDefect]:
    found = []
    version, mode, max_age = first.get("version"), first.get("mode"), first.get("max_age")
    if version is None:
        found.append(StsDefect(StsProblem.VERSION_MISSING, 0))
    elif version.value != VERSION:
        found.append(StsDefect(StsProblem.VERSION_INVALID, version.number, version.value[:_LONGEST_SHOWN]))
    if mode is None:
        found.append(StsDefect(StsProblem.MODE_MISSING, 0))
    elif mode.value not in tuple(Mode):
        found.append(StsDefect(StsProblem.MODE_INVALID, mode.number, mode.value[:_LONGEST_SHOWN]))
    if max_age is None:
        found.append(StsDefect(StsProblem.MAX_AGE_MISSING, 0))
    elif not _DIGITS.fullmatch(max_age.value) or int(max_age.value) > LONGEST_MAX_AGE:
        found.append(StsDefect(StsProblem.MAX_AGE_INVALID, max_age.number, max_age.value[:_LONGEST_SHOWN]))
    if "mx" not in first and (mode is None or mode.value != Mode.NONE):
        found.append(StsDefect(StsProblem.MX_MISSING, 0))
    return found
