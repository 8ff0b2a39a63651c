"""Probes that log in under TLS with what the user lends: his own mailbox, in the way his mail program does."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .probe import Impact
from .talks import TalkProbe, Tls


@frozen(kw_only=True)
class LoginProbe(TalkProbe):
    """A conversation that begins with a login."""

    tls: Tls
    certificate: str
    """SHA-256 of the certificate that was verified, in hexadecimal: where another is served, nothing is said.
    Empty: the user wants no certificate verified."""
    login: str
    secret: str
    """Where the password or token is: the reference, never the secret."""
    token: bool = False
    """It is an access token."""
    timeout: float = 60.0


@frozen(kw_only=True)
class SubmissionLogin(LoginProbe):
    """Log in to a submission server, and leave."""

    kind: ClassVar[str] = "smtp-login"

    helo: str


@frozen(kw_only=True)
class ImapVisit(LoginProbe):
    """Log in over IMAP, open INBOX, ask for special folders and the quota, and leave all as it was."""

    kind: ClassVar[str] = "imap-visit"


@frozen(kw_only=True)
class Pop3Visit(LoginProbe):
    """Log in over POP3, ask how many messages there are and for their unique-ids, and take nothing out."""

    kind: ClassVar[str] = "pop3-visit"


@frozen(kw_only=True)
class MechanismTrial(LoginProbe):
    """Log in to a submission server by one mechanism of those it offers, after another has worked."""

    kind: ClassVar[str] = "smtp-mechanism"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    mechanism: str

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login} with {self.mechanism}"


@frozen(kw_only=True)
class StrangerTrial(LoginProbe):
    """Log in to a submission server, begin a message in the name of a mailbox of somebody else's, take it back."""

    kind: ClassVar[str] = "smtp-stranger"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    stranger: str
    recipient: str

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, begins a message from {self.stranger} and takes it back"


@frozen(kw_only=True)
class DraftTrial(LoginProbe):
    """Log in over IMAP, put a small message into the folder for drafts, and remove it."""

    kind: ClassVar[str] = "imap-draft"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    message_id: str
    """Without angle brackets."""
    lines: tuple[str, ...]

    def announcement(self) -> str:
        """See Probe."""
        return f"logs in as {self.login}, puts a message into the folder for drafts and removes it"
