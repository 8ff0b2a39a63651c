"""A probe for command pipelining: are commands that were sent together all answered (RFC 2920)?"""

from __future__ import annotations

from typing import Any, ClassVar

from diag.model.frozen import frozen
from diag.wire.transcript import Transcript

from .probe import Impact, Probe


@frozen
class PipeliningTalk(Probe[Transcript]):
    """NOOP alone, then RSET, RSET and NOOP in one write, under TLS where STARTTLS is offered.

    `host` is the name sent as SNI and never resolved here. `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "smtp-pipelining"
    impact: ClassVar[Impact] = Impact.POLITE
    evidence: ClassVar[tuple[type[Any], ...]] = (Transcript,)

    address: str
    port: int
    host: str
    helo: str
    timeout: float = 60.0

    @property
    def peer(self) -> str:
        """The address we connect to."""
        return self.address
