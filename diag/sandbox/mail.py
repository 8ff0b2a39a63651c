"""What has been delivered in a world that is being played: SMTP hosts put it there, IMAP hosts show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST = 256
"""Messages that are kept; a world is small."""


@dataclass
class Mail:
    """The mailboxes of a world, by address in lower case, each with its messages by UID."""

    boxes: dict[str, dict[int, str]] = field(default_factory=dict)
    _last: int = 0

    def deliver(self, recipients: Sequence[str], text: str) -> None:
        """Put a message, lines ended by CRLF, into each mailbox."""
        for recipient in recipients:
            if self._last < MOST:
                self._last += 1
                self.of(recipient)[self._last] = text

    @staticmethod
    def folder(mailbox: str, name: str) -> str:
        """Under what a folder of a mailbox beside its INBOX is kept."""
        return f"{mailbox}/{name}"

    def of(self, mailbox: str) -> dict[int, str]:
        """The messages of a mailbox, which is there as soon as anybody looks."""
        return self.boxes.setdefault(mailbox.lower(), {})
