"""A probe for relaying: does a host take mail for elsewhere from strangers? Only where the user asks for it."""

from __future__ import annotations

from typing import ClassVar, Literal

from diag.model.frozen import frozen
from diag.wire.relay import Attempt

from .probe import Impact
from .talks import TalkProbe

RelayTls = Literal["none", "starttls", "implicit"]
"""How TLS comes about; "none" keeps to plain text even where STARTTLS is offered."""


@frozen
class RelayTalk(TalkProbe):
    """MAIL and RCPT for each attempt in turn, up to the first recipient that is taken; never DATA.

    It touches the protection of somebody's server, fills logs, and can get our address onto a blocklist.
    `attempts` are for elsewhere. `routed` are mailboxes of the domain whose local parts lead elsewhere, after one
    that nobody has: where that is taken they are not tried. `local`, where it is not empty, is a mailbox of the
    domain itself, tried last. `timeout` is the most seconds for all.
    """

    kind: ClassVar[str] = "smtp-relay"
    impact: ClassVar[Impact] = Impact.INTRUSIVE

    helo: str
    tls: RelayTls
    attempts: tuple[Attempt, ...]
    local: str = ""
    timeout: float = 60.0
    routed: tuple[str, ...] = ()

    def announcement(self) -> str:
        """See Probe."""
        recipients = sum(len(each.recipients) for each in self.attempts) + len(self.routed) + bool(self.local)
        return (
            f"asks whether it takes mail for elsewhere (MAIL from {len(self.attempts)} senders, RCPT to up to "
            f"{recipients} recipients), and sends none"
        )
