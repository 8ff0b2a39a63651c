"""A probe is a value: one thing to ask the world. A lab turns probes into evidence."""

from __future__ import annotations

import enum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Impact(enum.IntEnum):
    """What asking costs others."""

    PASSIVE = 0
    """Nothing that leaves this machine, or a question any resolver answers all day."""
    POLITE = 1
    """An ordinary connection, as any client makes it."""
    INTRUSIVE = 2
    """Only when the user asks for it."""


class Probe(Generic[E]):
    """One thing to ask; subclasses are frozen dataclasses: hashable, comparable, serialisable.

    A subclass sets `kind`, its name on tape, and `evidence`, the types of what may come back, all of
    them dataclasses that cattrs can turn into JSON and back (see diag.lab.tape).
    """

    kind: ClassVar[str]
    impact: ClassVar[Impact] = Impact.PASSIVE

    @property
    def peer(self) -> str | None:
        """Whose patience it spends: the limiter's key; None for what costs nobody anything."""
        return None

    def announcement(self) -> str:
        """What it is about to do to its peer, told before an intrusive probe is run; empty: its kind is told."""
        return ""

    def command(self) -> str:
        """A command by which a reader can see the same for himself; empty where there is none."""
        return ""


class Lab(Protocol):
    """The one door to the world."""

    async def run(self, probe: Probe[E]) -> E:
        """The evidence for a probe. Never raises for anything the world does."""
        ...


class NotRecorded(LookupError):
    """A replay was asked for something its tape does not hold. Ends the gathering that met it."""

    def __init__(self, probe: Probe[Any]) -> None:
        super().__init__(f"not on the tape: {probe}")
        self.probe = probe
