"""Judging one conversation by itself: by the rules that need to know nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from diag.facts.access_hosts import AccessHost, Origin, Service
from diag.facts.client_looks import ClientLook
from diag.facts.clients import AnyLook, ClientContact, SieveContact
from diag.facts.inbound import MX_PORT, InboundContact, InboundMailbox, Look
from diag.facts.moment import VantagePoint
from diag.model.knowing import Many, Unavailable
from diag.model.plugin import Fact
from diag.model.report import Result
from diag.model.target import Endpoint, Target
from diag.probes.probe import E, Lab, NotRecorded, Probe
from diag.probes.script import ScriptTalk
from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, Tls
from diag.wire.reading import read_imap, read_pop3, read_sieve, read_smtp
from diag.wire.transcript import Said, Transcript, Who

from .plan import Need, Needs, Plan, Source, Step, plan
from .registry import Registry
from .runner import Gathering, judge

C = TypeVar("C", bound=ClientContact)

ALONE = Unavailable("only this one conversation was looked at")


def usual(probe: AnyTalk | ScriptTalk) -> AnyTalk | None:
    """The usual conversation that a probe begins; None for one that says what no rule knows.

    A script with nothing behind the usual beginning is one, where it does not leave out TLS (`leaves_tls_out`).
    """
    if not isinstance(probe, ScriptTalk):
        return probe
    if probe.script.steps or not probe.script.opens:
        return None
    address, port, host, timeout = probe.address, probe.port, probe.host, probe.timeout
    tls: Tls = "implicit" if probe.tls == "implicit" else "starttls"
    match probe.script.spoken:
        case "smtp":
            return SmtpTalk(address, port, host, probe.helo, tls, timeout=timeout)
        case "imap":
            return ImapTalk(address, port, host, tls, timeout)
        case "pop3":
            return Pop3Talk(address, port, host, tls, timeout)
        case "sieve":
            return SieveTalk(address, port, host, tls, timeout)


def leaves_tls_out(probe: AnyTalk | ScriptTalk, transcript: Transcript) -> bool:
    """Whether the usual conversation would have gone on with TLS where a script did not ask for it.

    What was not heard under TLS may be offered there, so that nothing can be judged. In doubt it would have gone on.
    """
    if not isinstance(probe, ScriptTalk):
        return False
    if probe.script.spoken == "pop3":
        # Without CAPA a server is asked all the same (RFC 2449 came after RFC 1939).
        read = read_pop3(transcript)
        if read.capa_supported is False and read.starttls is None and read.secured is None:
            return True
    heard = b"".join(
        each.octets for each in transcript.events if isinstance(each, Said) and each.who is Who.PEER
    )
    offer = b"STLS" if probe.script.spoken == "pop3" else b"STARTTLS"
    return probe.tls == "none" and offer in heard.upper()


class _NotAsked(NotRecorded):
    """A fact that cannot do with this conversation."""

    def __str__(self) -> str:
        return ALONE.because


class _Nobody:
    """A lab that knows nothing."""

    async def run(self, probe: Probe[E]) -> E:
        """See Lab. Raises NotRecorded."""
        raise _NotAsked(probe)


async def judged(registry: Registry, probe: AnyTalk, transcript: Transcript) -> list[Result]:
    """The results of every check whose facts follow from this conversation alone.

    The peer's address counts as public. What must be seen on two connections comes out inconclusive. A check that
    needs to know more, of the certificate, the DNS or other hosts, gives no result.
    """
    # Whoever names a host wants it judged, wherever it is; what else it names is private where it is.
    target = Target(probe.host, public=(probe.address,))
    lab: Lab = _Nobody()
    seeds = _seeds(probe, transcript)
    unasked: set[type] = {VantagePoint} if _about_the_postmaster(probe) else {VantagePoint, InboundMailbox}
    whole = plan(registry.checks, registry.facts)
    steps: dict[type, Step] = {}
    told = set(seeds)  # what the conversation tells, at first hand or further
    for step in whole.steps:  # needed ones stand before those that need them
        if step.gives in seeds:
            steps[step.gives] = _given(step, seeds[step.gives])
        elif step.gives in unasked:
            steps[step.gives] = _given(step, ALONE)
        elif (needed := _facts(step.needs)) <= steps.keys() and needed & told:
            steps[step.gives] = step
            told.add(step.gives)
    facts = await Gathering(Plan(tuple(steps.values()), ()), target, lab).run()
    judgements = tuple(each for each in whole.judgements if _decidable(each.needs, facts, told))
    return judge(Plan((), judgements), facts, target)


def _about_the_postmaster(probe: AnyTalk) -> bool:
    """Whether it asks what is asked of every host: mail for the postmaster, from nobody as bounces are."""
    if not isinstance(probe, SmtpTalk) or probe.mail_from != "" or not probe.recipients:
        return False
    return probe.recipients[0].partition("@")[0].lower() == "postmaster"


def _decidable(needs: Iterable[Need], facts: Mapping[type, Any], told: set[type]) -> bool:
    """Whether the conversation tells anything that a check asks for, and all of it is at hand."""
    needs = [need for need in needs if need.source is Source.FACT]
    at_hand = all(need.kind in facts and (need.unavailable or facts[need.kind] != ALONE) for need in needs)
    return at_hand and any(need.kind in told for need in needs)


def _facts(needs: Iterable[Need]) -> set[type]:
    return {need.kind for need in needs if need.source is Source.FACT}


def _given(step: Step, value: object) -> Step:
    """A step that has nothing to find out."""

    def giving() -> Callable[[], Awaitable[Any]]:
        async def give() -> Any:
            return value

        return give

    return Step(Fact(giving()), step.gives, step.spread, Needs())


def _seeds(probe: AnyTalk, transcript: Transcript) -> Mapping[type, object]:
    endpoint = Endpoint(probe.host, probe.address, probe.port)
    match probe:
        case SmtpTalk() if probe.port == MX_PORT:
            look = Look(probe, transcript, read_smtp(transcript))
            return {InboundContact: Many({str(endpoint): InboundContact(endpoint, 0, look)})}
        case SmtpTalk():
            return _client(endpoint, Service.SUBMISSION, ClientLook(probe, transcript, read_smtp(transcript)))
        case ImapTalk():
            return _client(endpoint, Service.IMAP, ClientLook(probe, transcript, read_imap(transcript)))
        case Pop3Talk():
            return _client(endpoint, Service.POP3, ClientLook(probe, transcript, read_pop3(transcript)))
        case SieveTalk():
            said = ClientLook(probe, transcript, read_sieve(transcript))
            return {
                SieveContact: Many({str(endpoint): _contact(SieveContact, endpoint, Service.SIEVE, said)})
            }


def _client(endpoint: Endpoint, service: Service, look: AnyLook) -> Mapping[type, object]:
    contact = _contact(ClientContact, endpoint, service, look)
    return {ClientContact: Many({str(endpoint): contact}), AccessHost: Many({})}


def _contact(make: type[C], endpoint: Endpoint, service: Service, look: AnyLook) -> C:
    return make(
        endpoint=endpoint,
        service=service,
        tls=look.probe.tls,
        origins=(Origin.USER,),
        offers=(),
        probe=look.probe,
        transcript=look.transcript,
        state=look.session.state,
        session=look.session,
    )
