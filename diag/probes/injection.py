"""A probe for command injection: does a server obey under TLS what came in plain text before it?"""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .talks import TalkProbe


@frozen
class InjectionTalk(TalkProbe):
    """STARTTLS and NOOP in one write, then QUIT under TLS: a sound server forgets the NOOP.

    Before that, in clear and where PIPELINING is offered: MAIL, RSET, NOOP. `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "smtp-injection"

    helo: str
    timeout: float = 60.0
