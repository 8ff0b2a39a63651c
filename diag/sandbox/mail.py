"""What has been delivered in a world that is being played: SMTP hosts put it there, IMAP hosts show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

MOST = 256
"""Messages that are kept; a world is small."""


@dataclass
class Mail:
    """The mailboxes of a world, by address in lower case, each with its messages by UID."""

    boxes: dict[str, dict[int, str]] = field(default_factory=dict)
    _last: int = 0
    _under_way: list[tuple[float, str, str]] = field(default_factory=list)

    def deliver(self, recipients: Sequence[str], text: str, *, seconds: float = 0.0) -> None:
        """Put a message, lines ended by CRLF, into each mailbox, at once or after so many seconds."""
        for recipient in recipients:
            if seconds:
                self._under_way.append((anyio.current_time() + seconds, recipient, text))
            elif self._last < MOST:
                self._last += 1
                self.boxes.setdefault(recipient.lower(), {})[self._last] = text

    def _arrive(self) -> None:
        if self._under_way:
            now = anyio.current_time()
            due = [each for each in self._under_way if each[0] <= now]
            self._under_way = [each for each in self._under_way if each[0] > now]
            for _, recipient, text in due:
                self.deliver([recipient], text)

    @staticmethod
    def folder(mailbox: str, name: str) -> str:
        """Under what a folder of a mailbox beside its INBOX is kept."""
        return f"{mailbox}/{name}"

    def of(self, mailbox: str) -> dict[int, str]:
        """The messages of a mailbox, which is there as soon as anybody looks."""
        self._arrive()
        return self.boxes.setdefault(mailbox.lower(), {})
