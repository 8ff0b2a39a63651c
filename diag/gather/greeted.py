"""Holding a conversation where the greeting may never come, as the server waits for TLS.

A server that is slow to greet and one that waits for a ClientHello look alike, and the first must be waited for. So a
ClientHello is sent on another connection meanwhile, by its own probe, and only where that is answered by a
ServerHello does the wait end early. Who greets in time, as all do with whom all is well, never sees it.
"""

from __future__ import annotations

from collections.abc import Mapping

from diag.facts.inbound import MX_PORT
from diag.probes.probe import Lab
from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk
from diag.probes.tls_offer import TlsOffer
from diag.silence import SILENCE, Silence
from diag.tls.answer import Accepted
from diag.tls.offers import mixed
from diag.together import task_group
from diag.wire.offer import Spoken, read_offer
from diag.wire.silence import asked_beside
from diag.wire.transcript import Transcript

QUIET = 10.0
"""Seconds without a word after which somebody asks, on ports of mail programs."""
QUIET_ON_25 = 30.0
"""The same on port 25, where servers let strangers wait on purpose, and may take it ill who speaks first."""

_SPOKEN: Mapping[type[AnyTalk], Spoken] = {
    SmtpTalk: "smtp",
    ImapTalk: "imap",
    Pop3Talk: "pop3",
    SieveTalk: "sieve",
}


async def held(talk: AnyTalk, lab: Lab) -> Transcript:
    """What is said in a conversation; where TLS comes first there is nothing to explain."""
    spoken = _SPOKEN.get(type(talk))
    if spoken is None or talk.tls == "implicit":
        return await lab.run(talk)
    beside = TlsOffer(
        talk.address, talk.port, talk.host, spoken, "implicit", "", mixed(), timeout=talk.timeout
    )

    async def ask(silence: Silence) -> None:
        if isinstance(read_offer(await lab.run(beside)).answer, Accepted):
            silence.explain()

    async with task_group() as tasks:
        after = QUIET_ON_25 if talk.port == MX_PORT else QUIET
        before = SILENCE.set(Silence(after, lambda silence: tasks.start_soon(ask, silence)))
        try:
            transcript = await lab.run(talk)
        finally:
            SILENCE.reset(before)
    if asked_beside(transcript):
        await lab.run(beside)  # known; whoever replays it, or shares it with another domain, has it so, too
    return transcript
