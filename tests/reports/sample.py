"""Reports to render: the sandbox's two worlds as really seen, with findings of our own making laid on them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import anyio
import page_reader
import trio.testing

from diag.model.finding import Certainty, Document, Finding, Rfc, Severity, rule
from diag.model.fix import Configure, Publish, Replace, Withdraw
from diag.model.knowing import Cite
from diag.model.report import Report, Result, Status
from diag.model.target import Target
from diag.probes.probe import Probe
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk, Talk
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.wire.transcript import Said, Secured, Transcript
from reports.html import html


@rule("sample/stranger-may-write", Severity.CRITICAL, Rfc(9989, "4.7"), since="1.0")
class StrangerMayWrite(Finding):
    """Anybody can write as the domain.

    ## Why it matters
    Receivers have no reason to refuse `anybody`.

    ## How to fix
    Publish a policy:

    - `p=quarantine` first
    - `p=reject` in the end
    """

    message = "Anybody can write as {subject}."


@rule("sample/tree-too-large", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class TreeTooLarge(Finding):
    """Evaluating the SPF record takes too many look-ups.

    ## Why it matters
    Receivers stop at ten and answer `permerror`.

    ## How to fix
    Drop what you no longer use.
    """

    message = "SPF of {subject} takes {lookups} look-ups; receivers stop at 10."
    lookups: int


@rule("spf/too-many-lookups", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class SpfTooDeep(TreeTooLarge):
    """The same, under the id that the receiver table knows.

    ## Why it matters
    Receivers stop at ten.

    ## How to fix
    Drop what you no longer use.
    """


@rule(
    "sample/line-said",
    Severity.ERROR,
    Rfc(5321, "4.2"),
    Document("Manual", "https://www.postfix.org/"),
    since="1.0",
)
class LineSaid(Finding):
    """A host says what it should not.

    ## Why it matters
    Senders turn away.

    ## How to fix
    Change the setting.
    """

    message = "{subject} says {said}."
    said: str


@rule("sample/small", Severity.NOTICE, Rfc(5321), since="1.0")
class Small(Finding):
    """Something small.

    ## Why it matters
    It hardly does.

    ## How to fix
    Leave it.
    """

    message = "{subject} is small."


@functools.cache
def registry() -> Registry:
    """Everything on offer."""
    return load()


@functools.cache
def seen(name: str) -> Report:
    """A packaged world with all its facts and dialogues, and no check at all."""
    offered = Registry(facts=registry().facts, performers=registry().performers)

    async def run() -> Report:
        world = worlds.packaged(name)
        target = Target(world.domain, public=DOCUMENTATION)
        async with in_memory(world, offered.performers) as lab:
            diagnosis = Diagnosis(offered, target, lab)
            report = await diagnosis.run()
            for talk in _talks(world):
                await diagnosis.lab.run(talk)
            return dataclasses.replace(report, evidence=dict(diagnosis.lab.seen), seconds=2.1)

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def _talks(world: worlds.World) -> Iterable[Probe[Any]]:
    for (address, port), host in world.hosts.items():
        if not host.name.endswith(world.domain):
            continue  # the worlds below this one
        implicit = "implicit" if port in (465, 993, 995) else "starttls"
        if port in (25, 587, 465, 2525):
            yield SmtpTalk(address, port, host.name, "probe.example", tls=implicit)  # type: ignore[arg-type]
        elif port in (143, 993):
            yield ImapTalk(address, port, host.name, tls=implicit)  # type: ignore[arg-type]
        elif port in (110, 995):
            yield Pop3Talk(address, port, host.name, tls=implicit)  # type: ignore[arg-type]


def passed(subject: str, area: str = "mx", claim: str = "All is well") -> Result:
    """A check that found nothing."""
    return Result(
        claim.lower().replace(" ", "_"), claim, area, subject, Status.PASSED, could=Severity.CRITICAL
    )


def failed(*findings: Finding) -> Result:
    """A check that found these."""
    first = findings[0]
    return Result("it_holds", "It holds", first.area, first.subject, Status.FAILED, findings)


def undecided(subject: str, because: str, *evidence: Cite, could: Severity = Severity.CRITICAL) -> Result:
    """A check that could not be decided."""
    return Result(
        "it_is_known", "It is known", "smtp", subject, Status.INCONCLUSIVE, (), because, evidence, could
    )


def with_results(report: Report, *results: Result) -> Report:
    """The report with these results and no other."""
    return dataclasses.replace(report, results=results)


def healthy() -> Report:
    """The healthy world, everything passed."""
    report = seen("healthy")
    domain = report.target.domain
    areas = ("mx", "spf", "dkim", "dmarc", "reverse", "smtp")
    return with_results(report, *(passed(domain, area, f"{area} is well") for area in areas))


def talk_to(report: Report, host: str, port: int = 25) -> tuple[Talk, Transcript]:
    """The first dialogue with a host on a port."""
    for probe, evidence in report.evidence.items():
        if isinstance(probe, SmtpTalk | ImapTalk | Pop3Talk) and (probe.host, probe.port) == (host, port):
            assert isinstance(evidence, Transcript)
            return probe, evidence
    raise LookupError(host)


def broken() -> Report:
    """The broken world with a finding of every sort and one thing that could not be determined."""
    report = seen("harbour")
    domain = report.target.domain
    asked = next(probe for probe in report.evidence if str(probe) == f"TXT {domain}")
    tree = TreeTooLarge(
        subject=domain,
        lookups=12,
        evidence=(Cite(asked),),
        fix=(Replace(domain, "TXT", "v=spf1 mx ~all", old="v=spf1 a ~all"),),
    )
    policy = StrangerMayWrite(
        subject=domain,
        fix=(Publish(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject"), Withdraw(domain, "SPF")),
    )
    said = []
    for host in ("mx2", "mx3"):
        talk, transcript = talk_to(report, f"{host}.{domain}")
        at = next(
            (at for at, event in enumerate(transcript.events) if isinstance(event, Secured)),
            next(at for at, event in enumerate(transcript.events) if isinstance(event, Said)),
        )
        said.append(
            LineSaid(
                subject=f"{talk.host} [{talk.address}]:{talk.port}",
                said="something",
                evidence=(Cite(talk, at),),
                certainty=Certainty.LIKELY,
                fix=(Configure(talk.host, "smtpd_tls_security_level = may", "Postfix"),),
            )
        )
    throttled, _ = next(
        (probe, evidence)
        for probe, evidence in report.evidence.items()
        if isinstance(probe, SmtpTalk) and (probe.address, probe.port) == ("2001:db8:20::10", 25)
    )
    return with_results(
        report,
        failed(policy),
        failed(tree),
        failed(*said),
        failed(Small(subject=domain)),
        undecided("mx1", "it says 421: too many connections", Cite(throttled, 1)),
        passed(domain),
        Result("it_ran", "It ran", "dane", domain, Status.CRASHED, because="it failed: <KeyError>"),
        Result("it_applies", "It applies", "dane", domain, Status.NOT_APPLICABLE, because="there is no TLSA"),
    )


@functools.cache
def text_of(world: str) -> str:
    """The page of the "healthy" or the "broken" world, or of a "bare" report that knows nothing; as text."""
    bare = dataclasses.replace(healthy(), facts={}, evidence={}, results=())
    return html.function({"healthy": healthy(), "broken": broken(), "bare": bare}[world])


def page_of(report: Report) -> page_reader.Page:
    """The report as a page, read strictly."""
    return page_reader.read(html.function(report))
