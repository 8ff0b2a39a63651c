"""The question, and what comes back: plain values that go on tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diag.api import Impact, Probe


@dataclass(frozen=True)
class SieveGreeting:
    """What a ManageSieve server said before anything was asked of it, raw."""

    octets: bytes = b""
    trouble: str = ""
    """Why there is no greeting, or only the beginning of one; empty where it came whole."""


@dataclass(frozen=True, slots=True)
class SieveHello(Probe[SieveGreeting]):
    """Connect to a ManageSieve server, hear its greeting, log out."""

    kind: ClassVar[str] = "sieve-hello"
    impact: ClassVar[Impact] = Impact.POLITE

    host: str
    address: str
    port: int

    @property
    def peer(self) -> str:
        """Whose patience it spends."""
        return self.address

    def command(self) -> str:
        """The same by hand."""
        return f"nc {self.address} {self.port}"

    def __str__(self) -> str:
        return f"ManageSieve at {self.host} [{self.address}]:{self.port}"
