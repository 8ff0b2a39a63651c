"""One host at several addresses, on several ports and on several connections: is it the same everywhere?

What a rule about a single endpoint warns of is not told again. Here stands what nobody would notice who looks
at one of them alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from diag.api import (
    BEGINS_TLS,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    UNOFFICIAL,
    Absent,
    Cell,
    Certainty,
    CertificatePeers,
    Cite,
    Configure,
    Finding,
    Many,
    Matrix,
    Offered,
    OurClock,
    Reached,
    Rfc,
    Sample,
    Severity,
    Unavailable,
    Undecided,
    Verdict,
    as_cites,
    check,
    labels,
    rule,
    visible,
)

from .client_access import OFTEN_BLOCKED
from .consistency_sides import (
    Difference,
    certificate_differences,
    cures,
    left_open,
    listed,
    login_differences,
    sides,
    size_differences,
    version_differences,
)

MODERN = (TLS13, TLS12)
"""Versions that no rule about a single endpoint warns of, be they there or not."""
OLD = (TLS11, TLS10)
"""Versions that are no more than a notice on port 25."""
PAIRS = ((587, 465), (143, 993), (110, 995))
"""Ports of one service, where TLS begins with a command and where it comes first (RFC 8314 section 3)."""


@rule("consistency/addresses-differ", Severity.WARNING, Rfc(5321, "5.1"), since="1.0")
class AddressesDiffer(Finding):
    """One host does not behave the same at all its addresses.

    ## Why it matters
    Whoever connects takes one of the addresses, mostly without a choice. What works for some people then fails
    for others, or fails now and then, and each test from one machine says that all is well. Often one address
    leads to an old machine, or one that was left out of the last change.

    ## How to fix
    Let the same configuration and certificate serve every address of the host, or remove the address record of
    the machine that is not meant.
    """

    message = "{subject} is not the same at all its addresses: {what}."
    what: str


@check
def a_host_is_the_same_at_all_its_addresses(
    matrix: Matrix,
    peers: Many[CertificatePeers] | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[Verdict]:
    """A host behaves the same at all its addresses."""
    for host in matrix.hosts:
        told: dict[str, list[int]] = {}
        found: list[Difference] = []
        for port, cells in matrix.ports(host).items():
            for each in _by_address(sides(cells), peers, clock):
                told.setdefault(each.what, []).append(port)
                found.append(each)
        if told:
            yield AddressesDiffer(
                subject=host,
                what="; ".join(f"{each} ({_ports(ports)})" for each, ports in told.items()),
                evidence=as_cites(*(each.cites for each in found)),
                fix=cures(host, found, {port for ports in told.values() for port in ports}),
            )
            continue
        open_ones = (
            each
            for cells in matrix.ports(host).values()
            if len(cells) > 1 and sides(cells)
            for each in left_open(cells, host, _compared(cells))
        )
        yield from itertools.islice(open_ones, 1)


def _by_address(
    cells: Sequence[Cell],
    peers: Many[CertificatePeers] | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[Difference]:
    yield from version_differences(cells, _compared(cells))
    yield from certificate_differences(cells, peers, clock)
    yield from login_differences(cells)
    yield from size_differences(cells)


def _compared(cells: Sequence[Cell]) -> tuple[int, ...]:
    """The versions whose absence, or presence, is not warned of at one endpoint."""
    return (*MODERN, *OLD) if any(cell.inbound for cell in cells) else MODERN


def _ports(ports: Sequence[int]) -> str:
    return f"port{'s' if len(ports) > 1 else ''} {listed(map(str, sorted(ports)))}"


@rule("consistency/ipv6-broken", Severity.WARNING, Rfc(6724, "10.3"), Rfc(8305, "1"), since="1.0")
class Ipv6Broken(Finding):
    """A server for mail programs has an IPv6 address at which it does not answer.

    ## Why it matters
    Phones and computers with IPv6 try that address first. Some wait for it until people believe that the server
    is down, some fall back after a while: mail is slow for those whose network is modern.

    ## How to fix
    Let the server listen on IPv6 and let the firewall pass it, or remove the AAAA record.
    """

    message = "{subject} answers on {ports} over IPv4, and not at its IPv6 address {address}."
    ports: str
    address: str


@check
def servers_answer_over_ipv6_where_they_have_an_address(matrix: Matrix) -> Iterator[Verdict]:
    """Servers for mail programs answer over IPv6 where they have an IPv6 address."""
    ours_works = {cell.endpoint.port for cell in matrix.cells if _is_6(cell) and cell.connected}
    for host in matrix.hosts:
        for address in matrix.addresses(host):
            dead = [cell for cell in matrix.at(host, address).values() if _dead_over_6(cell, matrix)]
            if not dead:
                continue
            ports = [cell.endpoint.port for cell in dead]
            cites = as_cites(*(cell.cites for cell in dead))
            blocked = {cell.endpoint.port for cell in dead if cell.state is Reached.FILTERED}
            if not ours_works or blocked == set(ports) <= OFTEN_BLOCKED - ours_works:
                why = f"{address} does not answer on {_ports(ports)}, and nothing shows that our own IPv6 leads there"
                yield Undecided(why, cites, host)
                continue
            listen = (
                f"Let the mail server listen on {_ports(ports)} at {address}, and let the firewall pass it."
            )
            yield Ipv6Broken(
                subject=host,
                ports=_ports(ports),
                address=address,
                evidence=cites,
                certainty=Certainty.LIKELY,  # one look
                fix=(Configure(host, listen),),
            )


def _is_6(cell: Cell) -> bool:
    return ":" in cell.endpoint.address


def _dead_over_6(cell: Cell, matrix: Matrix) -> bool:
    """Whether nobody answers there while the same port answers over IPv4; port 25 has a rule of its own."""
    if cell.inbound or not cell.meant or not _is_6(cell) or cell.connected or cell.state is None:
        return False
    if cell.endpoint.port == UNOFFICIAL and not cell.published:
        return False
    others = matrix.ports(cell.endpoint.host)[cell.endpoint.port]
    return any(other.heard and not _is_6(other) for other in others)


@rule("consistency/ports-differ", Severity.NOTICE, Rfc(8314, "3"), Rfc(9325, "3.1.1"), since="1.0")
class PortsDiffer(Finding):
    """The two ports of one service speak different versions of TLS.

    ## Why it matters
    Both lead to the same mailboxes. One of them was left out of the last change, mostly the one that nobody
    tests, and it is the one that will break first when old versions go.

    ## How to fix
    Set the versions of TLS once for the whole server, and remove what single services say of them.
    """

    message = "{subject} speaks other versions of TLS on one port than on the other: {what}."
    what: str


@check
def both_ports_of_a_service_are_the_same(matrix: Matrix) -> Iterator[Verdict]:
    """Both ports of a service speak the same versions of TLS."""
    for host in matrix.hosts:
        found: list[Difference] = []
        ports: set[int] = set()
        doubts: list[Undecided] = []
        for address in matrix.addresses(host):
            at = matrix.at(host, address)
            for pair in PAIRS:
                cells = [at[port] for port in pair if port in at]
                heard = sides(cells)
                differing = list(version_differences(heard, MODERN, by_port))
                found += differing
                ports.update(pair if differing else ())
                if len(cells) > 1 and heard:
                    doubts += left_open(cells, host, MODERN)
        if found:
            yield PortsDiffer(
                subject=host,
                what="; ".join(dict.fromkeys(each.what for each in found)),
                evidence=as_cites(*(each.cites for each in found)),
                fix=cures(host, found, ports),
            )
        else:
            yield from doubts[:1]


def by_port(cells: Sequence[Cell]) -> str:
    """The ports of cells, in words."""
    return f"on {_ports([cell.endpoint.port for cell in cells])}"


@rule("consistency/samples-differ", Severity.NOTICE, Rfc(5321, "4.1.1.1"), since="1.0")
class SamplesDiffer(Finding):
    """One address answered differently on different connections.

    ## Why it matters
    Several machines stand behind it, and they are not set up alike. What one of them refuses, another takes:
    such faults come and go, and are hard to find.

    ## How to fix
    Give all machines of the pool the same configuration and the same certificate, or take those out that were
    left behind.
    """

    message = "{subject} is not the same on every connection: {what}."
    what: str


@check
def an_endpoint_is_the_same_on_every_connection(matrix: Matrix) -> Iterator[Finding]:
    """An address answers the same on every connection."""
    for cell in matrix.cells:
        found = list(_between(cell.samples))
        if found:
            yield SamplesDiffer(
                subject=cell.subject,
                what="; ".join(each.what for each in found),
                evidence=as_cites(*(each.cites for each in found)),
                certainty=Certainty.LIKELY,  # a new certificate may have come in between
            )


def _between(samples: Sequence[Sample]) -> Iterator[Difference]:
    """The first difference of each sort. Nodes of one pool have names of their own below one domain."""
    named: dict[tuple[str, ...], Sample] = {}
    for each in samples:
        if each.name and not each.name.startswith("["):
            named.setdefault(tuple(labels(each.name.lower().rstrip("."))[-2:]), each)
    if len(named) > 1:
        one, other = list(named.values())[:2]
        yield Difference(f"it calls itself {one.name} and {other.name}", (one.cite, other.cite))
    yield from _offered([(each.clear, each.clear_at) for each in samples], "")
    yield from _offered([(each.tls, each.tls_at) for each in samples], " under TLS")
    leaves: dict[str, dict[str, Sample]] = {}
    for each in samples:
        if each.leaf:
            leaves.setdefault(each.kind, {}).setdefault(each.leaf, each)
    for some in leaves.values():
        if len(some) > 1:
            shown = list(some.values())[:2]
            prints = " and ".join(f"{each.leaf[:16]}..." for each in shown)
            cites = as_cites(*(each.leaf_at for each in shown if each.leaf_at is not None))
            yield Difference(f"its certificates are {prints} (SHA-256)", cites)


def _offered(told: Sequence[tuple[Offered | None, Cite | None]], when: str) -> Iterator[Difference]:
    """The first two replies that differ, where both offer TLS or none does: for what else comes with it."""
    known: dict[bool, dict[Offered, Cite]] = {}
    for offered, cite in told:
        if offered is not None and cite is not None:
            begins = not BEGINS_TLS.isdisjoint(offered.keywords)
            known.setdefault(begins, {}).setdefault(offered, cite)
    for alike in known.values():
        if len(alike) > 1:
            (one, first), (other, second) = list(alike.items())[:2]
            yield Difference(_unlike(one, other) + when, (first, second))
            return


def _unlike(one: Offered, other: Offered) -> str:
    """How two replies differ."""
    some = sorted(set(one.keywords) ^ set(other.keywords))
    if some:
        return f"{listed(map(visible, some))} {'is' if len(some) == 1 else 'are'} offered on some connections only"
    if one.logins != other.logins:
        return f"logins are offered by {' '.join(map(visible, one.logins))}, or by {' '.join(map(visible, other.logins))}"
    return f"SIZE is {one.size or 'without limit'} or {other.size or 'without limit'}"
