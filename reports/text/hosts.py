"""Hosts, addresses and ports: how each endpoint answered, and what was said there."""

from __future__ import annotations

from typing import Any

from diag.api import Report, Severity
from diag.probes.tls_offer import TlsOffer
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.transcript import Ending, Opened, Said, Transcript, Who, render
from reports.hostile import plain
from reports.mentions import Mentions
from reports.places import by_host, by_port

from .page import Page

CELL = 7
"""Characters of a column: a mark, a word of four letters, and spaces."""
_UNOPENED = {Ending.REFUSED: "-", Ending.FILTERED: "none", Ending.UNREACHABLE: "away"}
_MEANING = {
    "-": "closed",
    "none": "no answer to the connection request",
    "away": "unreachable from here",
    "fail": "the connection failed",
    "text": "no TLS",
    "tls!": "the TLS handshake failed",
    "mute": "connected, no greeting",
    "cut": "closed by the peer before it said anything",
    "421": "turned away for now",
}
_MARKS = {
    "✗": "an error is found there",
    "!": "a warning",
    "?": "left open",
}


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


def matrix(page: Page, report: Report) -> None:
    """Hosts and addresses against ports: a mark and a word each, so that it needs no colour."""
    mentions = Mentions(report)
    standing = by_host(report)
    cells: dict[tuple[str, str], dict[int, tuple[str, str]]] = {}
    for probe, transcript in sorted(talks(report), key=lambda talk: standing(talk[0].host)):
        row = cells.setdefault((probe.host, probe.address), {})
        seen = _mark(probe, transcript, mentions), state(transcript)
        row[probe.port] = min(row.get(probe.port, seen), seen, key=lambda cell: "✗!?✓ ".index(cell[0]))
    if not cells:
        return
    page.heading("Endpoints")
    ports = sorted({port for row in cells.values() for port in row}, key=by_port)
    room = page.width - CELL * len(ports)
    page.say((" " * room + "".join(f"  {port:<{CELL - 2}}" for port in ports), "bold"))
    told = None
    for (host, address), row in cells.items():
        if host != told:
            page.say(plain(host))
            told = host
        name = f"  {plain(address)}"
        if len(name) >= room:  # a long IPv6 address gets a line of its own
            page.say(name)
            name = ""
        page.say(f"{name:<{room}}" + "".join(f"{' '.join(row.get(port, '  ')):<{CELL}}" for port in ports))
    used = {piece for row in cells.values() for cell in row.values() for piece in cell}
    legend = [f"{word} {meaning}" for word, meaning in (_MARKS | _MEANING).items() if word in used]
    versions = ["1.3, 1.2 ... under that version of TLS"] if any(word[:2] == "1." for word in used) else []
    page.say(("; ".join(versions + legend) + ".", "dim"))


def _mark(probe: object, transcript: Transcript, mentions: Mentions) -> str:
    found = mentions.findings_at(probe)
    severity = (found[0].severity or Severity.INFO) if found else Severity.INFO
    if severity >= Severity.WARNING:
        return "✗" if severity >= Severity.ERROR else "!"
    if mentions.left_open(probe):
        return "?"
    secured = transcript.secured
    return "✓" if secured is not None and isinstance(secured.handshake, Handshake) else " "


def state(transcript: Transcript) -> str:
    """How an endpoint answered, in at most four letters."""
    if not any(isinstance(event, Opened) for event in transcript.events):
        return _UNOPENED.get(transcript.closed.how, "fail")
    heard = [e for e in transcript.events if isinstance(e, Said) and e.who is Who.PEER]
    if any(said.octets.startswith(b"421") for said in heard):
        return "421"
    secured = transcript.secured
    if secured is not None and isinstance(secured.handshake, Handshake):
        return plain(secured.handshake.version.removeprefix("TLSv"))[:4]
    if secured is not None and isinstance(secured.handshake, TlsFailure):
        return "tls!"
    if heard:
        return "text"
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
