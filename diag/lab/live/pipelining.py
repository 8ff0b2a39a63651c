"""The performer of the talk that sends commands together."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.pipelining import PipeliningTalk
from diag.probes.talks import SmtpTalk
from diag.wire.pipelining import pipelining_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(PipeliningTalk)
async def pipelining_talk(probe: PipeliningTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, timeout=probe.timeout)
    conversation = Conversation(usual, means.network, secure, [])
    return await conversation.hold(pipelining_dialogue(probe.host, probe.helo, timeout=probe.timeout))
