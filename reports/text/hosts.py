"""Hosts, addresses and ports: how each endpoint answered, and what was said there."""

from __future__ import annotations

from typing import Any

from diag.api import Report
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.transcript import Ending, Opened, Said, Transcript, Who, render
from reports.hostile import plain

from .page import Page

_ORDER = (25, 587, 465, 2525, 143, 993, 110, 995)
CELL = 7
"""Characters of a column: the longest word and a space."""
_UNOPENED = {Ending.REFUSED: "closed", Ending.FILTERED: "filter", Ending.UNREACHABLE: "no way"}
_MEANING = {
    "plain": "no TLS",
    "no TLS": "the TLS handshake failed",
    "filter": "no answer to the connection request",
    "no way": "unreachable from here",
    "silent": "connected, no greeting",
    "early": "closed by the peer before it said anything",
    "421": "turned away for now",
}


def talks(report: Report) -> list[tuple[Any, Transcript]]:
    """Every dialogue with its probe, by host, port and address."""
    found = [(probe, seen) for probe, seen in report.evidence.items() if isinstance(seen, Transcript)]
    return sorted(found, key=lambda talk: (talk[0].host, _rank(talk[0].port), talk[0].address, repr(talk[0])))


def _rank(port: int) -> tuple[int, int]:
    return (_ORDER.index(port) if port in _ORDER else len(_ORDER), port)


def matrix(page: Page, report: Report) -> None:
    """Hosts and addresses against ports; words, so that it needs no colour."""
    cells: dict[tuple[str, str], dict[int, str]] = {}
    for probe, transcript in talks(report):
        cells.setdefault((probe.host, probe.address), {}).setdefault(probe.port, state(transcript))
    if not cells:
        return
    page.heading("Endpoints")
    ports = sorted({port for row in cells.values() for port in row}, key=_rank)
    room = page.width - CELL * len(ports)
    page.say((" " * room + "".join(f"{port:<{CELL}}" for port in ports), "bold"))
    told = None
    for (host, address), row in cells.items():
        if host != told:
            page.say(plain(host))
            told = host
        name = f"  {plain(address)}"
        if len(name) >= room:  # a long IPv6 address gets a line of its own
            page.say(name)
            name = ""
        page.say(f"{name:<{room}}" + "".join(f"{row.get(port, ''):<{CELL}}" for port in ports))
    used = {cell for row in cells.values() for cell in row.values()}
    legend = [f"{word}: {meaning}" for word, meaning in _MEANING.items() if word in used]
    if legend:
        page.say(("; ".join(legend) + ".", "dim"))


def state(transcript: Transcript) -> str:
    """How an endpoint answered, in at most six letters."""
    if not any(isinstance(event, Opened) for event in transcript.events):
        return _UNOPENED.get(transcript.closed.how, "failed")
    heard = [e for e in transcript.events if isinstance(e, Said) and e.who is Who.PEER]
    if any(said.octets.startswith(b"421") for said in heard):
        return "421"
    secured = transcript.secured
    if secured is not None and isinstance(secured.handshake, Handshake):
        return plain(secured.handshake.version.replace("TLSv", "TLS"))[:6]
    if secured is not None and isinstance(secured.handshake, TlsFailure):
        return "no TLS"
    if heard:
        return "plain"
    return "silent" if transcript.closed.how in (Ending.SILENT, Ending.TIME_UP) else "early"


def dialogues(page: Page, report: Report) -> None:
    """Every dialogue, line by line, in the notation operators know."""
    for probe, transcript in talks(report):
        page.heading(plain(f"{probe.host} [{probe.address}]:{probe.port}"))
        for line in render(transcript):
            page.whole(line)
