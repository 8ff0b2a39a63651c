"""Everything that can differ between two runs is a probe: the moment and a random label among it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from diag.model.frozen import frozen

from .probe import Impact, Probe


@frozen
class Moment:
    """A point in time, in UTC."""

    at: datetime


@frozen
class Now(Probe[Moment]):
    """The moment of the run; everything is judged at it."""

    kind: ClassVar[str] = "now"


@frozen
class Label:
    """A DNS label of sixteen random letters."""

    text: str


@frozen
class Nonce(Probe[Label]):
    """A label that nobody can have published; one a run."""

    kind: ClassVar[str] = "nonce"


@frozen
class Source:
    """The address this machine would send from; empty where it has no route."""

    address: str


@frozen
class Route(Probe[Source]):
    """Whether this machine has a route to the public network of a family (4 or 6); sends nothing."""

    kind: ClassVar[str] = "route"

    family: int


@frozen
class Reached:
    """What became of a connection: "" when it opened, else why not; and the first line the peer said."""

    trouble: str
    line: str = ""
    took_ms: int = 0


@frozen
class Reach(Probe[Reached]):
    """Open a connection to a host that is known to answer; where hosts speak first, hear it and say QUIT."""

    kind: ClassVar[str] = "reach"
    impact: ClassVar[Impact] = Impact.POLITE

    host: str
    address: str
    port: int

    @property
    def peer(self) -> str:
        """The address."""
        return self.address
