"""ManageSieve responses (RFC 5804 sections 1.2 and 4), read tolerantly: strings, literals, status, capabilities."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen

from .imap import ResponseEnd, grouped
from .lines import content, has_bare_cr, has_bare_lf, is_whole
from .transcript import visible


class Problem(enum.StrEnum):
    """What departs from RFC 5804 section 4 in an answer that could be read all the same."""

    NO_STATUS = "no-status"
    """It does not end in OK, NO or BYE."""
    UNQUOTED = "unquoted"
    """A line before the last begins with no string."""
    BARE_LF = "bare-lf"
    """A line ends in LF without CR."""
    BARE_CR = "bare-cr"
    """CR that no LF follows."""
    INCOMPLETE = "incomplete"
    """The answer was cut: no line ending, inside a literal, or before its status."""


@frozen
class Answer:
    """One answer: lines of strings, and the status that ends it."""

    status: str
    """OK, NO or BYE; empty where there is none."""
    code: str = ""
    """The response code between parentheses (RFC 5804 section 1.3), such as `TRYLATER` or `TAG "abc"`."""
    text: str = ""
    lines: tuple[tuple[str, ...], ...] = ()
    """The strings of each line before the status, unquoted."""
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """A whole positive answer."""
        return self.status == "OK" and self.complete

    @property
    def complete(self) -> bool:
        """Whether its end was heard."""
        return Problem.INCOMPLETE not in self.problems

    @property
    def capabilities(self) -> Mapping[str, str]:
        """The values of capabilities by name in upper case; empty for those without one (RFC 5804 section 1.7)."""
        found: dict[str, str] = {}
        for strings in self.lines:
            if strings:
                found.setdefault(strings[0].upper(), strings[1] if len(strings) > 1 else "")
        return found

    def __str__(self) -> str:
        code = f"({self.code})" if self.code else ""
        return " ".join(part for part in (self.status, code, self.text) if part)


class SieveEnd:
    """Finds the end of an answer: the line that begins with OK, NO or BYE, outside of literals."""

    def __init__(self) -> None:
        self._response = ResponseEnd()
        self._begins = True
        self._last = False

    def feed(self, line: bytes) -> bool:
        """See End."""
        if self._begins:
            self._last = _STATUS.match(line) is not None
        self._begins = self._response.feed(line)
        return self._begins and self._last


def parse_answer(lines: Sequence[bytes]) -> Answer:
    """The lines of one answer, each with its ending. Never raises."""
    problems: set[Problem] = set()
    end = SieveEnd()
    ended = False
    for line in lines:
        if has_bare_lf(line):
            problems.add(Problem.BARE_LF)
        if has_bare_cr(line):
            problems.add(Problem.BARE_CR)
        ended = end.feed(line) and is_whole(line)
    if not ended:
        problems.add(Problem.INCOMPLETE)
    groups = grouped(lines)
    last = b"".join(lines[at] for at in groups[-1]) if groups else b""
    found = _STATUS.match(last)
    status = found[0].decode().upper() if found else ""
    code, text = "", ""
    if found is None:
        problems.add(Problem.NO_STATUS)
    else:
        code, text = _said([lines[at] for at in groups.pop()], found.end())
    strings = [_strings(_joined([lines[at] for at in group])) for group in groups]
    if not all(strings):
        problems.add(Problem.UNQUOTED)
    return Answer(
        status, code, text, tuple(strings), tuple(problem for problem in Problem if problem in problems)
    )


def _said(lines: Sequence[bytes], begins: int) -> tuple[str, str]:
    """The response code and the text behind a status."""
    rest = _joined(lines)[begins:].strip()
    found = _CODE.match(rest)
    code = visible(found["code"]) if found else ""
    rest = rest[found.end() :].strip() if found else rest
    return code, " ".join(_strings(rest)) or visible(rest)


def _joined(lines: Sequence[bytes]) -> bytes:
    """The lines of one response without their ends; literals in it stand as quoted strings."""
    held = b""
    literal = 0
    for line in lines:
        inside, outside = line[:literal], line[literal:]
        if literal:
            literal -= len(inside)
            held += _SPECIAL.sub(rb"\\\g<0>", inside) + (b"" if literal else b'"')
        if found := _LITERAL.search(outside):
            literal = int(found["length"])
            held += outside[: found.start()] + (b'"' if literal else b'""')
        else:
            held += content(outside)
    return held


def _strings(octets: bytes) -> tuple[str, ...]:
    """The quoted strings that a line begins with."""
    found = []
    at = 0
    while string := _QUOTED.match(octets, at):
        found.append(visible(_BACKSLASH.sub(rb"\1", string[1])))
        at = string.end()
    return tuple(found)


_STATUS = re.compile(rb"(?:OK|NO|BYE)(?=[ (\r\n]|\Z)", re.IGNORECASE)
_LITERAL = re.compile(rb"\{(?P<length>[0-9]{1,10})\+?\}\r?\n\Z")
_SPECIAL = re.compile(rb'["\\]')
_BACKSLASH = re.compile(rb"\\(.)", re.DOTALL)
# Nothing in them is tried a second time: what cannot end is given up at once.
_QUOTED = re.compile(rb' *+"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_CODE = re.compile(rb'\((?P<code>(?:[^()"]++|"(?:[^"\\]++|\\.)*+")*+)\)', re.DOTALL)
