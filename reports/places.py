"""In which order hosts and ports are told, whatever form a report has."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diag.api import Report, Routing

PORTS = (25, 587, 465, 2525, 143, 993, 110, 995, 4190)
"""The standard ports, in the order shown."""


def by_port(port: int) -> tuple[int, int]:
    """The key by which ports are sorted: the standard ones in their order, then any others."""
    return (PORTS.index(port) if port in PORTS else len(PORTS), port)


def by_host(report: Report, others: Iterable[str] = ()) -> Callable[[str], int]:
    """The key by which hosts are sorted: those of the MX by preference, then the others in the order given."""
    routing = report.fact(Routing)
    first = routing.hosts if isinstance(routing, Routing) else ()
    order = {name: at for at, name in enumerate(dict.fromkeys((*first, *others)))}
    return lambda name: order.get(name, len(order))
