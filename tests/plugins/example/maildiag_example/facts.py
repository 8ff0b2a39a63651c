"""What the evidence means, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Cite


@dataclass(frozen=True, slots=True)
class SieveServer:
    """A ManageSieve server that the domain names, and what it offers before TLS."""

    host: str
    address: str
    port: int
    implementation: str
    starttls: bool
    mechanisms: tuple[str, ...]
    """SASL mechanisms offered before TLS."""
    asked: tuple[Cite, ...]


@dataclass(frozen=True, slots=True)
class SieveEcho:
    """Whether a ManageSieve server gives back the tag of a NOOP (RFC 5804 section 2.13)."""

    host: str
    port: int
    given_back: bool
    asked: tuple[Cite, ...]


def capabilities(greeting: bytes) -> dict[str, str]:
    """The capabilities of a greeting: name in upper case, and its value or "" (RFC 5804 section 1.7)."""
    found = {}
    for line in greeting.decode("utf-8", "replace").split("\r\n"):
        parts = line.split('"')
        if len(parts) >= 3 and not parts[0].strip():
            found[parts[1].upper()] = parts[3] if len(parts) >= 5 else ""
    return found
