"""Handshakes that fail on port 25, tried again with other ClientHellos: a healthy host is not asked for this."""

from __future__ import annotations

import dataclasses

from diag.facts.hellos import InboundHandshake, failure, shaken
from diag.facts.inbound import InboundTls, Look
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.probes.hello import with_hello
from diag.probes.probe import Lab
from diag.probes.talks import SmtpTalk
from diag.tls.hello import Hello
from diag.together import all_of
from diag.wire.smtp_session import read_smtp


@fact
async def inbound_handshakes(seen: Many[InboundTls], lab: Lab) -> Many[InboundHandshake]:
    """Where no handshake was completed: a classical ClientHello, and where that works, which part of ours does not.

    At most three connections more, one after another, and one where every ClientHello fails.
    """

    async def tried(subject: str) -> InboundHandshake | Absent | Unavailable:
        tls = seen.items[subject]
        return tls if isinstance(tls, Absent | Unavailable) else await _looked_into(tls, lab)

    return Many(await all_of(tried, seen.items))


async def _looked_into(tls: InboundTls, lab: Lab) -> InboundHandshake:
    first = next((look for look in tls.tries if failure(look)), None)
    if tls.handshake is not None or first is None:
        return InboundHandshake(tls)
    classical = await _look(with_hello(first.probe, Hello.CLASSICAL), lab)
    if not shaken(classical):
        return InboundHandshake(tls, classical)
    again = None
    if len(tls.tries) == 1:
        # Silence was not worth a second look until something else was answered.
        usual = dataclasses.replace(first.probe, look=2, mail_from=None, recipients=())
        again = await _look(usual, lab)
        if shaken(again):
            return InboundHandshake(tls, classical, None, again)
    return InboundHandshake(tls, classical, await _look(with_hello(first.probe, Hello.SMALL), lab), again)


async def _look(probe: SmtpTalk, lab: Lab) -> Look:
    transcript = await lab.run(probe)
    return Look(probe, transcript, read_smtp(transcript))
