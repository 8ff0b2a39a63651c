"""Endpoints as readers look at them: what became of each, and everything that points at it, whatever form a report has."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from diag.api import Cell, Finding, Matrix, Report, Result, Severity
from diag.probes.talks import TalkProbe
from diag.probes.tls_offer import TlsOffer
from diag.tls.handshake import Handshake
from diag.tls.offer import VERSION_NAMES
from diag.wire.transcript import Transcript

from .places import by_host, by_port
from .verdict import undecided

Place = tuple[str, str, int]
"""Host, address, port."""

APART = 4
"""Addresses of one host that are shown one by one; of more, those that look the same share a line."""
_MOST_NAMES = 3
_MOST_GREETING = 120


class Mark(enum.StrEnum):
    """What an endpoint is at first sight."""

    FINDING = "finding"
    """A rule is broken there: a notice, or graver."""
    OPEN = "inconclusive"
    """Something could not be determined there."""
    PASSED = "passed"
    """TLS came about, and nothing is wrong."""
    QUIET = "quiet"
    """Nothing is wrong, and there is no TLS: mostly a port that is closed."""
    UNTRIED = "not-tried"
    """There was no need to try it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One endpoint."""

    place: Place
    talks: tuple[tuple[TalkProbe, Transcript], ...]
    """The conversations held there, those for a ClientHello's sake apart, in the order held."""
    cell: Cell | None
    """What the matrix holds of it; None where that was not gathered."""
    findings: tuple[Finding, ...]
    """Those that point at it, gravest first."""
    left_open: tuple[Result, ...]
    """The checks that could not be decided because of what was seen there."""

    @property
    def untried(self) -> str:
        """Why no conversation was held; empty where one was."""
        return self.cell.because if self.cell is not None and not self.talks else ""


def spots(report: Report) -> dict[Place, Spot]:
    """All of them: MX hosts by preference before the others, by address with IPv4 first, by port."""
    talks: dict[Place, list[tuple[TalkProbe, Transcript]]] = {}
    for probe, seen in report.evidence.items():
        if isinstance(probe, TalkProbe) and isinstance(seen, Transcript) and not isinstance(probe, TlsOffer):
            talks.setdefault(_place(probe), []).append((probe, seen))
    known = report.fact(Matrix)
    cells = {_of_cell(cell): cell for cell in known.cells} if isinstance(known, Matrix) else {}
    findings = _pointing((finding, finding.evidence, finding.subject) for finding in report.findings)
    doubts = _pointing((result, result.evidence, "") for result in undecided(report))
    places = dict.fromkeys((*talks, *cells))
    standing = by_host(report, (host for host, _, _ in places))
    order = sorted(places, key=lambda at: (standing(at[0]), ":" in at[1], at[1], by_port(at[2])))
    return {
        at: Spot(
            at,
            tuple(talks.get(at, ())),
            cells.get(at),
            tuple(findings.get(_name(at), ())),
            tuple(doubts.get(_name(at), ())),
        )
        for at in order
    }


def _place(probe: TalkProbe) -> Place:
    return probe.host, probe.address, probe.port


def _of_cell(cell: Cell) -> Place:
    return cell.endpoint.host, cell.endpoint.address, cell.endpoint.port


def _name(at: Place) -> str:
    host, address, port = at
    return f"{host} [{address}]:{port}"


def _pointing(things: Iterable[tuple[Any, Iterable[Any], str]]) -> dict[str, list[Any]]:
    """What points at each endpoint, by its name: by the conversations it cites, or as its subject."""
    found: dict[str, list[Any]] = {}
    for thing, cites, subject in things:
        probes = (cite.probe for cite in cites)
        named = {_name(_place(probe)) for probe in probes if isinstance(probe, TalkProbe)} | {subject}
        for name in named - {""}:
            found.setdefault(name, []).append(thing)
    return found


def worst(report: Report, spot: Spot) -> Severity | None:
    """The gravest severity found there that a mark shows; None below a notice."""
    gravest = max((report.severity(finding) for finding in spot.findings), default=Severity.INFO)
    return gravest if gravest >= Severity.NOTICE else None


def mark(report: Report, spot: Spot) -> Mark:
    """What it is at first sight."""
    if worst(report, spot) is not None:
        return Mark.FINDING
    if not spot.talks and spot.cell is not None and spot.cell.told:
        return Mark.UNTRIED
    if spot.left_open or spot.untried:
        return Mark.OPEN
    made = (transcript.secured for _, transcript in spot.talks)
    secured = any(each is not None and isinstance(each.handshake, Handshake) for each in made)
    return Mark.PASSED if secured else Mark.QUIET


def facts(spot: Spot) -> Iterator[tuple[str, str]]:
    """What was seen there, as pairs of a word and a line; remote text among it."""
    cell = spot.cell
    if cell is None:
        return
    if cell.greeting:
        more = "…" if len(cell.greeting) > _MOST_GREETING else ""
        yield "Greeting", cell.greeting[:_MOST_GREETING] + more
    if (made := cell.handshake) is not None:
        group = f", {made.group}" if made.group else ""
        yield "TLS", f"{made.version.replace('TLSv', 'TLS ')}{group}, {made.cipher}"
    if cell.survey is not None and len(spoken := cell.survey.versions) > 1:
        yield "Versions", ", ".join(VERSION_NAMES[number] for number in reversed(spoken))
    if cell.certificate is not None:
        leaf = cell.certificate.leaf
        names = leaf.dns_names or leaf.addresses or (leaf.label,)
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield "Certificate", f"{', '.join(names[:_MOST_NAMES])}{more}, until {leaf.not_after:%Y-%m-%d}"
    if cell.best is not None:
        if cell.best.logins:
            yield "Logins", " ".join(cell.best.logins)
        if cell.best.size is not None:
            yield "Largest message", f"{cell.best.size} octets"
    if len(cell.samples) > 1:
        yield "Seen", f"on {len(cell.samples)} connections"


def rows_of(known: Mapping[Place, Spot]) -> dict[str, dict[str, dict[int, Spot]]]:
    """By host, address and port."""
    rows: dict[str, dict[str, dict[int, Spot]]] = {}
    for (host, address, port), spot in known.items():
        rows.setdefault(host, {}).setdefault(address, {})[port] = spot
    return rows


def together(
    rows: Mapping[str, Mapping[int, Spot]], looks: Callable[[Spot], Any]
) -> Iterator[tuple[str, ...]]:
    """The addresses of a host; where there are many, those of a family that look the same as one."""
    if len(rows) <= APART:
        yield from ((address,) for address in rows)
        return
    groups: dict[Any, list[str]] = {}
    for address, row in rows.items():
        seen = tuple((port, looks(spot), _alike(spot)) for port, spot in row.items())
        groups.setdefault((":" in address, seen), []).append(address)
    yield from (tuple(group) for group in groups.values())


def _alike(spot: Spot) -> tuple[Any, ...]:
    """What makes endpoints on one port look the same to a reader: what they call themselves apart."""
    seen = tuple((label, line) for label, line in facts(spot) if label not in ("Greeting", "Seen"))
    rules = tuple(sorted({finding.id for finding in spot.findings}))
    return rules, tuple(sorted({result.because for result in spot.left_open})), spot.untried, seen
