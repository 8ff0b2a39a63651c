"""The names of the addresses that send: what each is called, and whether that name leads back."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Absent, Many, Report, Severity, Unavailable
from diag.facts.reverse import ReverseName

from . import states

MOST = 40
"""Addresses that are listed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One address."""

    address: str
    hosts: tuple[str, ...]
    """The mail hosts that have it."""
    pointer: str
    """Where its PTR record stands; empty where nobody could find out."""
    names: tuple[str, ...]
    shown: states.Shown


def rows(report: Report) -> tuple[Row, ...]:
    """The addresses of the domain's own mail hosts; none where they were not looked at."""
    found = report.fact(ReverseName)
    items = list(found.items.items()) if isinstance(found, Many) else []
    return tuple(_row(address, seen) for address, seen in items[:MOST])


def _row(address: str, seen: ReverseName | Absent | Unavailable) -> Row:
    if isinstance(seen, Unavailable):
        return Row(address, (), "", (), states.unknown(seen.because))
    if isinstance(seen, Absent):
        return Row(address, (), "", (), states.mute(seen.because or "not looked at"))
    return Row(address, seen.hosts, seen.owner, tuple(name.name for name in seen.names), _shown(seen))


def _shown(seen: ReverseName) -> states.Shown:
    """As receivers see it (RFC 1912 section 2.1): one name that leads back is enough."""
    if seen.confirmed:
        return states.good("leads back")
    if seen.broken:
        return states.short(Severity.ERROR, f"its zone does not answer: {seen.broken}")
    if not seen.names:
        return states.short(Severity.ERROR, "no name")
    unknown = next((name.unknown for name in seen.names if name.unknown), "")
    return states.unknown(unknown) if unknown else states.short(Severity.ERROR, "does not lead back")
