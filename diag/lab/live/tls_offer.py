"""The performer of offers: one connection, one ClientHello."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.talks import SmtpTalk
from diag.probes.tls_offer import TlsOffer
from diag.tls.client_hello import client_hello
from diag.wire.offer import offer_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .talks import Conversation
from .tls import secure, server_name


@performs(TlsOffer)
async def tls_offer(probe: TlsOffer, means: Means) -> Transcript:
    """The usual way to TLS with that host, and what it answers to a ClientHello of ours."""
    usual = SmtpTalk(probe.address, probe.port, probe.host, probe.helo, probe.tls, timeout=probe.timeout)
    hello = client_hello(probe.offer, server_name(probe.host))
    dialogue = offer_dialogue(
        probe.spoken, hello, probe.helo, implicit_tls=probe.tls == "implicit", timeout=probe.timeout
    )
    return await Conversation(usual, means.network, secure, []).hold(dialogue)
