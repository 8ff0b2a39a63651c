"""Probes for command injection at servers of mail programs: is what came in plain text obeyed under TLS?"""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .talks import TalkProbe


@frozen
class ImapInjectionTalk(TalkProbe):
    """STARTTLS and NOOP in one write, then LOGOUT under TLS: a sound server forgets the NOOP.

    `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "imap-injection"

    timeout: float = 60.0


@frozen
class SieveInjectionTalk(TalkProbe):
    """STARTTLS and NOOP in one write, then LOGOUT under TLS: a sound server forgets the NOOP.

    `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "sieve-injection"

    timeout: float = 60.0


@frozen
class Pop3InjectionTalk(TalkProbe):
    """STLS and CAPA in one write, then CAPA and QUIT under TLS: a sound server forgets the first CAPA.

    `timeout` is the most seconds for everything.
    """

    kind: ClassVar[str] = "pop3-injection"

    timeout: float = 60.0
