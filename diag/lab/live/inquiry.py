"""The performers of the talks that ask a mail host which mailboxes it has."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.inquiry import InquiryTalk, StrangersTalk
from diag.probes.talks import SmtpTalk
from diag.wire.actions import Dialogue
from diag.wire.inquiry import inquiry_dialogue, strangers_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(InquiryTalk)
async def inquiry_talk(probe: InquiryTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    dialogue = inquiry_dialogue(probe.host, probe.helo, probe.tls, probe.nonce, timeout=probe.timeout)
    return await _held(probe, dialogue, means)


@performs(StrangersTalk)
async def strangers_talk(probe: StrangersTalk, means: Means) -> Transcript:
    """The same with other commands."""
    dialogue = strangers_dialogue(
        probe.host, probe.helo, probe.tls, probe.sender, probe.mailboxes, timeout=probe.timeout
    )
    return await _held(probe, dialogue, means)


async def _held(probe: InquiryTalk | StrangersTalk, dialogue: Dialogue, means: Means) -> Transcript:
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, timeout=probe.timeout)
    return await Conversation(usual, means.network, secure, []).hold(dialogue)
