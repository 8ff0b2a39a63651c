"""The matrix of hosts, addresses and ports, and the state of each in a word or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diag.api import Report, Severity
from diag.probes.talks import TalkProbe
from diag.tls.handshake import Handshake
from diag.wire.transcript import Ending, Transcript
from reports import states
from reports.first_sight import turned_away, without_tls
from reports.places import by_port
from reports.spots import Spot, rows_of, spots, together, worst

from .anchors import Anchors, Held
from .cells import Told, opened_at_all, tell

SERVICES = {
    25: "SMTP",
    587: "submission",
    465: "submission",
    143: "IMAP",
    993: "IMAP",
    110: "POP3",
    995: "POP3",
    4190: "ManageSieve",
}
"""What the standard ports are for, in a word (RFC 5321, RFC 6409, RFC 8314 section 7, RFC 5804 section 1.8)."""
_UNOPENED = {
    Ending.REFUSED: states.mute("closed"),
    Ending.FILTERED: states.mute("no answer"),
    Ending.UNREACHABLE: states.unknown("unreachable"),
    Ending.HELD_BACK: states.unknown("not tried"),
}
_SPELT = {"sts": "MTA-STS", "utf8": "SMTPUTF8"} | {
    word: word.upper()
    for word in ("auth", "dane", "ehlo", "helo", "imap", "ptr", "smtp", "starttls", "stls", "tls", "tlsa")
}
_CUT = {
    Ending.BY_PEER: "closed early",
    Ending.RESET: "reset",
    Ending.SILENT: "silent",
    Ending.TOO_MUCH: "says too much",
    Ending.TIME_UP: "too slow",
    Ending.TLS_FAILED: "TLS failed",
    Ending.FAILED: "failed",
}


MOST_SPOTS = 400
"""Cells that are told of at length; of those beyond, the gravest first, a cell leads to its dialogue."""
_MOST_SHARED = 3
_LEGEND = (
    states.Shown("✗", "critical", "crit"),
    states.Shown("✗", "an error", "err"),
    states.Shown("!", "a warning", "warn"),
    states.Shown("•", "a notice", "note"),
    states.Shown("?", "undetermined", "unk"),
    states.Shown("✓", "nothing wrong", "good"),
    states.Shown("·", "not tried", ""),
)
_ORDER = ("crit", "err", "warn", "unk", "note", "good", "mute")


@dataclass(frozen=True, slots=True)
class Cell:
    """One endpoint, or the same port of several addresses that look the same."""

    shown: states.Shown
    target: str
    """The id of what is told of it; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One address of a host, or several that look the same: a cell for each port, None where it was not tried."""

    addresses: tuple[str, ...]
    more: int
    """Addresses beyond those named."""
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """A host and its addresses."""

    name: str
    detail: str
    """What it is for, in a word or two; empty for hosts of mail programs."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every endpoint that was tried."""

    ports: tuple[int, ...]
    hosts: tuple[Host, ...]
    told: tuple[Told, ...]
    """What cells lead to."""
    legend: tuple[states.Shown, ...]
    """What the marks mean, of those used."""


def matrix(report: Report, anchors: Anchors, card_of: Mapping[str, str]) -> Matrix | None:
    """The endpoints by host, address and port; None where no host was talked to. `card_of` gives the card of a rule."""
    if not anchors.talks:
        return None
    known = spots(report)
    ports = tuple(sorted({port for _, _, port in known}, key=by_port))
    seen = {place: _shown(spot, report, anchors) for place, spot in known.items()}
    order = sorted(known, key=lambda place: _ORDER.index(seen[place].css))
    lengthy = {place for place in order[:MOST_SPOTS] if _tells(known[place])}
    told: list[Told] = []
    hosts = []
    for name, rows in rows_of(known).items():
        lines = []
        for addresses in together(rows, lambda spot: seen[spot.place]):
            first = rows[addresses[0]]
            cells: list[Cell | None] = []
            for port in ports:
                if port not in first:
                    cells.append(None)
                    continue
                spot = first[port]
                shown, target = seen[spot.place], anchors.id_of(spot.talks[0][0]) if spot.talks else ""
                if spot.place in lengthy:
                    target = f"e{len(told) + 1}"
                    same = [rows[address][port] for address in addresses if port in rows[address]]
                    told.append(tell(target, shown, same, report, anchors, card_of))
                cells.append(Cell(shown, target))
            named = addresses if len(addresses) <= _MOST_SHARED else addresses[: _MOST_SHARED - 1]
            lines.append(Line(tuple(named), len(addresses) - len(named), tuple(cells)))
        hosts.append(Host(name, _detail(rows), tuple(lines)))
    used = {shown.css for shown in seen.values()}
    if any(cell is None for host in hosts for line in host.lines for cell in line.cells):
        used.add("")
    legend = tuple(shown for shown in _LEGEND if shown.css in used)
    return Matrix(ports, tuple(hosts), tuple(told), legend)


def _detail(rows: Mapping[str, Mapping[int, Spot]]) -> str:
    """Whether mail for the domain comes here, and how soon."""
    cells = (spot.cell for row in rows.values() for spot in row.values())
    preference = next((cell.preference for cell in cells if cell and cell.preference is not None), None)
    return f"MX, preference {preference}" if preference is not None else ""


def _tells(spot: Spot) -> bool:
    """Whether there is more to say of it than that nobody answers."""
    answered = any(opened_at_all(transcript) for _, transcript in spot.talks)
    return answered or bool(spot.findings or spot.left_open or spot.untried)


def _shown(spot: Spot, report: Report, anchors: Anchors) -> states.Shown:
    """The gravest finding that points at it, else what the conversations show."""
    found = worst(report, spot)
    if found is not None and found >= Severity.WARNING:
        return states.short(found, in_words(spot.findings[0].id))
    if not spot.talks:
        told = spot.cell is not None and spot.cell.told
        return states.mute("not tried") if told else states.unknown("not tried")
    looks = (heard(probe, transcript) for probe, transcript in spot.talks)
    shown = min(looks, key=lambda look: ("good", "unk", "mute").index(look.css))
    if spot.left_open and shown.css == "good":
        return states.unknown(shown.word)
    if found is not None and shown.css == "good":
        return states.short(found, shown.word)
    return shown


def state(talk: Held, anchors: Anchors) -> states.Shown:
    """What became of one talk: the gravest finding that cites it, else what the conversation shows."""
    found = anchors.findings_at(talk)
    if found and (found[0].severity or Severity.INFO) >= Severity.WARNING:
        return states.short(found[0].severity or Severity.INFO, in_words(found[0].rule))
    shown = heard(talk, anchors.talks[talk])
    if anchors.left_open(talk) and shown.css == "good":
        return states.unknown(shown.word)
    return shown


def in_words(rule: str) -> str:
    """The problem that a rule's id names, in a few words: "smtp/starttls-missing" is "STARTTLS missing"."""
    words = rule.partition("/")[2].split("-")
    return " ".join(_SPELT.get(word, word) for word in words)


def heard(talk: TalkProbe, transcript: Transcript) -> states.Shown:
    """What a conversation shows by itself, before any rule has judged it."""
    if not opened_at_all(transcript):
        return _UNOPENED.get(transcript.closed.how, states.unknown("failed"))
    secured = transcript.secured
    refused = turned_away(transcript)
    if refused and (secured is None or not isinstance(secured.handshake, Handshake)):
        return states.unknown(refused)
    if secured is not None:
        made = secured.handshake
        if isinstance(made, Handshake):
            return states.good(made.version.replace("TLSv", "TLS "))
        return states.unknown("TLS failed")
    if transcript.closed.how in _CUT:
        return states.unknown(_CUT[transcript.closed.how])
    return states.mute("no TLS") if without_tls(talk, transcript) else states.unknown("not heard")
