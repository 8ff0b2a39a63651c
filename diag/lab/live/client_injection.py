"""The performers of the talks that try to slip a command in where mail is fetched or filters are kept."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.client_injection import ImapInjectionTalk, Pop3InjectionTalk, SieveInjectionTalk
from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk
from diag.wire.client_injection import (
    imap_injection_dialogue,
    pop3_injection_dialogue,
    sieve_injection_dialogue,
)
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(ImapInjectionTalk)
async def imap_injection_talk(probe: ImapInjectionTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = ImapTalk(probe.address, probe.port, probe.host, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    return await conversation.hold(imap_injection_dialogue(probe.host, timeout=probe.timeout))


@performs(Pop3InjectionTalk)
async def pop3_injection_talk(probe: Pop3InjectionTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = Pop3Talk(probe.address, probe.port, probe.host, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    return await conversation.hold(pop3_injection_dialogue(probe.host, timeout=probe.timeout))


@performs(SieveInjectionTalk)
async def sieve_injection_talk(probe: SieveInjectionTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = SieveTalk(probe.address, probe.port, probe.host, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    return await conversation.hold(sieve_injection_dialogue(probe.host, timeout=probe.timeout))
