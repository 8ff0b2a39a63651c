"""SMTP replies (RFC 5321 section 4.2) and the EHLO reply (section 4.1.1.1), read tolerantly."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen

from .lines import content, has_bare_cr, has_bare_lf, is_whole
from .transcript import visible

STANDARD_LINE = 512
"""Octets of a reply line, CRLF included (RFC 5321 section 4.5.3.1.5)."""


class Problem(enum.StrEnum):
    """What departs from RFC 5321 section 4.2 in a reply that could be read all the same."""

    NO_CODE = "no-code"
    """A line does not begin with three digits."""
    CODE_RANGE = "code-range"
    """The code is not [2-5][0-5][0-9]."""
    NO_SPACE = "no-space"
    """The code is followed by neither a space nor a hyphen: the line holds a code alone, or text glued to it."""
    CODES_DIFFER = "codes-differ"
    """The lines of one reply have different codes (section 4.2.1)."""
    BARE_LF = "bare-lf"
    """A line ends in LF without CR (section 2.3.8)."""
    BARE_CR = "bare-cr"
    """CR that no LF follows (section 2.3.8)."""
    LONG_LINE = "long-line"
    """A line of more than 512 octets (section 4.5.3.1.5)."""
    INCOMPLETE = "incomplete"
    """The reply was cut: its last line is missing or has no ending."""


@frozen
class Reply:
    """One reply, whole or cut."""

    code: int
    """The code of the last line, as senders take it; 0 where there is none."""
    lines: tuple[str, ...]
    """What follows the code on each line, enhanced status codes included; may hold control characters."""
    enhanced: str = ""
    """The enhanced status code (RFC 2034 section 4, RFC 3463 section 2) of the last line, or empty."""
    problems: tuple[Problem, ...] = ()

    @property
    def text(self) -> str:
        """The lines as one, without enhanced status codes; safe to show."""
        bare = (line[found.end() :] if (found := _ENHANCED.match(line)) else line for line in self.lines)
        return visible(" ".join(line.strip(" \t") for line in bare).strip(" "))

    @property
    def complete(self) -> bool:
        """Whether its last line was heard."""
        return Problem.INCOMPLETE not in self.problems

    @property
    def positive(self) -> bool:
        """A whole 2yz reply."""
        return self.kind == 2 and self.complete

    @property
    def kind(self) -> int:
        """The first digit: 2 done, 3 go on, 4 not now, 5 no; 0 where there is no code."""
        return self.code // 100

    def __str__(self) -> str:
        code = f"{self.code:03d}" if self.code else ""
        return " ".join(part for part in (code, self.enhanced, self.text) if part)


@frozen
class Keyword:
    """One line of an EHLO reply after the first."""

    name: str
    """In upper case: keywords are case-insensitive (RFC 5321 section 2.4)."""
    parameters: tuple[str, ...]
    line: str
    """As it was sent, made safe to show."""
    well_formed: bool
    """RFC 5321 section 4.1.1.1: letter or digit, then letters, digits, hyphens; printable parameters."""


@frozen
class EhloReply:
    """What a server offers (RFC 5321 section 4.1.1.1)."""

    name: str
    """The domain or address literal that the first line begins with; may be empty."""
    greet: str
    """The rest of the first line."""
    offered: tuple[Keyword, ...]
    """Every line in order, duplicates kept."""

    @property
    def keywords(self) -> Mapping[str, tuple[str, ...]]:
        """Parameters by keyword in upper case; those of duplicates joined, each once."""
        found: dict[str, tuple[str, ...]] = {}
        for keyword in self.offered:
            found[keyword.name] = tuple(dict.fromkeys((*found.get(keyword.name, ()), *keyword.parameters)))
        return found

    def offers(self, keyword: str) -> bool:
        """Whether a keyword is there, in whatever case."""
        return any(each.name == keyword.upper() for each in self.offered)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms in upper case from AUTH (RFC 4954 section 3) and from its old form AUTH=."""
        found = [word for name, words in self.keywords.items() if name in ("AUTH", "AUTH=") for word in words]
        return tuple(dict.fromkeys(word.upper() for word in found))

    @property
    def masked(self) -> tuple[str, ...]:
        """Keywords that something between us and the server has overwritten with a run of X."""
        return tuple(each.name for each in self.offered if _MASKED.fullmatch(each.name))


class SmtpEnd:
    """Finds the last line of a reply: the first one that does not announce another by a hyphen."""

    def __init__(self) -> None:
        self._within = False

    def feed(self, line: bytes) -> bool:
        """See End. Garbage ends a reply that has not begun, and is swallowed inside of one that has."""
        found = _LINE.match(content(line))
        if found is None:
            return not self._within
        self._within = found["mark"] == b"-"
        return not self._within


def parse_reply(lines: Sequence[bytes]) -> Reply:
    """The lines of one reply, each with its ending. Never raises."""
    problems: set[Problem] = set()
    codes: list[int] = []
    texts: list[str] = []
    ended = False
    end = SmtpEnd()
    for line in lines:
        problems |= _line_problems(line)
        ended = end.feed(line) and is_whole(line)
        if not is_whole(line) and _BEGUN.fullmatch(line):
            continue  # cut before it could be told from a proper line
        found = _LINE.match(content(line))
        if found is None:
            problems.add(Problem.NO_CODE)
            texts.append(_decoded(content(line)))
            continue
        codes.append(int(found["code"]))
        if not _CODE.fullmatch(found["code"]):
            problems.add(Problem.CODE_RANGE)
        if not found["mark"]:
            problems.add(Problem.NO_SPACE)
        texts.append(_decoded(found["text"]))
    if len(set(codes)) > 1:
        problems.add(Problem.CODES_DIFFER)
    if not ended:
        problems.add(Problem.INCOMPLETE)
    enhanced = _ENHANCED.match(texts[-1]) if texts and codes else None
    return Reply(
        codes[-1] if codes else 0,
        tuple(texts),
        enhanced["status"] if enhanced else "",
        tuple(problem for problem in Problem if problem in problems),
    )


def parse_ehlo(reply: Reply) -> EhloReply:
    """What a positive reply to EHLO offers. Never raises."""
    name, _, greet = (reply.lines[0] if reply.lines else "").strip().partition(" ")
    return EhloReply(name, greet.strip(), tuple(_keyword(line) for line in reply.lines[1:] if line.strip()))


def _keyword(line: str) -> Keyword:
    name, *parameters = line.split()
    if name.upper().startswith("AUTH="):
        name, first = name[:5], name[5:]
        parameters = [first, *parameters] if first else parameters
    well_formed = bool(_KEYWORD.fullmatch(name)) or name.upper() == "AUTH="
    plain = all(parameter.isascii() and parameter.isprintable() for parameter in parameters)
    return Keyword(name.upper(), tuple(parameters), visible(line), well_formed and plain)


def _line_problems(line: bytes) -> set[Problem]:
    found = set()
    if has_bare_lf(line):
        found.add(Problem.BARE_LF)
    if has_bare_cr(line):
        found.add(Problem.BARE_CR)
    if len(line) > STANDARD_LINE:
        found.add(Problem.LONG_LINE)
    return found


def _decoded(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


_LINE = re.compile(rb"(?P<code>[0-9]{3})(?P<mark>[ -]?)(?P<text>.*)", re.DOTALL)
_BEGUN = re.compile(rb"[0-9]{0,3}")
_CODE = re.compile(rb"[2-5][0-5][0-9]")
_ENHANCED = re.compile(r"[ \t]*(?P<status>[245]\.[0-9]{1,3}\.[0-9]{1,3})(?=[ \t]|$)")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_MASKED = re.compile(r"X{4,}[A-Z]?")
