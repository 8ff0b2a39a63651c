"""The performer of the talk that tries to slip a command in."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.injection import InjectionTalk
from diag.probes.talks import SmtpTalk
from diag.wire.injection import injection_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(InjectionTalk)
async def injection_talk(probe: InjectionTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    return await conversation.hold(injection_dialogue(probe.host, probe.helo, timeout=probe.timeout))
