"""The matrix of hosts, addresses and ports, and the state of each in a word or two."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Report, Severity
from diag.probes.talks import SmtpTalk, Talk
from diag.tls.handshake import Handshake
from diag.wire.transcript import Ending, Opened, Said, Transcript, Who
from reports import states
from reports.places import by_host, by_port

from .anchors import Anchors

SERVICES = {
    25: "SMTP",
    587: "submission",
    465: "submission",
    143: "IMAP",
    993: "IMAP",
    110: "POP3",
    995: "POP3",
}
"""What the standard ports are for, in a word (RFC 5321, RFC 6409, RFC 8314 section 7.3)."""
_UNOPENED = {
    Ending.REFUSED: states.mute("closed"),
    Ending.FILTERED: states.mute("no answer"),
    Ending.UNREACHABLE: states.unknown("unreachable"),
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


@dataclass(frozen=True, slots=True)
class Cell:
    """One endpoint."""

    shown: states.Shown
    target: str
    """The id of its dialogue; empty where nobody asked."""


@dataclass(frozen=True, slots=True)
class Line:
    """One address of a host: a cell for each port, None where it was not tried."""

    address: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """A host and its addresses."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every endpoint that was tried."""

    ports: tuple[int, ...]
    hosts: tuple[Host, ...]


def matrix(report: Report, anchors: Anchors) -> Matrix | None:
    """The endpoints by host, address and port; None where no host was talked to."""
    by_place: dict[tuple[str, str, int], list[Talk]] = {}
    for talk in anchors.talks:
        by_place.setdefault((talk.host, talk.address, talk.port), []).append(talk)
    if not by_place:
        return None
    ports = tuple(sorted({port for _, _, port in by_place}, key=by_port))
    standing = by_host(report, (talk.host for talk in anchors.talks))
    hosts = {}
    for name in sorted({name for name, _, _ in by_place}, key=standing):
        addresses = dict.fromkeys(address for host, address, _ in by_place if host == name)
        lines = []
        for address in sorted(addresses, key=lambda address: (":" in address, address)):
            cells = (_cell(by_place.get((name, address, port)), anchors) for port in ports)
            lines.append(Line(address, tuple(cells)))
        hosts[name] = Host(name, tuple(lines))
    return Matrix(ports, tuple(hosts.values()))


def _cell(talks: list[Talk] | None, anchors: Anchors) -> Cell | None:
    if not talks:
        return None
    seen = [(state(talk, anchors), talk) for talk in talks]
    order = ("crit", "err", "warn", "unk", "good", "note", "mute")
    shown, talk = min(seen, key=lambda pair: order.index(pair[0].css))
    return Cell(shown, anchors.id_of(talk))


def state(talk: Talk, anchors: Anchors) -> states.Shown:
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


def heard(talk: Talk, transcript: Transcript) -> states.Shown:
    """What a conversation shows by itself, before any rule has judged it."""
    if not opened_at_all(transcript):
        return _UNOPENED.get(transcript.closed.how, states.unknown("failed"))
    secured = transcript.secured
    said = [e for e in transcript.events if isinstance(e, Said) and e.who is Who.PEER]
    refused = next((code for event in said if (code := _passing(talk, event))), "")
    if refused and (secured is None or not isinstance(secured.handshake, Handshake)):
        return states.unknown(refused)
    if secured is not None:
        made = secured.handshake
        if isinstance(made, Handshake):
            return states.good(made.version.replace("TLSv", "TLS "))
        return states.unknown("TLS failed")
    if transcript.closed.how in _CUT:
        return states.unknown(_CUT[transcript.closed.how])
    return states.mute("no TLS")


def opened_at_all(transcript: Transcript) -> bool:
    """Whether a connection came about."""
    return any(isinstance(event, Opened) for event in transcript.events)


def _passing(talk: Talk, said: Said) -> str:
    """The code of a reply that means "not now"."""
    code = said.octets[:3].decode("ascii", "replace")
    return code if isinstance(talk, SmtpTalk) and code == "421" else ""
