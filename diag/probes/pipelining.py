"""A probe for command pipelining: are commands that were sent together all answered (RFC 2920)?"""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .talks import TalkProbe


@frozen
class PipeliningTalk(TalkProbe):
    """NOOP alone, then RSET, RSET and NOOP in one write, under TLS where STARTTLS is offered.

    `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "smtp-pipelining"

    helo: str
    timeout: float = 60.0
