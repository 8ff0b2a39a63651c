"""Asking MX hosts which mailboxes they have, where the user wants that: two conversations for each host."""

from __future__ import annotations

from diag.facts.inbound import InboundSurvey
from diag.facts.intrusive import InboundInquiry, InboundStrangers
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.inquiry import InquiryTalk, StrangersTalk
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.wire.inquiry import read_inquiry, read_strangers
from diag.wire.reach import quote

from .each_host import at_each_host
from .intrusive import elsewhere, tls_as_before

NOT_ASKED = "hosts are asked for their mailboxes only where that is asked for (--intrusive)"


@fact
async def inbound_inquiries(
    target: Target, surveys: Many[InboundSurvey], lab: Lab
) -> Many[InboundInquiry] | Absent:
    """VRFY, EXPN and what is seen beside them."""
    if not target.intrusive:
        return Absent(NOT_ASKED)

    async def ask(survey: InboundSurvey) -> InboundInquiry | Absent | Unavailable:
        at, tls = survey.endpoint, tls_as_before(survey.session)
        nonce = (await lab.run(Nonce())).text
        probe = InquiryTalk(at.address, at.port, at.host, survey.probe.helo, tls, nonce, target.timeout)
        transcript = await lab.run(probe)
        read = read_inquiry(transcript)
        if read.because:
            return Unavailable(read.because, (Cite(probe, read.event),))
        shown = tuple(
            (trait, quote(transcript, event).strip(' "'), Cite(probe, event)) for trait, event in read.shown
        )
        return InboundInquiry(endpoint=at, shown=shown, look=survey.look, cite=Cite(probe, read.event))

    return await at_each_host(surveys, ask)


@fact
async def inbound_strangers(
    target: Target, surveys: Many[InboundSurvey], lab: Lab
) -> Many[InboundStrangers] | Absent:
    """Mailboxes that nobody has, two of them: one may exist by chance."""
    if not target.intrusive:
        return Absent(NOT_ASKED)

    async def ask(survey: InboundSurvey) -> InboundStrangers | Absent | Unavailable:
        at, tls = survey.endpoint, tls_as_before(survey.session)
        nonce = (await lab.run(Nonce())).text
        mailboxes = (f"{nonce}@{target.domain}", f"{nonce[::-1]}@{target.domain}")
        sender = f"probe@{elsewhere(target, at)}"
        probe = StrangersTalk(
            at.address, at.port, at.host, survey.probe.helo, tls, sender, mailboxes, target.timeout
        )
        read = read_strangers(await lab.run(probe), mailboxes)
        cites = tuple(Cite(probe, event) for event in read.events)
        if read.taken is None:
            return Unavailable(read.because, cites or (Cite(probe),))
        return InboundStrangers(
            endpoint=at, taken=read.taken, mailboxes=mailboxes, look=survey.look, cites=cites
        )

    return await at_each_host(surveys, ask)
