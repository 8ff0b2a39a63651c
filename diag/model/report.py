"""The report: everything a renderer may show, and nothing it would have to work out with I/O."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

from diag.model.frozen import frozen
from diag.model.kept import kept

from .finding import Finding, Severity
from .knowing import Cite
from .target import Target

K = TypeVar("K")


class Status(enum.StrEnum):
    """What became of one check on one subject."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not-applicable"
    INCONCLUSIVE = "inconclusive"
    CRASHED = "crashed"

    __hash__ = str.__hash__  # Enum's own is written in Python, and results are counted by the hundred


@frozen
class Result:
    """One check on one subject: its status and, where it failed, what it found."""

    check: str
    """The check's name: the claim that holds when all is well, as an identifier."""
    claim: str
    """The same as a sentence."""
    area: str
    subject: str
    status: Status
    findings: tuple[Finding, ...] = ()
    because: str = ""
    """Why it was inconclusive, not applicable or crashed."""
    evidence: tuple[Cite, ...] = ()
    could: Severity | None = None
    """The gravest severity this check could have raised: what an inconclusive result may hide."""


@frozen
class Waiver:
    """A finding the reader has accepted until a date, with the reason (from the profile)."""

    rule: str
    reason: str
    until: str
    subject: str = ""


@frozen
class Report:
    """One run on one domain."""

    target: Target
    moment: datetime
    """The one that everything is judged at."""
    results: tuple[Result, ...]
    evidence: Mapping[Any, Any]
    """Probe to evidence, in the order asked: DNS answers, transcripts, exchanges."""
    facts: Mapping[type, Any]
    """What the evidence means, by type: a value, Absent, Unavailable or Many."""
    versions: Mapping[str, str] = field(default_factory=dict)
    partial: str = ""
    """Why the run ended early; empty for a whole run."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Severities that the profile or sending in bulk changed, by rule id."""
    waived: tuple[tuple[Finding, Waiver], ...] = ()
    seconds: float = 0.0
    round_trips: int = 0
    """The critical path: how many round trips had to follow one another."""
    required: tuple[str, ...] = ("dns",)
    proposed: str = ""
    """The name of the zone file laid over the live answers; empty for the world as it is."""

    as_bulk_sender: bool = False
    """Judged as what large receivers ask of whoever sends them thousands of messages a day."""

    real_moment: datetime | None = None
    """When the run took place, where it was judged as of another moment; None where that is the one."""

    unproven: tuple[Finding, ...] = ()
    """Findings whose DNS fixes did not cure them on trial: those fixes are not told, and are a bug of the rule."""

    def severity(self, finding: Finding) -> Severity:
        """The finding's severity in this report: its rule's, unless the profile says otherwise."""
        return self.severities.get(finding.id, finding.severity)

    @kept
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, gravest first, then by rule and subject; waived ones are apart."""
        found = [finding for result in failing(self.results) for finding in result.findings]
        return tuple(sorted(found, key=lambda f: (-self.severity(f), f.id, f.subject)))

    @property
    def worst(self) -> Severity | None:
        """The gravest severity found, None where nothing was."""
        return max((self.severity(finding) for finding in self.findings), default=None)

    @property
    def grade(self) -> str:
        """The worst finding decides; `?` where something inconclusive could still lower it."""
        letter = {Severity.CRITICAL: "F", Severity.ERROR: "C", Severity.WARNING: "B", Severity.NOTICE: "A"}
        worst = self.worst
        floor = worst if worst is not None else Severity.INFO
        hidden = self.partial != "" or any(
            (result.could or Severity.INFO) > floor
            for status in (Status.INCONCLUSIVE, Status.CRASHED)
            for result in self.with_status(status)
        )
        return letter.get(floor, "A+") + ("?" if hidden and floor < Severity.CRITICAL else "")

    def with_status(self, status: Status) -> tuple[Result, ...]:
        """The results of one status."""
        return self._by_status.get(status, ())

    @kept
    def _by_status(self) -> Mapping[Status, tuple[Result, ...]]:
        return _grouped(self.results, attrgetter("status"))

    def in_area(self, area: str) -> tuple[Result, ...]:
        """The results of one area."""
        return self._by_area.get(area, ())

    @kept
    def _by_area(self) -> Mapping[str, tuple[Result, ...]]:
        return _grouped(self.results, attrgetter("area"))

    def fact(self, kind: type) -> Any:
        """The value of one fact: None where it was not gathered."""
        return self.facts.get(kind)


def failing(results: Iterable[Result]) -> Iterator[Result]:
    """The results that have findings."""
    return filter(attrgetter("findings"), results)


def _grouped(results: tuple[Result, ...], by: Callable[[Result], K]) -> Mapping[K, tuple[Result, ...]]:
    found: dict[K, list[Result]] = defaultdict(list)
    for key, result in zip(map(by, results), results, strict=True):
        found[key].append(result)
    return {key: tuple(group) for key, group in found.items()}
