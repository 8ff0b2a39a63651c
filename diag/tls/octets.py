"""Reading numbers and vectors from octets, in the presentation language of TLS (RFC 8446 section 3): never raising."""

from __future__ import annotations

from collections.abc import Iterator


class Octets:
    """Octets that are taken from the front. Where there are too few, what is there is given and `short` set."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0
        self.short = False

    def __len__(self) -> int:
        return len(self._octets) - self._at

    def take(self, count: int) -> bytes:
        """So many octets."""
        taken = self._octets[self._at : self._at + count]
        self._at += len(taken)
        self.short = self.short or len(taken) < count
        return taken

    def number(self, octets: int) -> int:
        """A number of so many octets; 0 where there are none left."""
        return int.from_bytes(self.take(octets))

    def vector(self, octets: int) -> bytes:
        """A vector whose length stands before it in so many octets."""
        return self.take(self.number(octets))

    def numbers(self, octets: int) -> tuple[int, ...]:
        """A vector of numbers of two octets, its length in so many."""
        listed = Octets(self.vector(octets))
        return tuple(listed.number(2) for _ in range(len(listed) // 2))

    def extensions(self) -> Iterator[tuple[int, bytes]]:
        """The extensions at the end of a hello, type and content; none where it ends before them."""
        if len(self):
            listed = Octets(self.vector(2))
            while len(listed) >= 4:
                yield listed.number(2), listed.vector(2)
