"""Trying CHUNKING, where the user wants that: a chunk that is taken back, twice where it is refused."""

from __future__ import annotations

import dataclasses

from diag.facts.inbound import InboundSurvey
from diag.facts.intrusive import InboundChunking
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.intrusive import ChunkTalk
from diag.probes.probe import Lab
from diag.together import all_of
from diag.wire.chunking import Chunking, Chunks, read_chunking
from diag.wire.reach import quote

from .intrusive import once_an_address, tls_as_before

NOT_ASKED = "CHUNKING is tried only where that is asked for (--intrusive)"


@fact
async def inbound_chunkings(
    target: Target, surveys: Many[InboundSurvey], lab: Lab
) -> Many[InboundChunking] | Absent:
    """The MX hosts that offer it."""
    if not target.intrusive:
        return Absent(NOT_ASKED)
    tried = once_an_address(surveys.items)
    mailbox = target.own_mailbox
    recipient = mailbox if mailbox and mailbox.isascii() else f"postmaster@{target.domain}"

    async def ask(subject: str) -> InboundChunking | Absent | Unavailable:
        survey = tried[subject]
        if isinstance(survey, Absent | Unavailable):
            return survey
        offer = survey.session.best_offer
        if offer is None:
            return survey.look.doubt
        if not offer.offers("CHUNKING"):
            return Absent("CHUNKING is not offered", (survey.look.cite(),))
        endpoint = survey.endpoint
        probe = ChunkTalk(
            endpoint.address,
            endpoint.port,
            endpoint.host,
            survey.probe.helo,
            tls_as_before(survey.session),
            recipient,
            target.timeout,
        )
        read, line = await _tried(probe, lab)
        cites: tuple[Cite, ...] = (Cite(probe, read.event),)
        if read.outcome in (Chunks.REFUSED, Chunks.BROKEN):
            # Some hosts drop a chunk now and then; a verdict this grave needs two connections anyway.
            again = dataclasses.replace(probe, look=2)
            read, line = await _tried(again, lab)
            cites = (*cites, Cite(again, read.event))
        if read.outcome in (Chunks.UNKNOWN, Chunks.BROKEN):
            return Unavailable(read.because, cites)
        return InboundChunking(
            endpoint=endpoint,
            works=read.outcome is Chunks.TAKEN,
            line=line,
            look=survey.look,
            cites=cites,
        )

    return Many(await all_of(ask, tried))


async def _tried(probe: ChunkTalk, lab: Lab) -> tuple[Chunking, str]:
    transcript = await lab.run(probe)
    read = read_chunking(transcript)
    return read, quote(transcript, read.event).strip(' "')
