"""The performer of tries to negotiate anew."""

from __future__ import annotations

import functools

from diag.model.plugin import performs
from diag.probes.renegotiation import TlsRenegotiation
from diag.probes.talks import SmtpTalk
from diag.tls.hello import Hello
from diag.wire.offer import renegotiation_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure


@performs(TlsRenegotiation)
async def tls_renegotiation(probe: TlsRenegotiation, means: Means) -> Transcript:
    """The usual way to TLS with that host, and then one try."""
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, probe.tls, timeout=probe.timeout)
    dialogue = renegotiation_dialogue(
        probe.spoken, probe.host, probe.helo, implicit_tls=probe.tls == "implicit", timeout=probe.timeout
    )
    secured_by = functools.partial(secure, hello=Hello.CLASSICAL, renegotiates=True)
    return await Conversation(usual, means.network, secured_by, []).hold(dialogue)
