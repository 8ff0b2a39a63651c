"""A probe for command injection: does a server obey under TLS what came in plain text before it?"""

from __future__ import annotations

from typing import Any, ClassVar

from diag.model.frozen import frozen
from diag.wire.transcript import Transcript

from .probe import Impact, Probe


@frozen
class InjectionTalk(Probe[Transcript]):
    """STARTTLS and NOOP in one write, then EHLO and QUIT under TLS: a sound server forgets the NOOP.

    `host` is the name sent as SNI and never resolved here. `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "smtp-injection"
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
