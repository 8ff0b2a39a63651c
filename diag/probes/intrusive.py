"""Probes that send to a mailbox of the user's, or log in with his name: only where he asks for it."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .logins import LoginProbe
from .probe import Impact
from .relay import RelayTls
from .talks import TalkProbe


@frozen
class ChunkTalk(TalkProbe):
    """A chunk that is not the last one of a message (RFC 3030), and RSET; nothing is delivered."""

    kind: ClassVar[str] = "smtp-chunk"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    tls: RelayTls
    recipient: str
    timeout: float = 60.0
    look: int = 1
    """Which look it is: a second one is a conversation of its own."""

    def announcement(self) -> str:
        """See Probe."""
        return f"begins a message to {self.recipient} and takes it back"


@frozen
class MessageTalk(TalkProbe):
    """One test message. `ending` names what is put before its true end (diag.wire.end_of_data.ENDINGS)."""

    kind: ClassVar[str] = "smtp-message"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    tls: RelayTls
    recipient: str
    lines: tuple[str, ...]
    """The message, without line endings, dots not yet doubled."""
    ending: str = ""
    timeout: float = 60.0
    sender: str = ""
    """The reverse-path; empty for the null one."""

    def announcement(self) -> str:
        """See Probe."""
        how = f" with {self.ending} in it" if self.ending else ""
        sender = f" from {self.sender}" if self.sender else ""
        return f"sends a test message{how}{sender} to {self.recipient}"


@frozen
class ClearLoginTalk(TalkProbe):
    """A login in clear text: whoever listens on the way learns the password, if the host asks for it."""

    kind: ClassVar[str] = "smtp-clear-login"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    login: str
    password: str
    """Where the password is: the reference, never the password."""
    timeout: float = 60.0

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login} WITHOUT encryption, if it is let"


@frozen(kw_only=True)
class CollectTalk(LoginProbe):
    """Log in to a mailbox over TLS, wait for test messages, fetch their text, remove them."""

    kind: ClassVar[str] = "imap-collect"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    message_ids: tuple[str, ...]
    """Without angle brackets."""

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, reads {len(self.message_ids)} test messages back and removes them"


@frozen(kw_only=True)
class ReturnedTalk(LoginProbe):
    """Log in to a mailbox over TLS, wait for messages that are returned to it, fetch and remove them."""

    kind: ClassVar[str] = "imap-returned"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    mailboxes: tuple[str, ...]
    """To which they were sent; each stands in the text of what is returned."""

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, looks for {len(self.mailboxes)} returned test messages and removes them"
