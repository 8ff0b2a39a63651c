"""The MX hosts of one domain beside one another: do they protect the same, take the same, and stand apart?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from diag.api import (
    TLS12,
    TLS13,
    VERSION_NAMES,
    Absent,
    Cell,
    Certainty,
    CertificatePeers,
    Configure,
    Finding,
    Many,
    Matrix,
    MxHost,
    MxOperators,
    OurClock,
    Peer,
    Rfc,
    Routing,
    Severity,
    StsPolicy,
    Unavailable,
    Undecided,
    Verdict,
    as_cites,
    check,
    rule,
    visible,
)

from .consistency_sides import (
    MODERN_TLS,
    Difference,
    cures,
    declared_size,
    left_open,
    listed,
    sides,
    version_cites,
    vouched_for,
)
from .smtp_settings import postfix_size

Peers = Many[CertificatePeers] | Absent | Unavailable


@rule("consistency/backup-weaker", Severity.WARNING, Rfc(5321, "5.1"), Rfc(7435), since="1.0")
class BackupWeaker(Finding):
    """A backup mail host protects mail less well than the main one.

    ## Why it matters
    Whoever wants to read or change mail on its way chooses the door that is weakest: it is enough to keep senders
    from the main host for a while. The backup also stands in the way when MTA-STS or DANE is switched on.

    ## How to fix
    Set up the backup as the main host is, with a certificate of its own, or do without it: senders keep
    mail for days while a host is down.
    """

    message = "{subject} is a backup for {best}, and weaker: {what}."
    best: str
    what: str


@check
def backups_protect_as_well_as_the_best(
    matrix: Matrix, peers: Peers, clock: OurClock | Absent | Unavailable
) -> Iterator[Verdict]:
    """Backup mail hosts protect mail as well as the host of best preference."""
    hosts = matrix.inbound
    ranked = {host: _preference(cells) for host, cells in hosts.items()}
    heard = [host for host in hosts if sides(hosts[host])]
    if not heard or len(set(ranked.values())) < 2:
        return
    top = min(ranked[host] for host in heard)
    first = [cell for host in heard if ranked[host] == top for cell in sides(hosts[host])]
    for host, cells in hosts.items():
        if ranked[host] <= top:
            continue
        some = sides(cells)
        # A host that refuses everybody for now takes no mail that could be read: an old trick against spam.
        if not some or any(cell.puts_off for cell in some):
            yield from left_open(cells, host)
            continue
        weak = [*_older_tls(first, some), *_unvouched(first, some, peers, clock)]
        if weak:
            yield BackupWeaker(
                subject=host,
                best=listed(cell.endpoint.host for cell in first),
                what=" and ".join(each.what for each in weak),
                evidence=as_cites(*(each.cites for each in weak)),
                fix=cures(host, weak, {25}),
            )
        else:
            yield from left_open(cells, host, (TLS13, TLS12))


def _preference(cells: tuple[Cell, ...]) -> int:
    return min(cell.preference or 0 for cell in cells)


def _older_tls(first: list[Cell], some: list[Cell]) -> Iterator[Difference]:
    """The newest version that all the best speak, and none of these."""
    for version in (TLS13, TLS12):
        if all(cell.speaks(version) for cell in first):
            if all(cell.speaks(version) is False for cell in some):
                cites = as_cites(*(version_cites(cell, version) for cell in some))
                yield Difference(f"it does not speak {VERSION_NAMES[version]}", cites, MODERN_TLS)
            return


def _unvouched(
    first: list[Cell], some: list[Cell], peers: Peers, clock: OurClock | Absent | Unavailable
) -> Iterator[Difference]:
    """A certificate that nobody vouches for, where that of the best is valid."""
    if all(vouched_for(cell, peers, clock) is True for cell in first):
        bad = [cell for cell in some if vouched_for(cell, peers, clock) is False]
        if len(bad) == len(some):
            cites = as_cites(*(cell.certificate.cites[:1] for cell in bad if cell.certificate is not None))
            yield Difference("nobody vouches for its certificate", cites)


@rule("consistency/mx-certificate-set", Severity.NOTICE, Rfc(8461, "4.2"), Rfc(7672, "2.2"), since="1.0")
class MxCertificateSet(Finding):
    """Only some of the MX hosts have a certificate that verifying senders accept.

    ## Why it matters
    To senders that honour MTA-STS or DANE the other hosts are not there. As long as one good host answers, their
    mail arrives; when it is down, it waits although another host is up.

    ## How to fix
    Mend the certificate of each host that they refuse: what is wrong with it is told of the host itself.
    """

    message = "Senders that honour {what} deliver to {good} only: they refuse {bad}."
    what: str
    good: str
    bad: str


_STANDARDS = {Peer.MTA_STS: "MTA-STS", Peer.DANE: "DANE"}


@check
def every_mx_host_has_a_certificate_that_verifying_senders_accept(
    matrix: Matrix, peers: Peers, sts: StsPolicy | Absent | Unavailable, routing: Routing
) -> Iterator[Verdict]:
    """Where senders verify, they accept the certificates of all MX hosts or of none."""
    # That a policy leaves a host out altogether is told of the policy (RFC 8461 section 4.1).
    left_out = {host for host in matrix.inbound if isinstance(sts, StsPolicy) and not sts.covers(host)}
    for peer, name in _STANDARDS.items():
        known = {
            host: _accepted(cells, peers, peer)
            for host, cells in matrix.inbound.items()
            if peer is not Peer.MTA_STS or host not in left_out
        }
        good = [host for host, accepted in known.items() if accepted is True]
        bad = [host for host, accepted in known.items() if accepted is False]
        if good and bad:
            refused = [cell for host in bad for cell in matrix.inbound[host] if cell.certificate is not None]
            yield MxCertificateSet(
                subject=routing.domain,
                what=name,
                good=listed(good),
                bad=listed(bad),
                evidence=as_cites(*(cell.certificate.cites[:1] for cell in refused if cell.certificate)),
            )


def _accepted(cells: tuple[Cell, ...], peers: Peers, peer: Peer) -> bool | None:
    """Whether a peer takes the certificate of a host; None where it does not look, it is open, or addresses differ."""
    said = set()
    for cell in cells:
        known = peers.get(cell.subject) if isinstance(peers, Many) else None
        verdict = known.of(peer) if isinstance(known, CertificatePeers) else None
        said.add(verdict.accepts if verdict is not None else None)
    return said.pop() if len(said) == 1 else None


@rule("consistency/size-differs", Severity.NOTICE, Rfc(1870, "4"), since="1.0")
class SizeDiffers(Finding):
    """The MX hosts take messages of very different size.

    ## Why it matters
    A large message arrives or bounces depending on the host that its sender happened to reach. Nobody can
    tell people how large a message may be.

    ## How to fix
    Set the same limit on all of them.
    """

    message = "The MX hosts of {subject} take messages of different size: {what}."
    what: str
    smallest: int


TIMES = 2
"""By which sizes may differ: limits are set in octets, and in those of the encoded or the decoded message."""


@check
def mx_hosts_take_messages_of_one_size(matrix: Matrix, routing: Routing) -> Iterator[Verdict]:
    """The MX hosts take messages of about the same size."""
    smallest: dict[str, Cell] = {}
    for host, cells in matrix.inbound.items():
        told = [cell for cell in sides(cells) if declared_size(cell) is not None]
        if told:
            smallest[host] = min(told, key=lambda cell: declared_size(cell) or 0)
    sizes = {host: declared_size(cell) or 0 for host, cell in smallest.items()}
    if sizes and max(sizes.values()) > TIMES * min(sizes.values()):
        largest = max(sizes.values())
        yield SizeDiffers(
            subject=routing.domain,
            what=listed(f"{host} {size} octets" for host, size in sizes.items()),
            smallest=min(sizes.values()),
            evidence=as_cites(*(cell.offered[-1:] for cell in smallest.values())),
            fix=tuple(
                Configure(host, postfix_size(largest), "Postfix")
                for host, size in sizes.items()
                if TIMES * size < largest
            ),
        )
        return
    if sizes:
        yield from _unheard(matrix, routing)


def _unheard(matrix: Matrix, routing: Routing) -> Iterator[Undecided]:
    """An MX host of which nothing was heard, while others were."""
    for cells in matrix.inbound.values():
        if not sides(cells):
            yield from left_open(cells, routing.domain)
            return


@rule("consistency/software-differs", Severity.INFO, Rfc(5321, "3.1"), since="1.0")
class SoftwareDiffers(Finding):
    """The MX hosts run different software, or different versions of it.

    ## Why it matters
    Nothing is wrong with that. But each has limits, filters and faults of its own, and has to be kept up to date
    by itself; what was tested with one is not tested with the other.

    ## How to fix
    Nothing has to be done. Where the difference is not meant, bring the older host to the state of the newer one.
    """

    message = "The MX hosts of {subject} run different software: {what}."
    what: str


@check
def mx_hosts_run_the_same_software(matrix: Matrix, routing: Routing) -> Iterator[Finding]:
    """The MX hosts run the same software."""
    named: dict[str, Cell] = {}
    for host, cells in matrix.inbound.items():
        told = next((cell for cell in cells if cell.heard and cell.software is not None), None)
        if told is not None:
            named[host] = told
    products = {cell.software.product for cell in named.values() if cell.software}
    versions = {cell.software.version for cell in named.values() if cell.software and cell.software.version}
    if len(products) > 1 or len(versions) > 1:
        yield SoftwareDiffers(
            subject=routing.domain,
            what=listed(f"{host} names {visible(str(cell.software))}" for host, cell in named.items()),
            evidence=as_cites(*(cell.samples[0].cite for cell in named.values() if cell.samples)),
        )


@rule("consistency/same-box-backup", Severity.INFO, Rfc(5321, "5.1"), since="1.0")
class SameBoxBackup(Finding):
    """The MX hosts are one machine under several names.

    ## Why it matters
    Several MX records look like a second chance. Where they all lead to one machine there is none: while it is
    down, no mail arrives.

    ## How to fix
    Nothing has to be done: senders try again for days. Where mail must not wait, let the second name lead to a
    machine in another network; otherwise one name is enough.
    """

    message = "The MX hosts of {subject}, {hosts}, seem to be one machine: {why}."
    hosts: str
    why: str


@check
def mx_hosts_are_different_machines(
    matrix: Matrix, hosts: Many[MxHost], operators: MxOperators | Absent | Unavailable, routing: Routing
) -> Iterator[Finding]:
    """The MX hosts are different machines."""
    known = [host for host in hosts.values() if host.addresses and not host.unknown]
    theirs = (
        {each.name for each in operators.hosts if each.provider}
        if isinstance(operators, MxOperators)
        else set()
    )
    if len(known) < 2 or len(known) != len(routing.hosts) or any(host.name in theirs for host in known):
        return
    if len({frozenset(host.addresses) for host in known}) == 1:
        return  # mx/duplicate-target tells of that
    why = _one_address(known) or _one_greeting(known, matrix.inbound)
    if why:
        cites = [cell.samples[0].cite for cells in matrix.inbound.values() for cell in cells if cell.samples]
        yield SameBoxBackup(
            subject=routing.domain,
            hosts=listed(host.name for host in known),
            why=why,
            evidence=as_cites(tuple(cite for host in known for cite in host.asked), tuple(cites)),
            certainty=Certainty.LIKELY,  # one address may be that of many machines
        )


def _one_address(known: list[MxHost]) -> str:
    """All names lead to one address of a family."""
    for family in ([host.ipv4 for host in known], [host.ipv6 for host in known]):
        addresses = {address for each in family for address in each}
        if len(addresses) == 1 and all(family):
            return f"all lead to {addresses.pop()}"
    return ""


def _one_greeting(known: list[MxHost], inbound: Mapping[str, tuple[Cell, ...]]) -> str:
    """All lie in one network, and greet by one name; machines that stand side by side have names of their own."""
    networks = {_network(address) for host in known for address in host.addresses}
    if len(networks) > 2 or len({net.version for net in networks}) != len(networks):
        return ""
    names = {
        sample.name.lower()
        for host in known
        for cell in inbound.get(host.name, ())
        for sample in cell.samples[:1]
    }
    greeted = all(any(cell.samples for cell in inbound.get(host.name, ())) for host in known)
    if len(names) != 1 or not greeted or "" in names:
        return ""
    return f"all lie in {listed(str(net) for net in networks)} and greet as {visible(names.pop())}"


def _network(address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(f"{address}/{48 if ':' in address else 24}", strict=False)
