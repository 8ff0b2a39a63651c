"""Hosts, addresses and ports: how each endpoint answered, and what was said there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diag.api import Report, Severity
from diag.probes.talks import TalkProbe
from diag.probes.tls_offer import TlsOffer
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.transcript import Ending, Opened, Said, Transcript, Who, render
from reports.first_sight import turned_away, without_tls
from reports.hostile import plain
from reports.mentions import Mentions
from reports.places import by_port
from reports.spots import Mark, Place, Spot, mark, rows_of, spots, together, worst

from .findings import told
from .page import Page

CELL = 7
"""Characters of a column: a mark, a word of four letters, and spaces."""
_UNOPENED = {
    Ending.REFUSED: "-",
    Ending.FILTERED: "none",
    Ending.UNREACHABLE: "away",
    Ending.HELD_BACK: "held",
}
_MEANING = {
    "-": "closed",
    "none": "no answer to the connection request",
    "away": "unreachable from here",
    "held": "not tried: asked as often as one run may",
    "fail": "the connection failed",
    "text": "no TLS",
    "tls!": "the TLS handshake failed",
    "mute": "connected, no greeting",
    "cut": "closed by the peer before it said anything",
    "half": "not heard to the end",
    "skip": "not tried",
}
_REPLY = re.compile(r"\d{3}|BYE|-ERR")
_MARKS = {
    "✗": "an error is found there",
    "!": "a warning",
    "•": "a notice",
    "?": "left open",
}
_MOST_MARKED = 12
"""Cells of which it is told what their mark stands for."""


def talks(report: Report) -> list[tuple[Any, Transcript]]:
    """Every dialogue with its probe, by host, port and address; those for a ClientHello's sake are told by `tls`."""
    found = [
        (probe, seen)
        for probe, seen in report.evidence.items()
        if isinstance(seen, Transcript) and not isinstance(probe, TlsOffer)
    ]
    return sorted(
        found, key=lambda talk: (talk[0].host, by_port(talk[0].port), talk[0].address, repr(talk[0]))
    )


def matrix(page: Page, report: Report, *, verbose: bool) -> None:
    """Hosts and addresses against ports: a mark and a word each, so that it needs no colour; then what the marks mean."""
    known = spots(report)
    if not any(spot.talks for spot in known.values()):
        return
    seen = {at: (_mark(report, spot), _word(spot)) for at, spot in known.items()}
    page.heading("Endpoints")
    ports = sorted({port for _, _, port in known}, key=by_port)
    room = page.width - CELL * len(ports)
    page.say((" " * room + "".join(f"  {port:<{CELL - 2}}" for port in ports), "bold"))
    for host, rows in rows_of(known).items():
        page.say(plain(host))
        for addresses in together(rows, lambda spot: seen[spot.place]):
            row = rows[addresses[0]]
            more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
            name = f"  {plain(addresses[0])}{more}"
            if len(name) >= room:  # a long IPv6 address gets a line of its own
                page.say(name)
                name = ""
            cells = (" ".join(seen[row[port].place]) if port in row else "" for port in ports)
            page.say(f"{name:<{room}}" + "".join(f"{cell:<{CELL}}" for cell in cells))
    used = {piece for cell in seen.values() for piece in cell}
    replies = {word: "sent away with it" for word in sorted(used) if _REPLY.fullmatch(word)}
    legend = [f"{word} {meaning}" for word, meaning in (_MARKS | _MEANING | replies).items() if word in used]
    versions = ["1.3, 1.2 ... under that version of TLS"] if any(word[:2] == "1." for word in used) else []
    page.say(("; ".join(versions + legend) + ".", "dim"))
    _pointed_at(page, report, known, seen, verbose=verbose)


def _pointed_at(
    page: Page,
    report: Report,
    known: Mapping[Place, Spot],
    seen: Mapping[Place, tuple[str, str]],
    *,
    verbose: bool,
) -> None:
    """For each cell with a mark what it stands for: the rules; at length with sentence, line and cure."""
    marked = [spot for at, spot in known.items() if seen[at][0] in _MARKS]
    marked.sort(key=lambda spot: list(_MARKS).index(seen[spot.place][0]))
    for spot in marked if verbose else marked[:_MOST_MARKED]:
        host, address, port = spot.place
        said = dict.fromkeys(
            finding.id for finding in spot.findings if report.severity(finding) >= Severity.NOTICE
        )
        why = (
            list(said)
            or list(dict.fromkeys(result.because for result in spot.left_open))[:1]
            or [spot.untried]
        )
        page.item(seen[spot.place][0], plain(f"{host} [{address}]:{port}: {', '.join(why)}"), width=1)
        for finding in spot.findings if verbose else ():
            told(page, report, finding, spot.place)
    if len(marked) > _MOST_MARKED and not verbose:
        page.say((f"and {len(marked) - _MOST_MARKED} more cells with a mark: -v tells all of them", "dim"))


def _mark(report: Report, spot: Spot) -> str:
    severity = worst(report, spot)
    if severity is not None:
        return "✗" if severity >= Severity.ERROR else "!" if severity >= Severity.WARNING else "•"
    return {Mark.OPEN: "?", Mark.PASSED: "✓"}.get(mark(report, spot), " ")


def _word(spot: Spot) -> str:
    """How an endpoint answered: the best of what its conversations show."""
    words = [state(probe, transcript) for probe, transcript in spot.talks]
    return min(words, key=lambda word: (word[:2] != "1.", word in _UNOPENED.values()), default="skip")


def state(probe: TalkProbe, transcript: Transcript) -> str:
    """How an endpoint answered, in at most four letters."""
    if not any(isinstance(event, Opened) for event in transcript.events):
        return _UNOPENED.get(transcript.closed.how, "fail")
    heard = [e for e in transcript.events if isinstance(e, Said) and e.who is Who.PEER]
    refused = turned_away(transcript)
    secured = transcript.secured
    if secured is not None and isinstance(secured.handshake, Handshake):
        return plain(secured.handshake.version.removeprefix("TLSv"))[:4]
    if refused:
        return refused
    if secured is not None and isinstance(secured.handshake, TlsFailure):
        return "tls!"
    if heard:
        return "text" if without_tls(probe, transcript) else "half"
    return "mute" if transcript.closed.how in (Ending.SILENT, Ending.TIME_UP) else "cut"


def dialogues(page: Page, report: Report) -> None:
    """Every dialogue, line by line, in the notation operators know."""
    mentions = Mentions(report)
    cited = [
        (probe, seen)
        for probe, seen in report.evidence.items()
        if isinstance(probe, TlsOffer) and mentions.mentions(probe)
    ]
    for probe, transcript in (*talks(report), *cited):
        page.heading(plain(f"{probe.host} [{probe.address}]:{probe.port}"))
        for line in render(transcript):
            page.whole(line)
