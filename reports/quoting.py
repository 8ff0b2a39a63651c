"""Evidence quoted: the one line that shows it, and the command by which a reader sees the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from diag.api import Cite, DnsAnswer, DnsSilence
from diag.probes.probe import Probe
from diag.wire.transcript import Transcript, render_event

from .hostile import plain

MOST_LINES = 3
"""Lines of one answer that are quoted."""


def quoted(cite: Cite, evidence: Mapping[Any, Any]) -> tuple[str, ...]:
    """What a cite points at, in lines safe to show; empty where the evidence is not there."""
    seen = evidence.get(cite.probe)
    match seen:
        case Transcript() if cite.event is not None and 0 <= cite.event < len(seen.events):
            return (f"{_at(cite.probe)}  {render_event(seen.events[cite.event]).strip()}",)
        case Transcript():
            return (f"{_at(cite.probe)}  {render_event(seen.closed).strip()}",)
        case DnsAnswer():
            return _answer(cite.probe, seen)
        case DnsSilence():
            return (plain(f"{cite.probe}: {seen}"),)
        case _:
            return ()


def _answer(query: object, answer: DnsAnswer) -> tuple[str, ...]:
    lines = [plain(line) for line in answer.lines()]
    if not lines:
        nothing = "no such record" if answer.rcode == "NOERROR" else answer.rcode
        return (plain(f"{query}: {nothing}"),)
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return (*lines[:MOST_LINES], *more)


def _at(probe: Any) -> str:
    host, address, port = (getattr(probe, name, "") for name in ("host", "address", "port"))
    return plain(f"{host or address}:{port}")


def commands(cites: Iterable[Cite]) -> tuple[str, ...]:
    """The commands of the probes cited, each once, in the order in which the finding cites them."""
    found = [cite.probe.command() for cite in cites if isinstance(cite.probe, Probe)]
    return tuple(dict.fromkeys(plain(command) for command in found if command))
