"""Which findings and open questions point at which piece of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diag.api import Cite, Report, Severity

from .verdict import undecided


@dataclass(frozen=True, slots=True)
class Mention:
    """Why a piece of evidence matters: a rule that was broken, or a check that it leaves open."""

    rule: str
    """The rule's id; empty where nothing was decided."""
    severity: Severity | None
    """None where nothing was decided."""
    words: str
    """What is written beside the evidence."""


_LEFT_OPEN = Mention("", None, "leaves checks open")


class Mentions:
    """The mentions of each piece of evidence of one report."""

    def __init__(self, report: Report) -> None:
        self._mentions: dict[object, dict[int | None, list[Mention]]] = {}
        for finding in report.findings:
            severity = report.severity(finding)
            for cite in finding.evidence:
                self._mention(cite, Mention(finding.id, severity, finding.id))
        for result in undecided(report):
            for cite in result.evidence:
                self._mention(cite, _LEFT_OPEN)

    def _mention(self, cite: Cite, mention: Mention) -> None:
        places = self._mentions.setdefault(cite.probe, {})
        found = places.setdefault(cite.event, [])
        if mention not in found:
            found.append(mention)

    def mentions(self, probe: object) -> Mapping[int | None, list[Mention]]:
        """What points at a probe's evidence, by event; None stands for the whole."""
        return self._mentions.get(probe, {})

    def findings_at(self, probe: object) -> list[Mention]:
        """The findings among those, each rule once, gravest first."""
        found = {
            mention.rule: mention
            for mentions in self.mentions(probe).values()
            for mention in mentions
            if mention.rule
        }
        return sorted(found.values(), key=lambda mention: -(mention.severity or Severity.INFO))

    def left_open(self, probe: object) -> bool:
        """Whether some check could not be decided because of this evidence."""
        return any(
            mention.severity is None for mentions in self.mentions(probe).values() for mention in mentions
        )
