"""Three kinds of not knowing, kept apart: absent, unavailable, and a value with nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Generic, TypeVar

from diag.model.frozen import frozen

T = TypeVar("T")


@frozen
class Cite:
    """A place in the evidence: a probe that was run and, in a dialogue, the index of one event of it.

    ``probe`` is the key under which the tape keeps what was seen; ``event`` is None for the whole.
    """

    probe: object
    event: int | None = None


@frozen
class Absent:
    """We asked, and there is none."""

    because: str = ""
    evidence: tuple[Cite, ...] = ()


@frozen
class Unavailable:
    """We could not find out, and why: never to be read as "there is none"."""

    because: str
    evidence: tuple[Cite, ...] = ()


@frozen
class Many(Generic[T]):
    """One value per subject (host, address, endpoint, selector); not knowing is per subject too."""

    items: Mapping[str, T | Absent | Unavailable] = field(default_factory=dict)

    def values(self) -> Iterator[T]:
        """The values that are known, in the order of their subjects."""
        for value in self.items.values():
            if not isinstance(value, Absent | Unavailable):
                yield value

    def unknown(self) -> Iterator[tuple[str, Unavailable]]:
        """The subjects that could not be determined, each with the reason."""
        for subject, value in self.items.items():
            if isinstance(value, Unavailable):
                yield subject, value

    def get(self, subject: str) -> T | Absent | Unavailable | None:
        """What is known of one subject; None where the subject does not occur."""
        return self.items.get(subject)

    def __len__(self) -> int:
        return len(self.items)


def items_of(found: Many[T] | Absent | Unavailable) -> Mapping[str, T | Absent | Unavailable]:
    """By subject; nothing where it is not known which subjects there are."""
    return found.items if isinstance(found, Many) else {}
