"""Comparing cells of the matrix: in what they differ, and the words for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from diag.api import (
    VERSION_NAMES,
    Absent,
    Cause,
    Cell,
    CertificatePeers,
    Cite,
    Configure,
    Many,
    OurClock,
    Peer,
    Unavailable,
    Undecided,
    as_cites,
    refusal,
)

from .smtp_commands import SMALLEST_SIZE
from .smtp_settings import postfix_size
from .tls_settings import DOVECOT_MODERN, MAILBOX_PORTS, POSTFIX_MODERN

T = TypeVar("T")

QUIET = frozenset({Cause.SELF_SIGNED, Cause.UNTRUSTED_ROOT, Cause.MISSING_INTERMEDIATE})
"""What is no more than a notice where senders take any certificate: everything graver is told of the host itself."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class Difference:
    """One thing in which cells differ."""

    what: str
    """As a clause."""
    cites: tuple[Cite, ...]
    """What shows it on each side."""
    settings: tuple[tuple[str, str], ...] = ()
    """Products, each with what makes both sides alike."""


MODERN_TLS = (("Postfix", POSTFIX_MODERN), ("Dovecot", DOVECOT_MODERN))


def places(cells: Sequence[Cell]) -> str:
    """The addresses of cells, in words."""
    return f"at {listed([cell.endpoint.address for cell in cells])}"


def listed(names: Iterable[str]) -> str:
    """Names in a row, the first few of many."""
    each = list(dict.fromkeys(names))
    shown = each if len(each) <= _MOST_NAMED + 1 else [*each[:_MOST_NAMED], f"{len(each) - _MOST_NAMED} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def version_differences(
    cells: Sequence[Cell], versions: Iterable[int], where: Callable[[Sequence[Cell]], str] = places
) -> Iterator[Difference]:
    """Versions of TLS that some speak and others refuse; `where` names the ones and the others."""
    for version in versions:
        spoken = [cell for cell in cells if cell.speaks(version)]
        refused = [cell for cell in cells if cell.speaks(version) is False]
        if spoken and refused:
            shown = as_cites(*(cite for cell in (*refused, *spoken) for cite in version_cites(cell, version)))
            name = VERSION_NAMES[version]
            yield Difference(f"{name} is spoken {where(spoken)} and not {where(refused)}", shown, MODERN_TLS)


def version_cites(cell: Cell, version: int) -> tuple[Cite, ...]:
    """What shows whether a version is spoken."""
    return cell.survey.version(version).cites[:1] if cell.survey is not None else ()


def size_differences(cells: Sequence[Cell]) -> Iterator[Difference]:
    """Messages of another size are taken."""
    found = grouped(cells, declared_size)
    if len(found) > 1:
        said = [f"{size} octets {places(some)}" for size, some in found.items()]
        largest = (("Postfix", postfix_size(max(found))),)
        yield Difference(f"messages may have {listed(said)}", _offers(found), largest)


def declared_size(cell: Cell) -> int | None:
    """The limit that is told; None where it is none, or so small that it is an error of the host's own."""
    size = cell.best.size if cell.best is not None else None
    return size if size is not None and size >= SMALLEST_SIZE else None


def login_differences(cells: Sequence[Cell]) -> Iterator[Difference]:
    """Other ways to log in are offered. That there is none at all is told of the host itself."""
    # Before TLS other logins are in place, and that there is no TLS is told of the endpoint itself.
    found = grouped(cells, lambda cell: frozenset(cell.tls.logins) or None if cell.tls is not None else None)
    if len(found) > 1:
        said = [f"{' '.join(sorted(logins))} {places(some)}" for logins, some in found.items()]
        yield Difference(f"logins are offered by {listed(said)}", _offers(found))


def certificate_differences(
    cells: Sequence[Cell],
    peers: Many[CertificatePeers] | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[Difference]:
    """Somebody vouches for the certificate at one place and nobody at another, and that is not told of the host."""
    found = grouped(cells, lambda cell: vouched_for(cell, peers, clock))
    if len(found) > 1:
        cites = as_cites(
            *(cell.certificate.cites[:1] for some in found.values() for cell in some[:1] if cell.certificate)
        )
        what = f"the certificate is valid {places(found[True])}, and nobody vouches for that {places(found[False])}"
        yield Difference(what, cites)


def vouched_for(
    cell: Cell, peers: Many[CertificatePeers] | Absent | Unavailable, clock: OurClock | Absent | Unavailable
) -> bool | None:
    """Whether whoever verified the certificate would take it; None where that is open, or told of the host already.

    Senders that must verify refuse with an error, and most faults are a warning: see certificates/*.
    """
    known = peers.get(cell.subject) if isinstance(peers, Many) else None
    if cell.certificate is None or not isinstance(known, CertificatePeers):
        return None
    if known.of(Peer.MTA_STS) is not None or known.of(Peer.DANE) is not None:
        return None
    found = refusal(cell.certificate, clock)
    if found.refused:
        return False if {reason.cause for reason in found.refused} <= QUIET and cell.inbound else None
    return None if found.undecided else True


def grouped(cells: Iterable[Cell], of: Callable[[Cell], T | None]) -> Mapping[T, list[Cell]]:
    """Cells by what they have, in their order; those of which it is not known are left out."""
    found: dict[T, list[Cell]] = {}
    for cell in cells:
        if (value := of(cell)) is not None:
            found.setdefault(value, []).append(cell)
    return found


def _offers(found: Mapping[T, list[Cell]]) -> tuple[Cite, ...]:
    """The end of the reply of one cell of each group."""
    return as_cites(*(some[0].offered[-1:] for some in found.values()))


def cures(host: str, found: Iterable[Difference], ports: Iterable[int]) -> tuple[Configure, ...]:
    """The settings of the products that may listen on these ports."""
    mailboxes = not set(MAILBOX_PORTS).isdisjoint(ports)
    mail = not {25, 587, 465, 2525}.isdisjoint(ports)
    named = (setting for each in found for setting in each.settings)
    return tuple(
        Configure(host, setting, product)
        for product, setting in dict.fromkeys(named)
        if (mailboxes if product == "Dovecot" else mail)
    )


def sides(cells: Iterable[Cell]) -> list[Cell]:
    """Those that were heard, and that somebody comes to."""
    return [cell for cell in cells if cell.heard and cell.meant]


def left_open(cells: Sequence[Cell], subject: str, versions: Iterable[int] = ()) -> Iterator[Undecided]:
    """The first of them that was not heard as well as it would have to be for a comparison in these versions of TLS."""
    for cell in cells:
        if cell.meant and (doubt := cell.doubt) is not None:
            yield Undecided(doubt.because, doubt.evidence, subject)
            return
    for version in versions:
        known = any(cell.speaks(version) is not None for cell in cells)
        for cell in cells if known else ():
            if cell.meant and (doubt := cell.doubt_about(version)) is not None:
                yield Undecided(doubt.because, doubt.evidence, subject)
                return
