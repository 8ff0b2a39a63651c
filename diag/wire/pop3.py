"""POP3 responses (RFC 1939 section 3) and CAPA (RFC 2449 section 5), read tolerantly."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen

from .lines import content, has_bare_cr, has_bare_lf, is_whole
from .transcript import visible


class Problem(enum.StrEnum):
    """What departs from RFC 1939 section 3 in a response that could be read all the same."""

    NO_STATUS = "no-status"
    """The first line begins with neither `+OK` nor `-ERR`."""
    LOWER_CASE = "lower-case"
    """The status indicator is not in upper case."""
    BARE_LF = "bare-lf"
    """A line ends in LF without CR."""
    BARE_CR = "bare-cr"
    """CR that no LF follows."""
    INCOMPLETE = "incomplete"
    """The response was cut: no line ending, or no line with a lone dot."""


_CODES = ("IN-USE", "LOGIN-DELAY", "SYS/TEMP", "SYS/PERM", "AUTH")
"""Those that are registered (RFC 2449 section 8.1, RFC 3206 sections 4 and 5)."""


@frozen
class Response:
    """One response; `lines` are those after the first, dot-stuffing undone."""

    status: str
    """`+OK`, `-ERR`, or empty."""
    text: str
    code: str = ""
    """The extended response code between brackets (RFC 2449 section 8), such as `IN-USE`."""
    lines: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def known_code(self) -> str:
        """The code in upper case, without detail that nobody need know (RFC 2449 section 8): of `SYS/TEMP/DB` SYS/TEMP."""
        code = self.code.upper()
        return next((known for known in _CODES if f"{code}/".startswith(f"{known}/")), code)

    @property
    def ok(self) -> bool:
        """A whole positive response."""
        return self.status == "+OK" and self.complete

    @property
    def complete(self) -> bool:
        """Whether its end was heard."""
        return Problem.INCOMPLETE not in self.problems

    @property
    def capabilities(self) -> Mapping[str, tuple[str, ...]]:
        """The lines of a CAPA response: parameters by capability in upper case."""
        found: dict[str, tuple[str, ...]] = {}
        for line in self.lines:
            name, *parameters = line.split() or [""]
            if name:
                found[name.upper()] = tuple(dict.fromkeys((*found.get(name.upper(), ()), *parameters)))
        return found

    @property
    def timestamp(self) -> str:
        """The APOP timestamp of a greeting with its angle brackets (RFC 1939 section 7); empty without one."""
        found = _TIMESTAMP.search(self.text)
        return found[0] if found else ""

    def __str__(self) -> str:
        code = f"[{self.code}]" if self.code else ""
        return " ".join(part for part in (self.status, code, self.text) if part)


class PopEnd:
    """Finds the end of a response: its first line, or with `many` after +OK a line with a lone dot."""

    def __init__(self, many: bool) -> None:
        self._many = many
        self._begun = False

    def feed(self, line: bytes) -> bool:
        """See End."""
        if not self._begun:
            self._begun = True
            return not (self._many and _status(content(line)) == "+OK")
        return content(line) == b"."


def parse_response(lines: Sequence[bytes], *, many: bool) -> Response:
    """The lines of one response; `many` where a positive one has more than its first line. Never raises."""
    problems: set[Problem] = set()
    end = PopEnd(many)
    ended = False
    for line in lines:
        if has_bare_lf(line):
            problems.add(Problem.BARE_LF)
        if has_bare_cr(line):
            problems.add(Problem.BARE_CR)
        ended = end.feed(line) and is_whole(line)
    if not ended:
        problems.add(Problem.INCOMPLETE)
    first = content(lines[0]) if lines else b""
    status = _status(first)
    if not status:
        problems.add(Problem.NO_STATUS)
    elif not first.startswith(status.encode()):
        problems.add(Problem.LOWER_CASE)
    text = visible(first[len(status) :]).strip()
    code = ""
    if found := _CODE.match(text):
        code, text = found["code"], text[found.end() :]
    more = [content(line) for line in lines[1:]]
    if more and ended and many:
        more.pop()
    unstuffed = (line[1:] if line.startswith(b".") else line for line in more)
    return Response(
        status,
        text,
        code,
        tuple(visible(line) for line in unstuffed),
        tuple(problem for problem in Problem if problem in problems),
    )


def _status(line: bytes) -> str:
    upper = line[:4].upper()
    if upper.startswith(b"+OK"):
        return "+OK"
    return "-ERR" if upper == b"-ERR" else ""


_TIMESTAMP = re.compile(r"<[^<>\s@]{1,512}@[^<>\s@]{1,512}>")
_CODE = re.compile(r"\[(?P<code>[A-Za-z0-9/_.-]{1,64})\] ?")
