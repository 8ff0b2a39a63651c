"""Probes that ask a mail host which mailboxes it has: only where the user asks for it."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .probe import Impact
from .relay import RelayTls
from .talks import TalkProbe


@frozen
class InquiryTalk(TalkProbe):
    """VRFY and EXPN, a command that nobody knows, and one that ends in LF alone.

    Hosts log it as what it looks like, an attempt to gather addresses. `timeout` is the most seconds for all.
    """

    kind: ClassVar[str] = "smtp-inquiry"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    tls: RelayTls
    nonce: str
    """A mailbox that nobody has, without its domain."""
    timeout: float = 60.0

    def announcement(self) -> str:
        """See Probe."""
        return (
            f"asks VRFY postmaster, VRFY {self.nonce} and EXPN postmaster, then says a command that nobody knows "
            "and a NOOP that ends in LF alone"
        )


@frozen
class StrangersTalk(TalkProbe):
    """MAIL and RCPT for mailboxes that nobody has, up to the first that is refused; never DATA."""

    kind: ClassVar[str] = "smtp-strangers"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    tls: RelayTls
    sender: str
    mailboxes: tuple[str, ...]
    timeout: float = 60.0

    def announcement(self) -> str:
        """See Probe."""
        return f"names recipients that nobody has ({', '.join(self.mailboxes)}), and sends them nothing"
