"""The performer of the talk that asks a host to relay."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.relay import RelayTalk
from diag.probes.talks import SmtpTalk
from diag.wire.relay import relay_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(RelayTalk)
async def relay_talk(probe: RelayTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    dialogue = relay_dialogue(
        probe.host, probe.helo, probe.tls, probe.attempts, probe.local, probe.routed, timeout=probe.timeout
    )
    return await conversation.hold(dialogue)
