"""Probes for command injection where mail programs fetch mail: is what came in plain text obeyed under TLS?"""

from __future__ import annotations

from typing import Any, ClassVar

from diag.model.frozen import frozen
from diag.wire.transcript import Transcript

from .probe import Impact, Probe


@frozen
class ImapInjectionTalk(Probe[Transcript]):
    """STARTTLS and NOOP in one write, then LOGOUT under TLS: a sound server forgets the NOOP.

    `host` is the name sent as SNI and never resolved here. `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "imap-injection"
    impact: ClassVar[Impact] = Impact.POLITE
    evidence: ClassVar[tuple[type[Any], ...]] = (Transcript,)

    address: str
    port: int
    host: str
    timeout: float = 60.0

    @property
    def peer(self) -> str:
        """The address we connect to."""
        return self.address


@frozen
class Pop3InjectionTalk(Probe[Transcript]):
    """STLS and CAPA in one write, then CAPA and QUIT under TLS: a sound server forgets the first CAPA.

    `host` is the name sent as SNI and never resolved here. `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "pop3-injection"
    impact: ClassVar[Impact] = Impact.POLITE
    evidence: ClassVar[tuple[type[Any], ...]] = (Transcript,)

    address: str
    port: int
    host: str
    timeout: float = 60.0

    @property
    def peer(self) -> str:
        """The address we connect to."""
        return self.address
