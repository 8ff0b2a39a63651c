"""Whether APOP is offered, and the same timestamp twice: out of conversations that were held anyway."""

from __future__ import annotations

from diag.facts.apop import ApopOffered
from diag.facts.client_injection import Pop3Injection
from diag.facts.clients import Pop3Survey
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.probes.client_injection import Pop3InjectionTalk
from diag.probes.probe import Lab
from diag.probes.talks import Pop3Talk
from diag.wire.reading import Reached, read_pop3

from .client_offers import OTHER_FAULTS


@fact
async def apop_offers(
    surveys: Many[Pop3Survey], injections: Many[Pop3Injection] | Absent | Unavailable, lab: Lab
) -> Many[ApopOffered]:
    """The timestamp of every greeting, held against the other greetings of the same address."""
    found: dict[str, ApopOffered | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        if isinstance(survey, Absent | Unavailable):
            found[subject] = survey
        elif survey.session.state is not Reached.OPEN:
            kind = Absent if survey.session.state in OTHER_FAULTS else Unavailable
            found[subject] = kind(survey.session.inconclusive, survey.cite(survey.session.because))
        elif not survey.session.timestamp:
            found[subject] = Absent("the greeting holds no timestamp", survey.cite())
        else:
            timestamp = survey.session.timestamp
            others = await _others(survey, surveys, injections, lab)
            repeated = next((cite for other, cite in others if other == timestamp), None)
            found[subject] = ApopOffered(survey=survey, timestamp=timestamp, repeated=repeated)
    return Many(found)


async def _others(
    survey: Pop3Survey,
    surveys: Many[Pop3Survey],
    injections: Many[Pop3Injection] | Absent | Unavailable,
    lab: Lab,
) -> list[tuple[str, Cite]]:
    """The timestamps of other conversations with the same address. The lab asks nothing twice: no one is held anew."""
    found = []
    for each in surveys.values():
        for look in (each.look, each.other):
            if look is not None and look.probe != survey.probe and look.probe.address == survey.probe.address:
                found.append(_greeted(look.probe, look.session.timestamp, look.session.greeting))
    for injection in injections.values() if isinstance(injections, Many) else ():
        probe = injection.cite.probe
        if isinstance(probe, Pop3InjectionTalk) and probe.address == survey.probe.address:
            session = read_pop3(await lab.run(probe))
            found.append(_greeted(probe, session.timestamp, session.greeting))
    return found


def _greeted(probe: Pop3Talk | Pop3InjectionTalk, timestamp: str, greeting: object) -> tuple[str, Cite]:
    return timestamp, Cite(probe, getattr(greeting, "last", None))
