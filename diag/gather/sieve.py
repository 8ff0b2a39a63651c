"""Talking to ManageSieve servers: those that the domain names by SRV, and the hosts that the user named.

Nobody is obliged to run one, so no port is knocked on that nobody spoke of.
"""

from __future__ import annotations

import dataclasses

from diag.facts.access_hosts import Offer, Origin, Service
from diag.facts.clients import AnyLook, SieveContact, SieveInClear, SieveSurvey
from diag.facts.mx import MxHost
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.names.parsed import plain
from diag.probes.hello import with_hello
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.talks import AnyTalk, SieveTalk
from diag.tls.handshake import TlsFailure
from diag.tls.hello import Hello
from diag.together import all_of
from diag.wire.reading import Reached, SieveSession

from .access_hosts import MOST_HOSTS, NO_DIALOGUES, wanted
from .client_offers import OTHER_FAULTS
from .clients import MOST_ADDRESSES, read_talk, shared, talk_for
from .dns import Found, look_up
from .greeted import held
from .inbound import CONFIRMING_PAUSE
from .mx import addresses_of

PORT = 4190
"""RFC 5804 section 1.8."""


@fact
async def sieve_contacts(target: Target, lab: Lab) -> Many[SieveContact] | Absent | Unavailable:
    """A conversation with every address of every host; Absent where nobody names one."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    name = f"_sieve._tcp.{target.domain}"
    looked = await look_up(lab, name, "SRV")
    places: dict[tuple[str, int], tuple[Offer, ...]] = {
        (host.lower().rstrip("."), PORT): () for host in target.hosts
    }
    if isinstance(looked, Found):
        for rdata in looked.rdatas[:MOST_HOSTS]:
            host, port = plain(rdata.target), int(rdata.port)  # type: ignore[attr-defined]
            if host not in ("", "."):  # decidedly none (RFC 2782)
                offer = Offer(Service.SIEVE, host, port, "starttls", Origin.SRV, name, looked.evidence)
                places[host, port] = (offer,)
    elif not places:
        return looked
    if not places:
        return Absent(f"{target.domain} says that it has no ManageSieve server", looked.evidence)
    hosts = await all_of(lambda host: addresses_of(lab, host), {host for host, _ in places})
    found: dict[str, SieveContact | Absent | Unavailable] = {}
    endpoints: dict[str, tuple[Endpoint, tuple[Offer, ...]]] = {}
    for (host, port), offers in places.items():
        known = hosts[host]
        if isinstance(known, MxHost):
            for address in wanted(known, target)[:MOST_ADDRESSES]:
                endpoint = Endpoint(host, address, port)
                endpoints[str(endpoint)] = (endpoint, offers)
        if offers and (isinstance(known, Unavailable) or known.unknown):
            because = known.because if isinstance(known, Unavailable) else known.unknown
            asked = known.evidence if isinstance(known, Unavailable) else known.asked
            found[f"{host}:{port}"] = Unavailable(because, asked)

    async def visit(subject: str) -> SieveContact:
        return await _visited(*endpoints[subject], target, lab)

    return Many({**await all_of(visit, endpoints), **found})


async def _visited(endpoint: Endpoint, offers: tuple[Offer, ...], target: Target, lab: Lab) -> SieveContact:
    look = await _look(talk_for(endpoint, Service.SIEVE, "starttls", "", target.timeout), lab)
    other = None
    if look.session.state.connected and look.lacks:
        if target.confirm:
            await lab.run(Pause(CONFIRMING_PAUSE, str(endpoint)))
        other = await _look(_again(look), lab)
    return SieveContact(
        endpoint=endpoint,
        service=Service.SIEVE,
        tls="starttls",
        origins=(Origin.SRV if offers else Origin.USER,),
        offers=offers,
        probe=look.probe,
        transcript=look.transcript,
        state=look.session.state,
        session=look.session,
        other=other,
        waited=target.confirm and other is not None,
    )


async def _look(probe: AnyTalk, lab: Lab) -> AnyLook:
    return read_talk(probe, await held(probe, lab))


def _again(look: AnyLook) -> AnyTalk:
    """A second conversation; where TLS failed, with a small and old ClientHello."""
    if isinstance(look.session.handshake, TlsFailure):
        return with_hello(look.probe, Hello.CLASSICAL)
    return dataclasses.replace(look.probe, look=2)


@fact
async def sieve_surveys(contacts: Many[SieveContact]) -> Many[SieveSurvey]:
    """The conversations that may be judged. A port that nobody promised, or that is closed, is nobody's fault."""
    surveys: dict[str, SieveSurvey | Absent | Unavailable] = {}
    for subject, contact in contacts.items.items():
        match contact:
            case SieveContact(probe=SieveTalk() as probe, session=SieveSession() as session):
                if contact.state.connected:
                    surveys[subject] = SieveSurvey(probe=probe, session=session, **shared(contact))
                else:
                    wanting = contact.published and contact.state is not Reached.CLOSED
                    kind = Unavailable if wanting else Absent
                    surveys[subject] = kind(session.inconclusive, (contact.cite(),))
            case Absent() | Unavailable():
                surveys[subject] = contact
    return Many(surveys)


@fact
async def sieve_in_clear(surveys: Many[SieveSurvey]) -> Many[SieveInClear]:
    """The capabilities before TLS."""
    found: dict[str, SieveInClear | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        if isinstance(survey, Absent | Unavailable):
            found[subject] = survey
        elif (told := survey.session.capabilities) is not None:
            found[subject] = SieveInClear(survey=survey, offer=told, event=told.event)
        else:
            found[subject] = _unknown(survey)
    return Many(found)


def _unknown(survey: SieveSurvey) -> Absent | Unavailable:
    """A fault that is told of by itself, or a conversation that decided nothing."""
    session = survey.session
    kind = Absent if session.state in OTHER_FAULTS else Unavailable
    because = session.inconclusive or "the server did not say completely what it offers"
    return kind(because, survey.cite(session.because))
