"""Every fix is tried before it is told: published in an overlay, judged again, and its finding gone."""

from __future__ import annotations

import dataclasses

import dns.name
import dns.rdatatype
import dns.rrset

from diag.lab.overlay import Overlay
from diag.lab.zone import Zone, with_fixes
from diag.model.finding import Finding, Severity
from diag.model.fix import Configure, DnsFix
from diag.model.report import Result, Status, failing
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab, NotRecorded

from .plan import Plan, Source
from .runner import Gathering, judge

MOST_RECORDS = 200
"""Records of one owner and type beyond which no fix is tried."""
MOST_OCTETS = 8192
"""Octets of them beyond which none is tried: each fact and check of the area would read them again."""


async def proven(
    results: tuple[Result, ...], plan: Plan, target: Target, lab: Lab
) -> tuple[tuple[Result, ...], tuple[Finding, ...]]:
    """The results with only those DNS fixes that cure what they are for.

    A fix is kept where, with it published, the finding it belongs to is gone and its area has nothing
    new of severity error or worse. Fixes that ask for a server's configuration cannot be tried here.
    Beside the results, the findings whose fixes did not cure them, as they were.
    """
    before = {_key(finding) for result in failing(results) for finding in result.findings}
    proved, failed = list(results), []
    for at, result in enumerate(results):
        if not result.findings:
            continue
        findings = []
        for finding in result.findings:
            changes = tuple(fix for fix in finding.fix if not isinstance(fix, Configure))
            if changes and not await _cures(changes, finding, result, before, plan, target, lab):
                failed.append(finding)
                findings.append(_advice_only(finding))
            else:
                findings.append(finding)
        proved[at] = dataclasses.replace(result, findings=tuple(findings))
    return tuple(proved), tuple(failed)


def untried(results: tuple[Result, ...]) -> tuple[Result, ...]:
    """The results without the fixes that would have to be tried first."""
    return tuple(
        dataclasses.replace(result, findings=tuple(_advice_only(finding) for finding in result.findings))
        for result in results
    )


def _advice_only(finding: Finding) -> Finding:
    return finding.replace(fix=tuple(fix for fix in finding.fix if isinstance(fix, Configure)))


async def _cures(
    changes: tuple[DnsFix, ...],
    finding: Finding,
    raised_by: Result,
    before: set[tuple[str, str]],
    plan: Plan,
    target: Target,
    lab: Lab,
) -> bool:
    published = await _published(changes, lab)
    if any(_too_large(rrset) for types in published.rrsets.values() for rrset in types.values()):
        return False  # nobody's mistake looks like that, and trying would take minutes
    patch = with_fixes(changes, published)
    part = _part(plan, finding.area)
    facts = await Gathering(part, target, Overlay(patch, lab)).run()
    results = tuple(judge(part, facts, target))
    after = {_key(found): found.severity for result in results for found in result.findings}
    worse = [key for key, severity in after.items() if severity >= Severity.ERROR and key not in before]
    # A check that could not look again has not seen the defect gone.
    blind = any(
        result.check == raised_by.check and result.subject == raised_by.subject and result.status in _OPEN
        for result in results
    )
    return _key(finding) not in after and not worse and not blind


_OPEN = (Status.INCONCLUSIVE, Status.CRASHED)


def _too_large(rrset: dns.rrset.RRset) -> bool:
    return len(rrset) > MOST_RECORDS or sum(len(rdata.to_wire() or b"") for rdata in rrset) > MOST_OCTETS


async def _published(changes: tuple[DnsFix, ...], lab: Lab) -> Zone:
    """The RRsets as they stand at the names the fixes touch."""
    now = Zone()
    for name, rdtype in dict.fromkeys((change.name, change.rdtype) for change in changes):
        try:
            answer = await lab.run(DnsQuery(name, rdtype))
        except NotRecorded:
            continue
        rrset = answer.rrset(name, rdtype) if isinstance(answer, DnsAnswer) else None
        if rrset is not None:
            held = list(rrset.rdatas[: MOST_RECORDS + 1])
            now.put(dns.rrset.from_rdata_list(dns.name.from_text(name), rrset.ttl, held))
    return now


def _part(plan: Plan, area: str) -> Plan:
    """The checks of one area and the facts they need."""
    judgements = tuple(judgement for judgement in plan.judgements if judgement.check.area == area)
    wanted = {need.kind for judgement in judgements for need in judgement.needs if need.source is Source.FACT}
    steps = []
    for step in reversed(plan.steps):  # those that need stand after those that are needed
        if step.gives in wanted:
            wanted.update(need.kind for need in step.needs if need.source is Source.FACT)
            steps.append(step)
    return Plan(tuple(reversed(steps)), judgements)


def _key(finding: Finding) -> tuple[str, str]:
    return finding.id, finding.subject
