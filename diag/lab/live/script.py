"""The performers of scripted dialogues."""

from __future__ import annotations

import functools

from diag.model.plugin import performs
from diag.probes.script import IntrusiveScriptTalk, ScriptTalk
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(ScriptTalk)
async def script_talk(probe: ScriptTalk, means: Means) -> Transcript:
    """A script without what is no ordinary use."""
    return await _held(probe, means)


@performs(IntrusiveScriptTalk)
async def intrusive_script_talk(probe: IntrusiveScriptTalk, means: Means) -> Transcript:
    """A script with it."""
    return await _held(probe, means)


async def _held(probe: ScriptTalk, means: Means) -> Transcript:
    from diag.wire.script_dialogue import script_dialogue  # as in diag.probes.script

    secured_by = functools.partial(secure, certificate=probe.certificate) if probe.certificate else secure
    conversation = Conversation(probe, means.network, secured_by, means.events())
    dialogue = script_dialogue(
        probe.script, probe.given, tls=probe.tls, may_intrude=probe.may_intrude, timeout=probe.timeout
    )
    return await conversation.hold(dialogue)
