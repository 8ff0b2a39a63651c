"""Probes of a round trip: one message of our own is handed in, awaited and removed."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .logins import LoginProbe
from .probe import Impact


@frozen(kw_only=True)
class SubmitTalk(LoginProbe):
    """Log in to a submission server and hand one message in."""

    kind: ClassVar[str] = "smtp-submit"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    sender: str
    recipient: str
    lines: tuple[str, ...]
    """The message in ASCII, without line endings, dots not yet doubled."""

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login} and sends one message to {self.recipient}"


@frozen(kw_only=True)
class ImapAwait(LoginProbe):
    """Log in over IMAP, wait for a message, fetch it and remove it, it alone."""

    kind: ClassVar[str] = "imap-await"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    message_id: str
    """Without angle brackets."""
    subject: str
    """Words of it that no other message can have."""
    patience: float
    """Seconds to wait for it; 0: it is looked for once."""
    last: bool = False
    """The run is being ended: this is only to leave nothing behind."""

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, waits up to {self.patience:g} s for the message and removes it"


@frozen(kw_only=True)
class Pop3Look(LoginProbe):
    """Log in over POP3 and look whether a message is there; fetch it and remove it, it alone."""

    kind: ClassVar[str] = "pop3-look"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    message_id: str
    """Without angle brackets."""
    look: int = 1
    """Which look it is: every one is a conversation of its own."""
    last: bool = False
    """The run is being ended: this is only to leave nothing behind."""

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, looks for the message (look {self.look}) and removes it"
