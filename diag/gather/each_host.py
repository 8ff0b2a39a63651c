"""What is asked of a mail host only once, however many addresses it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from diag.facts.inbound import InboundSurvey
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.together import all_of
from diag.wire.reach import Reached

T = TypeVar("T")


async def at_each_host(
    surveys: Many[InboundSurvey], ask: Callable[[InboundSurvey], Awaitable[T | Absent | Unavailable]]
) -> Many[T]:
    """Ask every host at the first of its addresses where a conversation is held; else tell what keeps us from it."""
    chosen: dict[str, InboundSurvey | Absent | Unavailable] = {}
    hosts: set[str] = set()
    for subject, survey in surveys.items.items():
        if isinstance(survey, Absent | Unavailable):
            chosen[subject] = survey
        elif survey.session.state is Reached.THROTTLED:
            chosen[subject] = Unavailable(survey.session.inconclusive, (Cite(survey.probe),))
        elif survey.session.state is Reached.OPEN and survey.endpoint.host not in hosts:
            hosts.add(survey.endpoint.host)
            chosen[subject] = survey

    async def told(subject: str) -> T | Absent | Unavailable:
        survey = chosen[subject]
        return survey if isinstance(survey, Absent | Unavailable) else await ask(survey)

    return Many(await all_of(told, chosen))
