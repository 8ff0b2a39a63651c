"""Logos for BIMI: an SVG document judged as data by the SVG Tiny Portable/Secure profile, and never rendered.

The document comes from a stranger. It is read with expat directly, a document type declaration ends the
reading (so there are no entities to expand and nothing external to fetch), and gzip is inflated up to a limit.
"""

from __future__ import annotations

import enum
import re
import zlib
from dataclasses import dataclass, field
from xml.parsers import expat

from diag.model.frozen import frozen

MOST_OCTETS = 32 * 1024
"""The largest logo, after inflating, that receivers are asked to take (BIMI draft section 5)."""
MOST_INFLATED = 256 * 1024
"""Octets that are inflated and read: whatever is beyond is too large by far."""
SVG = "http://www.w3.org/2000/svg"
_MOST_DEPTH = 128
_MOST_DEFECTS = 20
_LONGEST_SHOWN = 80
_GZIP = b"\x1f\x8b"

# Elements by their names in lower case: some programs that show them do not mind the case.
_ANIMATIONS = frozenset({"animate", "animatecolor", "animatemotion", "animatetransform", "set", "animation"})
_SCRIPTS = frozenset({"script", "handler", "listener", "discard"})
_RASTERS = frozenset({"image", "video", "audio", "foreignobject"})
_EFFECTS = frozenset({"filter"})
_REFERENCES = frozenset({"href", "src", "xml:base", "base"})
_URL = re.compile(r"url\(\s*[\"']?\s*(?!#)[^)]", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\+?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?:px)?\s*")


class SvgProblem(enum.StrEnum):
    """What the profile does not allow."""

    NOT_SVG = "not-svg"
    """No XML, or the root element is another."""
    NOT_INFLATABLE = "not-inflatable"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    DOCTYPE = "doctype"
    VERSION = "version"
    PROFILE = "profile"
    TITLE_MISSING = "title-missing"
    POSITIONED = "positioned"
    """`x` or `y` on the root element."""
    NOT_SQUARE = "not-square"
    SCRIPT = "script"
    ANIMATION = "animation"
    RASTER = "raster"
    EFFECT = "effect"
    EXTERNAL = "external"


@frozen
class SvgDefect:
    """One problem; `line` counts from 1, 0 where no line is meant."""

    problem: SvgProblem
    line: int = 0
    text: str = ""


@frozen
class SvgImage:
    """A parsed logo, however broken."""

    octets: bytes
    """The document after inflating; cut where it is longer than MOST_INFLATED."""
    title: str
    defects: tuple[SvgDefect, ...]
    """In the order of the document; at most twenty."""

    @classmethod
    def parse(cls, octets: bytes) -> SvgImage:
        """Read a logo, gzipped or not. Never raises."""
        plain = inflated(octets)
        if plain is None:
            return cls(b"", "", (SvgDefect(SvgProblem.NOT_INFLATABLE),))
        defects = []
        if len(plain) > MOST_OCTETS:
            beyond = "more than " if len(plain) > MOST_INFLATED else ""
            size = f"{beyond}{min(len(plain), MOST_INFLATED)} octets"
            defects.append(SvgDefect(SvgProblem.TOO_LARGE, 0, size))
        if len(plain) > MOST_INFLATED:
            return cls(plain[:MOST_INFLATED], "", tuple(defects))
        reading = _Reading()
        reading.read(plain)
        return cls(plain, reading.title.strip(), (*defects, *reading.defects[:_MOST_DEFECTS]))


def inflated(octets: bytes) -> bytes | None:
    """The octets, inflated where they are gzip (RFC 1952), at most one more than MOST_INFLATED.

    None where they begin as gzip and cannot be inflated to their end.
    """
    if not octets.startswith(_GZIP):
        return octets[: MOST_INFLATED + 1]
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(octets, MOST_INFLATED + 1)
    except zlib.error:
        return None
    return plain if inflater.eof or len(plain) > MOST_INFLATED else None


class _Refused(Exception):
    """The reading ends here."""


@dataclass
class _Reading:
    """What the handlers have seen so far."""

    defects: list[SvgDefect] = field(default_factory=list)
    depth: int = 0
    title: str = ""
    in_title: bool = False

    def read(self, octets: bytes) -> None:
        """Read it all, or as far as it goes."""
        # Names come as "namespace name": a prefix is the author's choice.
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        try:
            self.parser.Parse(octets, True)
        except _Refused:
            return
        except (expat.ExpatError, LookupError, ValueError) as broken:  # the latter two: strange encodings
            self._found(SvgProblem.NOT_SVG, str(broken))
            return
        finally:
            del self.parser  # which holds us by its handlers
        if not self.title.strip():
            self.defects.append(SvgDefect(SvgProblem.TITLE_MISSING))

    def _found(self, problem: SvgProblem, text: str = "") -> None:
        if len(self.defects) < _MOST_DEFECTS:
            self.defects.append(SvgDefect(problem, self.parser.CurrentLineNumber, text[:_LONGEST_SHOWN]))

    def _doctype(self, name: str, *_: object) -> None:
        self._found(SvgProblem.DOCTYPE, name)
        raise _Refused

    def _instruction(self, target: str, _: str) -> None:
        if target == "xml-stylesheet":
            self._found(SvgProblem.EXTERNAL, target)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self.depth == _MOST_DEPTH:
            self._found(SvgProblem.TOO_DEEP)
            raise _Refused
        self.depth += 1
        if self.depth == 1:
            if (namespace, local) != (SVG, "svg"):
                self._found(SvgProblem.NOT_SVG, local)
                raise _Refused
            self._root(attributes)
        self.in_title = self.depth == 2 and (namespace, local) == (SVG, "title")
        for names, problem in (
            (_SCRIPTS, SvgProblem.SCRIPT),
            (_ANIMATIONS, SvgProblem.ANIMATION),
            (_RASTERS, SvgProblem.RASTER),
            (_EFFECTS, SvgProblem.EFFECT),
        ):
            if local.lower() in names:
                self._found(problem, local)
        for attribute, value in attributes.items():
            self._attribute(attribute.rpartition(" ")[2], value)

    def _root(self, attributes: dict[str, str]) -> None:
        version, profile = attributes.get("version", ""), attributes.get("baseProfile", "")
        if version != "1.2":
            self._found(SvgProblem.VERSION, version)
        if profile != "tiny-ps":
            self._found(SvgProblem.PROFILE, profile)
        for name in ("x", "y"):
            if name in attributes:
                self._found(SvgProblem.POSITIONED, name)
        sides = _sides(attributes)
        if sides is not None and sides[0] != sides[1]:
            self._found(SvgProblem.NOT_SQUARE, f"{sides[0]:g} by {sides[1]:g}")

    def _attribute(self, name: str, value: str) -> None:
        if (name in _REFERENCES and not value.strip().startswith("#")) or _URL.search(value):
            self._found(SvgProblem.EXTERNAL, value)
        elif name.lower().startswith("on"):
            self._found(SvgProblem.SCRIPT, name)

    def _text(self, text: str) -> None:
        if self.in_title and len(self.title) < _LONGEST_SHOWN:
            self.title += text[:_LONGEST_SHOWN]

    def _end(self, _: str) -> None:
        self.depth -= 1
        self.in_title = False


def _sides(attributes: dict[str, str]) -> tuple[float, float] | None:
    """Width and height of the view box, else of the image; None where they are not numbers."""
    box = attributes.get("viewBox", "").replace(",", " ").split()
    written = box[2:] if len(box) == 4 else [attributes.get("width", ""), attributes.get("height", "")]
    numbers = [_NUMBER.fullmatch(each[:_LONGEST_SHOWN]) for each in written]
    if any(number is None for number in numbers):
        return None
    width, height = (float(number[1]) for number in numbers if number is not None)
    return width, height
