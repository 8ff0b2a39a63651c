"""What a scripted host says, without any I/O: a command goes in, a reply comes out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol


class Then(enum.StrEnum):
    """What a host does once it has replied."""

    STAY = "stay"
    SECURE = "secure"
    """It waits for the client's part of a TLS handshake."""
    CONTENT = "content"
    """What comes next is a message, heard as one line."""
    CLOSE = "close"


@dataclass(frozen=True)
class Reply:
    """What is said to one command; no lines at all means nothing is said yet."""

    lines: tuple[str, ...] = ()
    then: Then = Then.STAY
    octets: int = 0
    """How many octets that are no commands follow (BDAT, RFC 3030 section 2)."""


def reply(*lines: str, then: Then = Then.STAY) -> Reply:
    """A reply of these lines."""
    return Reply(lines, then)


class Speaker(Protocol):
    """One side of one conversation."""

    def greeting(self) -> Reply:
        """What is said first."""
        ...

    def verb(self, line: str) -> str:
        """What a command asks for, upper case, in the words of replies by command: no tag."""
        ...

    def hear(self, line: str) -> Reply:
        """The reply to one line without its line end."""
        ...

    def scripted(self, line: str, lines: tuple[str, ...]) -> Reply:
        """Take lines of the description in place of the usual reply, and see what follows from them."""
        ...

    def secured(self) -> None:
        """TLS begins: what was known before is forgotten (RFC 3207 section 4.2)."""
        ...
