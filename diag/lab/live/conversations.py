"""The performers of conversations: one driver for the four protocols."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk
from diag.wire.transcript import Transcript

from .live import Means
from .talks import talk


@performs(SmtpTalk)
async def smtp_talk(probe: SmtpTalk, means: Means) -> Transcript:
    """An SMTP conversation."""
    return await talk(probe, means.network, means.events())


@performs(ImapTalk)
async def imap_talk(probe: ImapTalk, means: Means) -> Transcript:
    """An IMAP conversation."""
    return await talk(probe, means.network, means.events())


@performs(Pop3Talk)
async def pop3_talk(probe: Pop3Talk, means: Means) -> Transcript:
    """A POP3 conversation."""
    return await talk(probe, means.network, means.events())


@performs(SieveTalk)
async def sieve_talk(probe: SieveTalk, means: Means) -> Transcript:
    """A ManageSieve conversation."""
    return await talk(probe, means.network, means.events())
