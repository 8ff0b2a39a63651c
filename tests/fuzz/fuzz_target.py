"""What a fuzz target is: a reader of octets, the words of its grammar, and whole inputs to spoil."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

LARGEST = 65535
"""Octets of the largest input that is tried: a DNS message, and more than any reply or policy."""
HOSTILE = (b"\0", b"\xff", b"\xc3\x28", "\u202e".encode(), b"\r", b"\n", b"%", b'"', b"\\", b"9" * 20, b"-1")
"""Pieces that no grammar expects."""


@dataclass(frozen=True)
class Target:
    """One reader."""

    name: str
    read: Callable[[bytes], object]
    words: tuple[bytes, ...]
    seeds: tuple[bytes, ...] = ()
    begins: bytes = b""
    """What an input must begin with to be read at all."""
    refuses: tuple[type[Exception], ...] = ()
    """What it documents to raise."""

    def try_on(self, octets: bytes) -> None:
        """Read, and look at everything. Raises what nobody may raise."""
        try:
            look(self.read(octets))
        except self.refuses:
            return

    def made(self, rng: random.Random) -> bytes:
        """An input: words of the grammar, hostile pieces, or a whole input spoilt."""
        if self.seeds and rng.random() < 0.5:
            return spoilt(rng.choice(self.seeds), rng)
        pieces = [
            rng.choice(self.words if rng.random() < 0.85 else HOSTILE) for _ in range(rng.randint(0, 30))
        ]
        return (self.begins if rng.random() < 0.9 else b"") + b"".join(pieces)

    def grown(
        self, octets: int, *, pairs: bool = False, least: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Inputs of about so many octets with what they are made of: the same for every size over `least`.

        Each is a word (or two of them) over and over, or the word behind ever new names, and all of those again.
        """
        for first in self.words:
            for second in (b"", *self.words) if pairs else (b"",):
                unit = first + second
                if len(unit) <= (least or octets) // 8:
                    yield unit, self.begins + unit * (octets // len(unit))
            named = b"".join(b"x%d%b" % (number, first) for number in range(octets // (2 * len(first) + 8)))
            yield b"x1" + first, self.begins + named * 2


def spoilt(seed: bytes, rng: random.Random) -> bytes:
    """A whole input with a few octets changed, removed, repeated or cut off."""
    octets = bytearray(seed)
    for _ in range(rng.randint(0, 4)):
        at = rng.randint(0, len(octets))
        match rng.randint(0, 4):
            case 0:
                octets[at : at + 1] = bytes([rng.randint(0, 255)])
            case 1:
                del octets[at : at + rng.randint(1, 8)]
            case 2:
                octets[at:at] = octets[at : at + rng.randint(1, 40)]
            case 3:
                octets[at:at] = rng.choice(HOSTILE)
            case _:
                del octets[at:]
    return bytes(octets)


def look(value: Any, depth: int = 4) -> None:
    """Ask a result for everything it can tell."""
    if depth == 0:
        return
    if isinstance(value, tuple | list):
        for item in value[:12]:
            look(item, depth - 1)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return
    str(value)
    for field in dataclasses.fields(value):
        look(getattr(value, field.name), depth - 1)
    for kind in type(value).__mro__:
        for name, attribute in vars(kind).items():
            if isinstance(attribute, property | cached_property):
                look(getattr(value, name), depth - 1)
