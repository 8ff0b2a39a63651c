"""SPF for readers: who may send, and the tree of look-ups with its cost."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Absent, Report
from diag.facts.dmarc import DmarcPolicy
from diag.facts.spf import LOOKUP_LIMIT, Outcome, SpfEvaluation, SpfNode, SpfStep
from reports.hostile import plain

from .page import Page

_FINAL = {
    "-": "everybody else fails SPF",
    "~": "everybody else softfails: most receivers take the mail with suspicion",
    "?": "nothing is said of anybody else",
    "+": "everybody else passes as well",
}


def senders(page: Page, report: Report) -> None:
    """Who can send as the domain, as far as SPF and DMARC say."""
    spf, dmarc = report.fact(SpfEvaluation), report.fact(DmarcPolicy)
    told = [*_by_spf(spf), *_by_dmarc(dmarc)]
    if not told:
        return
    page.heading("Who can send")
    for line in told:
        page.say(line)


def _by_spf(spf: object) -> Iterator[str]:
    match spf:
        case SpfEvaluation() if spf.passes_somebody:
            versions = [network.version for _, _, network in spf.networks()]
            yield (
                f"SPF lets pass {versions.count(4)} IPv4 and {versions.count(6)} IPv6 networks and hosts; "
                f"{_FINAL[spf.final]}."
            )
        case SpfEvaluation():
            yield f"SPF lets nobody pass; {_FINAL[spf.final]}."
        case Absent():
            yield "No SPF record says who may send."


def _by_dmarc(dmarc: object) -> Iterator[str]:
    match dmarc:
        case DmarcPolicy():
            where = f", by the record of {plain(dmarc.found_at)}" if dmarc.inherited else ""
            yield (
                f"DMARC asks receivers for {dmarc.policy} where mail that names the domain in From fails{where}; "
                f"for its subdomains, for {dmarc.for_subdomains}."
            )
        case Absent():
            yield "No DMARC record applies: anybody can put the domain into From."


def tree(page: Page, report: Report) -> None:
    """Every term as a receiver meets it, with what it costs."""
    spf = report.fact(SpfEvaluation)
    if not isinstance(spf, SpfEvaluation):
        return
    page.heading(f"SPF: {spf.lookups} of {LOOKUP_LIMIT} look-ups")
    rows = [(plain(spf.domain), str(spf.lookups)), *_rows(spf.root, "")]
    page.table(rows, right=(1,), fixed=(1,))


def _rows(node: SpfNode, prefix: str) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(node.steps, 1):
        last = number == len(node.steps)
        yield f"{prefix}{'└─ ' if last else '├─ '}{_term(step)}", str(step.total) if step.total else ""
        if step.inner is not None:
            yield from _rows(step.inner, prefix + ("   " if last else "│  "))


def _term(step: SpfStep) -> str:
    remarks = []
    if not step.reached:
        remarks.append("never reached")
    elif step.outcome not in (Outcome.NOT_NEEDED, Outcome.FOUND):
        remarks.append(str(step.outcome))
    told = f" ({', '.join(remarks)})" if remarks else ""
    return plain(step.text) + told
