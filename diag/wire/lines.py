"""From octets to lines: incremental, bounded, and nothing about the line endings is lost."""

from __future__ import annotations

LONGEST_LINE = 4096
"""Octets of one line, its ending included. RFC 5321 section 4.5.3.1.5 allows 512; real servers exceed it."""
MOST_OCTETS = 65536
"""Octets of one whole reply."""
MOST_LINES = 256
"""Lines of one whole reply."""


class Lines:
    """Collects octets and gives back lines, each with the ending it came with (CRLF or a bare LF).

    A line longer than `longest` comes out as a piece of that length without a line ending.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._held = bytearray()
        self._searched = 0

    def __len__(self) -> int:
        """Octets held that were not given out yet."""
        return len(self._held)

    def feed(self, octets: bytes) -> None:
        """Take what was received."""
        self._held += octets

    def next(self) -> bytes | None:
        """The next line; None while there is no whole one."""
        at = self._held.find(b"\n", self._searched, self._longest)
        if at < 0:
            self._searched = min(len(self._held), self._longest)
            return self._take(self._longest) if len(self._held) >= self._longest else None
        return self._take(at + 1)

    def rest(self) -> bytes:
        """Everything that was not given out yet; nothing is held after that."""
        return self._take(len(self._held))

    def _take(self, length: int) -> bytes:
        taken = bytes(self._held[:length])
        del self._held[:length]  # constant time: CPython moves the start of a bytearray
        self._searched = 0
        return taken


def split(octets: bytes) -> list[bytes]:
    """Octets as lines, each with its ending; a last one without an ending is kept too."""
    lines = Lines(longest=len(octets) + 1)
    lines.feed(octets)
    found = list(iter(lines.next, None))
    last = lines.rest()
    return [*found, last] if last else found


def content(line: bytes) -> bytes:
    """A line without its ending, be it CRLF or a bare LF."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def is_whole(line: bytes) -> bool:
    """Whether a line has an ending at all."""
    return line.endswith(b"\n")


def has_bare_lf(line: bytes) -> bool:
    """Whether a line ends in LF without CR (RFC 5321 section 2.3.8 allows neither alone)."""
    return line.endswith(b"\n") and not line.endswith(b"\r\n")


def has_bare_cr(line: bytes) -> bool:
    """Whether a line contains CR that no LF follows."""
    return b"\r" in content(line)
