"""Command pipelining on port 25: a second conversation only where the usual one leaves it in doubt."""

from __future__ import annotations

from diag.facts.inbound import InboundSurvey, Look
from diag.facts.pipelining import InboundPipelining
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.probes.pipelining import PipeliningTalk
from diag.probes.probe import Lab
from diag.together import all_of
from diag.wire.pipelining import Pipelines, read_pipelining


@fact
async def inbound_pipelining(surveys: Many[InboundSurvey], lab: Lab) -> Many[InboundPipelining]:
    """The usual conversation sends its transaction at once where it may: where all of that was answered,
    nothing more is asked."""

    async def tried(subject: str) -> InboundPipelining | Absent | Unavailable:
        survey = surveys.items[subject]
        if isinstance(survey, Absent | Unavailable):
            return survey
        look = survey.look
        offer = look.session.best_offer
        if look.session.mail is None:
            return Absent("the conversation ended before anything was sent together", (look.cite(),))
        if offer is None or not offer.offers("PIPELINING"):
            return Absent("PIPELINING is not offered", (look.cite(),))
        if look.session.throttled is not None:
            return look.doubt
        if (shown := _answered(look)) is not None:
            return InboundPipelining(survey.endpoint, True, 0, look, (look.cite(shown),))
        usual = look.probe
        probe = PipeliningTalk(usual.address, usual.port, usual.host, usual.helo, usual.timeout)
        read = read_pipelining(await lab.run(probe))
        cites = (Cite(probe, read.event),)
        if read.outcome is Pipelines.UNKNOWN:
            return Unavailable(read.because, cites)
        works = read.outcome is Pipelines.WELL
        return InboundPipelining(survey.endpoint, works, read.answered, look, cites)

    return Many(await all_of(tried, surveys.items))


def _answered(look: Look) -> int | None:
    """The last reply to a transaction that was sent at once, where every command of it has one."""
    session = look.session
    group = (session.mail, *session.rcpts, session.rset)
    last = None
    for step in group:
        if step is None or step.reply is None or not step.reply.complete:
            return None
        last = step.last
    return last
