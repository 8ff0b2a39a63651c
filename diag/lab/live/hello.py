"""The performers of conversations with another ClientHello than the usual one."""

from __future__ import annotations

import functools

from diag.model.plugin import performs
from diag.probes.hello import AnyHelloTalk, ImapHelloTalk, Pop3HelloTalk, SieveHelloTalk, SmtpHelloTalk
from diag.wire.transcript import Transcript

from .live import Means
from .talks import talk
from .tls import secure


@performs(SmtpHelloTalk)
async def smtp_hello_talk(probe: SmtpHelloTalk, means: Means) -> Transcript:
    """An SMTP conversation."""
    return await _talk(probe, means)


@performs(ImapHelloTalk)
async def imap_hello_talk(probe: ImapHelloTalk, means: Means) -> Transcript:
    """An IMAP conversation."""
    return await _talk(probe, means)


@performs(Pop3HelloTalk)
async def pop3_hello_talk(probe: Pop3HelloTalk, means: Means) -> Transcript:
    """A POP3 conversation."""
    return await _talk(probe, means)


@performs(SieveHelloTalk)
async def sieve_hello_talk(probe: SieveHelloTalk, means: Means) -> Transcript:
    """A ManageSieve conversation."""
    return await _talk(probe, means)


async def _talk(probe: AnyHelloTalk, means: Means) -> Transcript:
    return await talk(probe, means.network, secured_by=functools.partial(secure, hello=probe.hello))
