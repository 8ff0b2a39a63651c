"""IMAP responses (RFC 9051 sections 2.2 and 7), read tolerantly: status, untagged, tagged, literals skipped."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence

from diag.model.frozen import frozen

from .lines import content, has_bare_cr, has_bare_lf, is_whole
from .transcript import visible


class Problem(enum.StrEnum):
    """What departs from RFC 9051 in a response that could be read all the same."""

    NO_TAG = "no-tag"
    """The line begins with neither `*`, `+` nor a tag and a space."""
    NO_STATUS = "no-status"
    """A greeting or tagged response without one of the words it must hold."""
    BARE_LF = "bare-lf"
    """A line ends in LF without CR."""
    BARE_CR = "bare-cr"
    """CR that no LF follows."""
    INCOMPLETE = "incomplete"
    """The response was cut: inside a literal, or before its line ending."""


@frozen
class Response:
    """One response: all of its lines up to the CRLF that is outside of literals."""

    tag: str
    """`*` untagged, `+` continuation request, or the command's tag; empty where the line has none."""
    word: str
    """The first word after the tag in upper case (after a number, the second): OK, NO, BYE, CAPABILITY, FETCH…"""
    text: str
    """What follows the word, without the response code; literals are left out."""
    code: str
    """The response code between brackets, such as `CAPABILITY IMAP4rev1` or `ALERT`; may be empty."""
    problems: tuple[Problem, ...] = ()

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Capabilities as sent, from an untagged CAPABILITY or a response code."""
        if self.word == "CAPABILITY" and self.tag == "*":
            return tuple(self.text.split())
        name, _, rest = self.code.partition(" ")
        return tuple(rest.split()) if name.upper() == "CAPABILITY" else ()

    @property
    def identity(self) -> Mapping[str, str]:
        """What an untagged ID response tells, by field in lower case; fields without a value are left out."""
        if self.tag != "*" or self.word != "ID":
            return {}
        strings = [found[1] for found in _FIELD.finditer(self.text[:MOST_IDENTITY])]
        pairs = zip(strings[::2], strings[1::2], strict=False)
        return {name.lower(): value for name, value in pairs if name is not None and value is not None}

    @property
    def tagged(self) -> bool:
        """Whether it ends a command."""
        return self.tag not in ("", "*", "+")

    def __str__(self) -> str:
        code = f"[{self.code}]" if self.code else ""
        return " ".join(part for part in (self.tag, self.word, code, self.text) if part)


class ResponseEnd:
    """Finds the end of one response: the first line ending outside of a literal."""

    def __init__(self) -> None:
        self._literal = 0

    def feed(self, line: bytes) -> bool:
        """See End. An announced literal only counts octets; nothing of its length is ever reserved."""
        rest = self._outside(line)
        if rest is None:
            return False
        if found := _LITERAL.search(rest):
            self._literal = int(found["length"])
            return False
        return True

    def _outside(self, line: bytes) -> bytes | None:
        """The part of a line that is no literal; None where the literal takes all of it."""
        if not self._literal:
            return line
        taken = min(self._literal, len(line))
        self._literal -= taken
        # A literal that ends with the line leaves the response open: more of it follows.
        return line[taken:] or None


class CommandEnd:
    """Finds the tagged response that ends a command (RFC 9051 section 2.2.2)."""

    def __init__(self, tag: bytes) -> None:
        self._tag = tag.lower()
        self._response = ResponseEnd()
        self._begins = True
        self._ours = False

    def feed(self, line: bytes) -> bool:
        """See End. A BYE does not end a command: the tagged response may still follow."""
        if self._begins:
            self._ours = line.split(b" ", 1)[0].strip().lower() == self._tag
        self._begins = self._response.feed(line)
        return self._begins and self._ours


def parse_responses(lines: Sequence[bytes]) -> list[Response]:
    """Lines, each with its ending, as responses. Never raises."""
    return [parse_response([lines[at] for at in group]) for group in grouped(lines)]


def grouped(lines: Sequence[bytes]) -> list[list[int]]:
    """The indexes of the lines that belong together as one response."""
    groups: list[list[int]] = []
    end = ResponseEnd()
    begins = True
    for at, line in enumerate(lines):
        if begins:
            groups.append([])
        groups[-1].append(at)
        begins = end.feed(line)
    return groups


def responses(lines: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """Lines with the places where they stand, as responses: the place where each begins, and its lines."""
    for group in grouped([line for _, line in lines]):
        yield lines[group[0]][0], [lines[at][1] for at in group]


def parse_response(lines: Sequence[bytes]) -> Response:
    """The lines of one response. Never raises."""
    problems: set[Problem] = set()
    head = b""
    ended = False
    end = ResponseEnd()
    literal = 0
    for line in lines:
        if has_bare_lf(line):
            problems.add(Problem.BARE_LF)
        if not literal and has_bare_cr(line):
            problems.add(Problem.BARE_CR)
        ended = end.feed(line) and is_whole(line)
        outside = line[literal:]
        literal = max(0, literal - len(line))
        if outside and (found := _LITERAL.search(outside)):
            literal = int(found["length"])
            outside = outside[: found.start()]
        head += content(outside)
    if not ended:
        problems.add(Problem.INCOMPLETE)
    return _response(visible(head), problems)


def _response(text: str, problems: set[Problem]) -> Response:
    tag, _, rest = text.partition(" ")
    if not _TAG.fullmatch(tag) or (not rest and tag != "+"):
        problems.add(Problem.NO_TAG)
        return Response("", "", text, "", _ordered(problems))
    if tag == "+":
        return Response(tag, "", rest, "", _ordered(problems))
    word, _, rest = rest.lstrip(" ").partition(" ")
    if tag == "*" and word.isdigit():
        number, (word, _, rest) = word, rest.lstrip(" ").partition(" ")
        rest = f"{number} {rest}".rstrip()
    word = word.upper()
    code = ""
    if word in _STATUSES and (found := _RESPONSE_CODE.match(rest)):
        code, rest = found["code"], rest[found.end() :]
    if tag != "*" and word not in ("OK", "NO", "BAD"):
        problems.add(Problem.NO_STATUS)
    return Response(tag, word, rest.strip(), code, _ordered(problems))


def _ordered(problems: set[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in Problem if problem in problems)


MOST_IDENTITY = 4096
"""Characters of an ID response that are read; RFC 2971 section 3.3 allows 30 fields."""
# Strings, and NIL in the place of one; nothing in a string is tried a second time.
_FIELD = re.compile(r'"((?:[^"\\]++|\\.)*+)"|(?<![^\s(])NIL(?![^\s)])', re.IGNORECASE)
_STATUSES = frozenset({"OK", "NO", "BAD", "PREAUTH", "BYE"})
# Ten digits are the most a 32-bit length takes; RFC 7888 adds the plus, RFC 3516 the tilde.
_LITERAL = re.compile(rb"~?\{(?P<length>[0-9]{1,10})\+?\}\r?\n\Z")
_TAG = re.compile(r"[^\s(){%\"\\\]\x00-\x1f\x7f]{1,256}")
_RESPONSE_CODE = re.compile(r" *\[(?P<code>[^\]]*)\] ?")
