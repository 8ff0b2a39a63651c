"""Talking to ManageSieve servers: those that the domain names by SRV, and the hosts that the user named.

Nobody is obliged to run one, so no port is knocked on that nobody spoke of.
"""

from __future__ import annotations

from diag.facts.access_hosts import Origin
from diag.facts.client_looks import ClientLook
from diag.facts.clients import SieveInClear, SieveSurvey
from diag.facts.mx import MxHost
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.probes.hello import with_hello
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.talks import SieveTalk
from diag.tls.handshake import TlsFailure
from diag.tls.hello import Hello
from diag.together import all_of
from diag.wire.reading import Reached, SieveSession, read_sieve

from .access_hosts import MOST_HOSTS, NO_DIALOGUES, wanted
from .client_offers import OTHER_FAULTS
from .clients import MOST_ADDRESSES
from .dns import Found, look_up, plain
from .inbound import CONFIRMING_PAUSE
from .mx import addresses_of

PORT = 4190
"""RFC 5804 section 1.8."""

Look = ClientLook[SieveTalk, SieveSession]


@fact
async def sieve_surveys(target: Target, lab: Lab) -> Many[SieveSurvey] | Absent | Unavailable:
    """A conversation with every address of every host; Absent where nobody names one."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    name = f"_sieve._tcp.{target.domain}"
    looked = await look_up(lab, name, "SRV")
    places = {(host, PORT): Origin.USER for host in target.hosts}
    if isinstance(looked, Found):
        for rdata in looked.rdatas[:MOST_HOSTS]:
            host, port = plain(rdata.target), int(rdata.port)  # type: ignore[attr-defined]
            if host not in ("", "."):  # decidedly none (RFC 2782)
                places[host, port] = Origin.SRV
    elif not places:
        return looked
    if not places:
        return Absent(f"{target.domain} says that it has no ManageSieve server", looked.evidence)
    hosts = await all_of(lambda host: addresses_of(lab, host), {host for host, _ in places})
    found: dict[str, SieveSurvey | Absent | Unavailable] = {}
    endpoints: dict[str, tuple[Endpoint, Origin]] = {}
    for (host, port), origin in places.items():
        known = hosts[host]
        if isinstance(known, MxHost):
            for address in wanted(known, target)[:MOST_ADDRESSES]:
                endpoint = Endpoint(host, address, port)
                endpoints[str(endpoint)] = (endpoint, origin)
        if origin is Origin.SRV and (isinstance(known, Unavailable) or known.unknown):
            because = known.because if isinstance(known, Unavailable) else known.unknown
            asked = known.evidence if isinstance(known, Unavailable) else known.asked
            found[f"{host}:{port}"] = Unavailable(because, asked)

    async def visit(subject: str) -> SieveSurvey | Absent | Unavailable:
        endpoint, origin = endpoints[subject]
        return await _survey(endpoint, origin, target, lab)

    return Many({**await all_of(visit, endpoints), **found})


async def _survey(
    endpoint: Endpoint, origin: Origin, target: Target, lab: Lab
) -> SieveSurvey | Absent | Unavailable:
    probe = SieveTalk(endpoint.address, endpoint.port, endpoint.host, timeout=target.timeout)
    look, other = await _look(probe, lab), None
    state = look.session.state
    if not state.connected:
        # A port that nobody promised, or that is closed, is nobody's fault.
        kind = Unavailable if origin is Origin.SRV and state is not Reached.CLOSED else Absent
        return kind(look.session.inconclusive, look.cite())
    if look.lacks:
        if target.confirm:
            await lab.run(Pause(CONFIRMING_PAUSE, str(endpoint)))
        other = await _look(_again(look), lab)
    return SieveSurvey(
        endpoint=endpoint,
        tls="starttls",
        origins=(origin,),
        offers=(),
        probe=probe,
        transcript=look.transcript,
        session=look.session,
        other=other,
        waited=target.confirm and other is not None,
    )


async def _look(probe: SieveTalk, lab: Lab) -> Look:
    transcript = await lab.run(probe)
    return ClientLook(probe, transcript, read_sieve(transcript))


def _again(look: Look) -> SieveTalk:
    """A second conversation; where TLS failed, with a small and old ClientHello."""
    if isinstance(look.session.handshake, TlsFailure):
        return with_hello(look.probe, Hello.CLASSICAL)
    probe = look.probe
    return SieveTalk(probe.address, probe.port, probe.host, probe.tls, probe.timeout, look=2)


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
