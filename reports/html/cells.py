"""What a cell of the matrix leads to: the sentence, the fix and the very line, and everything seen at that endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diag.api import Certainty, Cite, Finding, Report
from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, TalkProbe
from diag.wire.reading import read_imap, read_pop3, read_sieve, read_smtp
from diag.wire.session import Session
from diag.wire.transcript import Opened, Transcript, render_event
from reports import states
from reports.spots import Spot, facts

from .anchors import Anchors, Link, place
from .fixes import Step, steps
from .prose import Span, spans

_AROUND = 2
"""Lines before the one that shows it."""
_TIME = 10
"""Characters of a line that tell when it was said."""
_MOST_EXCERPTS, _MOST_FINDINGS, _MOST_DOUBTS, _MOST_PLACES = 3, 12, 6, 12


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A few lines of a dialogue, in the midst of them the one that shows something, and the command it answers."""

    title: str
    """Whose; empty where that is clear."""
    before: tuple[str, ...]
    line: str
    after: tuple[str, ...]
    whole: Link | None
    """Where all of it stands."""


@dataclass(frozen=True, slots=True)
class Said:
    """One finding."""

    shown: states.Shown
    sentence: tuple[Span, ...]
    likely: bool
    steps: tuple[Step, ...]
    excerpts: tuple[Excerpt, ...]
    rule: str
    card: str
    """The id of its card."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason for not knowing."""

    because: str
    checks: int
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An endpoint, or several on one port that look the same."""

    id: str
    host: str
    port: int
    addresses: tuple[str, ...]
    shown: states.Shown
    findings: tuple[Said, ...]
    more: int
    """Findings beyond those told."""
    doubts: tuple[Doubt, ...]
    untried: str
    facts: tuple[tuple[str, str], ...]
    dialogues: tuple[Link, ...]


def tell(
    target: str,
    shown: states.Shown,
    same: Sequence[Spot],
    report: Report,
    anchors: Anchors,
    card_of: Mapping[str, str],
) -> Told:
    """All of it, by the first of those that look the same."""
    spot = same[0]
    host, _, port = spot.place
    return Told(
        id=target,
        host=host,
        port=port,
        addresses=tuple(each.place[1] for each in same),
        shown=shown,
        findings=tuple(
            _said(finding, spot, report, anchors, card_of) for finding in spot.findings[:_MOST_FINDINGS]
        ),
        more=max(0, len(spot.findings) - _MOST_FINDINGS),
        doubts=tuple(_doubts(spot, report, anchors)),
        untried=spot.untried,
        facts=tuple(facts(spot)),
        dialogues=tuple(
            Link(anchors.id_of(probe), f"the {anchors.ordinal(probe)}dialogue at {probe.address}")
            for each in same[:_MOST_PLACES]
            for probe in anchors.talks
            if (probe.host, probe.address, probe.port) == each.place
        ),
    )


def _said(finding: Finding, spot: Spot, report: Report, anchors: Anchors, card_of: Mapping[str, str]) -> Said:
    return Said(
        shown=states.SEVERITIES[report.severity(finding)],
        sentence=spans(finding.text()),
        likely=finding.certainty is Certainty.LIKELY,
        steps=tuple(steps(finding.fix)),
        excerpts=tuple(_excerpts(finding.evidence, spot, report, anchors)),
        rule=finding.id,
        card=card_of.get(finding.id, ""),
    )


def _doubts(spot: Spot, report: Report, anchors: Anchors) -> Iterator[Doubt]:
    """The reasons, each once."""
    reasons: dict[str, list[Cite]] = {}
    checks: dict[str, int] = {}
    for result in spot.left_open:
        reasons.setdefault(result.because, []).extend(result.evidence)
        checks[result.because] = checks.get(result.because, 0) + 1
    for because, cites in list(reasons.items())[:_MOST_DOUBTS]:
        shown = tuple(_excerpts(tuple(dict.fromkeys(cites)), spot, report, anchors))[:1]
        yield Doubt(because or "no reason was given", checks[because], shown)


def _excerpts(cites: Sequence[Cite], spot: Spot, report: Report, anchors: Anchors) -> Iterator[Excerpt]:
    """The lines that show it, those of this endpoint first."""
    talked = [cite for cite in cites if isinstance(cite.probe, TalkProbe)]
    here = [cite for cite in talked if _place(cite.probe) == spot.place]
    told: dict[tuple[str, str], Excerpt] = {}
    for cite in (*here, *(cite for cite in talked if cite not in here)):
        seen = report.evidence.get(cite.probe)
        if isinstance(seen, Transcript) and seen.events and isinstance(cite.probe, TalkProbe):
            title = "" if cite in here else place(cite.probe)
            made = _excerpt(cite, seen, title, anchors.link(cite))
            told.setdefault((title, made.line[_TIME:]), made)  # two looks that show the same are shown once
    yield from list(told.values())[:_MOST_EXCERPTS]


def _place(probe: object) -> tuple[str, str, int]:
    assert isinstance(probe, TalkProbe)
    return probe.host, probe.address, probe.port


def _excerpt(cite: Cite, seen: Transcript, title: str, whole: Link | None) -> Excerpt:
    last = len(seen.events) - 1
    at = min(cite.event, last) if cite.event is not None else last
    begins = max(0, at - _AROUND)
    asked = _asked(cite.probe, seen, at)
    if asked is not None and begins - _AROUND <= asked < begins:
        begins = asked
    before = [render_event(event) for event in seen.events[begins:at]]
    if asked is not None and asked < begins:
        before = [render_event(seen.events[asked]), " " * _TIME + "…", *before]
    after = seen.events[at + 1 : at + 2]
    return Excerpt(
        title,
        tuple(before),
        render_event(seen.events[at]),
        tuple(map(render_event, after)),
        whole,
    )


def _asked(probe: object, seen: Transcript, at: int) -> int | None:
    """The command that a line answers: of several sent together it may stand far from its reply (RFC 2920)."""
    read = next((reader for kind, reader in _READERS.items() if isinstance(probe, kind)), None)
    for step in read(seen).exchanges if read is not None else ():
        if (
            step.command
            and step.first is not None
            and step.last is not None
            and step.first <= at <= step.last
        ):
            return step.asked
    return None


_READERS: Mapping[type[TalkProbe], Callable[[Transcript], Session[Any]]] = {
    SmtpTalk: read_smtp,
    ImapTalk: read_imap,
    Pop3Talk: read_pop3,
    SieveTalk: read_sieve,
}


def opened_at_all(transcript: Transcript) -> bool:
    """Whether a connection came about."""
    return any(isinstance(event, Opened) for event in transcript.events)
