"""What a run asked of others: questions to the DNS, and connections to each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from diag.api import DnsQuery, Ending, Probe, Report
from diag.wire.transcript import Transcript

from .hostile import plain
from .verdict import plural


def connections(evidence: Mapping[Any, Any]) -> Counter[str]:
    """How many connections each host saw from us, by its name where we know one; most first."""
    seen: Counter[str] = Counter()
    for probe, heard in evidence.items():
        if not hasattr(probe, "address") or not hasattr(probe, "port"):
            continue
        held_back = isinstance(heard, Transcript) and heard.closed.how is Ending.HELD_BACK
        if not held_back:
            seen[getattr(probe, "host", "") or probe.address] += 1
    return Counter(dict(sorted(seen.items(), key=lambda each: (-each[1], each[0]))))


def told(report: Report) -> str:
    """For people: "61 questions, 14 connections to 3 hosts (at most 6 to one), 2.1 s"."""
    questions = sum(isinstance(probe, DnsQuery) for probe in report.evidence if isinstance(probe, Probe))
    by_host = connections(report.evidence)
    made = plural(sum(by_host.values()), "connection")
    if by_host:
        made += f" to {plural(len(by_host), 'host')}"
        made += f" (at most {max(by_host.values())} to one)" if len(by_host) > 1 else ""
    return f"{plural(questions, 'question')}, {made}, {report.seconds:.1f} s"


def by_host(report: Report, *, most: int | None = None) -> str:
    """Hosts with what they saw of us, up to so many: "mx1.example 6, mx2.example 5"; empty without a connection."""
    each = [f"{plain(host)} {number}" for host, number in connections(report.evidence).items()]
    more = [f"and {len(each) - most} more"] if most is not None and len(each) > most else []
    return ", ".join(each[:most] + more)
