"""What to do, by consequence: one card a rule, with what to paste and how to see the defect oneself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.api import (
    Certainty,
    Configure,
    Document,
    Finding,
    Fix,
    Publish,
    Replace,
    Report,
    Rfc,
    Severity,
    Withdraw,
)
from diag.model.fix import record_line
from reports import states
from reports.quoting import commands
from reports.receivers import as_bulk_sender
from reports.verdict import by_rule

from .anchors import Anchors, Link
from .prose import Block, Span, blocks, spans

SECTION_OF = {
    "spf": Link("spf", "the whole tree"),
    "dkim": Link("dkim", "the keys"),
    "dmarc": Link("dmarc", "the record, tag by tag"),
    "mx": Link("route", "the route"),
    "certificates": Link("certificates", "the certificates"),
    "reverse": Link("reverse", "the reverse names"),
    "mta-sts": Link("transport", "the policies for transport"),
    "tlsrpt": Link("transport", "the policies for transport"),
    "dane": Link("transport", "the policies for transport"),
    "dnssec": Link("transport", "the policies for transport"),
    "consistency": Link("endpoints", "the endpoints side by side"),
}
_MOST_SUBJECTS = 12
_MOST_COMMANDS = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One change: what to do, where, and the lines to paste."""

    lead: str
    where: str
    paste: str
    """Empty where there is nothing to paste."""

    @property
    def named(self) -> bool:
        """Whether `where` is made of names, and not of words such as "the panel of your provider"."""
        return all(" " not in place for place in self.where.split(", "))


@dataclass(frozen=True, slots=True)
class Instance:
    """One finding of a card: its sentence and what shows it."""

    sentence: tuple[Span, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Everything about one rule that was broken."""

    id: str
    rule: str
    severity: Severity
    shown: states.Shown
    title: tuple[Span, ...]
    instances: tuple[Instance, ...]
    """More than one where the rule is broken by several subjects; then the title is the rule's summary."""
    more: int
    """Findings beyond those shown."""
    likely: bool
    why: tuple[Block, ...]
    how: tuple[Block, ...]
    steps: tuple[Step, ...]
    commands: tuple[str, ...]
    references: tuple[Rfc | Document, ...]
    section: Link | None
    weighs_more: str
    """What receivers answer to bulk mail because of it, where that is how the report judges."""


def cards(report: Report, anchors: Anchors, sections: frozenset[str]) -> tuple[Card, ...]:
    """A card for each rule broken, gravest first; `sections` are the ids of the page's own sections."""
    return tuple(
        _card(number, report, findings, anchors, sections)
        for number, findings in enumerate(by_rule(report), start=1)
    )


def _card(
    number: int, report: Report, findings: tuple[Finding, ...], anchors: Anchors, sections: frozenset[str]
) -> Card:
    first = findings[0]
    severity = report.severity(first)
    section = SECTION_OF.get(first.area)
    one = len(findings) == 1
    shown = findings[:_MOST_SUBJECTS]
    fixes = dict.fromkeys(fix for finding in findings for fix in finding.fix)
    cites = (cite for finding in findings for cite in finding.evidence)
    return Card(
        id=f"f{number}",
        rule=first.id,
        severity=severity,
        shown=states.SEVERITIES[severity],
        title=spans((first.text() if one else first.page.summary).strip().rstrip(".")),
        instances=tuple(Instance(spans(each.text()), tuple(anchors.links(each))) for each in shown),
        more=len(findings) - len(shown),
        likely=any(finding.certainty is Certainty.LIKELY for finding in findings),
        why=blocks(first.page.why),
        how=blocks(first.page.how),
        steps=tuple(steps(tuple(fixes)[:_MOST_SUBJECTS])),
        commands=tuple(sorted(commands(cites), key=_only_leads_there)[:_MOST_COMMANDS]),
        references=first.references,
        section=section if section is not None and section.target in sections else None,
        weighs_more=as_bulk_sender(report, first),
    )


def _only_leads_there(command: str) -> bool:
    """Whether a command only finds the address of what shows the defect."""
    return command.startswith("dig ") and not {"A", "AAAA"}.isdisjoint(command.split())


def steps(fixes: tuple[Fix, ...]) -> Iterator[Step]:
    """What to change, the same setting on several hosts once."""
    settings: dict[tuple[str, str], list[str]] = {}
    for fix in fixes:
        if isinstance(fix, Configure):
            settings.setdefault((fix.product, fix.setting), []).append(fix.where)
    for fix in fixes:
        match fix:
            case Publish():
                yield Step("Publish at", fix.name, str(fix))
            case Replace(old=""):
                yield Step("Publish instead of what stands at", fix.name, str(fix))
            case Replace():
                yield Step("Remove at", fix.name, record_line(fix.name, None, fix.rdtype, fix.old))
                yield Step("and publish in its place", "", str(fix))
            case Withdraw(value=""):
                yield Step(f"Remove every {fix.rdtype} record at", fix.name, "")
            case Withdraw():
                yield Step("Remove at", fix.name, record_line(fix.name, None, fix.rdtype, fix.value))
            case Configure():
                # The same setting on several hosts is said once.
                if hosts := settings.pop((fix.product, fix.setting), []):
                    command = fix.product and fix.setting.startswith(f"{fix.product} ")
                    lead = "Run on" if command else f"In {fix.product} on" if fix.product else "On"
                    yield Step(lead, ", ".join(dict.fromkeys(hosts)), fix.setting)
