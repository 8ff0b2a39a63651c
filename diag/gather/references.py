"""Asking hosts that are known to answer: a port on which not even they can be reached is shut at our own end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from diag.model.knowing import Cite
from diag.model.target import Target
from diag.names.parsed import plain
from diag.probes.moment import Reach, Route
from diag.probes.probe import Lab
from diag.together import all_of

from .dns import Found, look_up

SERVICE_LABELS = {
    465: "_submissions",
    587: "_submission",
    993: "_imaps",
    143: "_imap",
    995: "_pop3s",
    110: "_pop3",
}
"""Service names by the port they stand for (RFC 6186 section 3, RFC 8314 section 5.1)."""

SHUT = "nobody answers us on port {port}, hosts that are known to answer no more than this one"
"""Why nothing is said of a domain's hosts on a port that is shut at our end."""

HostOf = Callable[[Lab, str], Awaitable[str]]


async def reference_answers(
    target: Target, lab: Lab, port: int, host_of: HostOf
) -> tuple[bool | None, tuple[Cite, ...]]:
    """Whether any reference domain's host answers on a port, and what was tried.

    None where no reference could be found. `host_of` names the host of a domain, empty where it has none.
    """
    asked: list[Cite] = []
    rdtype = await address_type(lab)

    async def answers(domain: str) -> bool | None:
        host = await host_of(lab, domain)
        address = await look_up(lab, host, rdtype) if host else None
        if not isinstance(address, Found):
            return None
        probe = Reach(host, str(address.rdatas[0]), port)
        asked.append(Cite(probe))
        return (await lab.run(probe)).trouble == ""

    outcomes = [each for each in (await all_of(answers, target.references)).values() if each is not None]
    return (any(outcomes) if outcomes else None), tuple(asked)


async def has_route(lab: Lab, address: str) -> bool:
    """Whether this machine has a route to the family of an address."""
    return bool((await lab.run(Route(6 if ":" in address else 4))).address)


async def routed(lab: Lab, addresses: Iterable[str]) -> list[str]:
    """Those of the addresses whose family this machine has a route to."""
    return [address for address in addresses if await has_route(lab, address)]


async def address_type(lab: Lab) -> str:
    """The type of address records that are of use here: A where there is a route to IPv4, else AAAA."""
    return "A" if await has_route(lab, "0.0.0.0") else "AAAA"  # noqa: S104  no socket is bound


async def mail_host(lab: Lab, domain: str) -> str:
    """The MX host of best preference."""
    mx = await look_up(lab, domain, "MX")
    if not isinstance(mx, Found):
        return ""
    best = min(mx.rdatas, key=lambda rdata: rdata.preference)  # type: ignore[attr-defined]
    return plain(best.exchange)  # type: ignore[attr-defined]


async def policy_host(lab: Lab, domain: str) -> str:
    """The host that serves the MTA-STS policy, over HTTPS (RFC 8461 section 3.3)."""
    return f"mta-sts.{domain}"


def service_host(port: int) -> HostOf:
    """The host that SRV records name for a client port; none at a port that no service has."""

    async def host_of(lab: Lab, domain: str) -> str:
        label = SERVICE_LABELS.get(port)
        srv = await look_up(lab, f"{label}._tcp.{domain}", "SRV") if label else None
        named = srv.rdatas if isinstance(srv, Found) else ()
        return next((plain(each.target) for each in named if each.port == port), "")  # type: ignore[attr-defined]

    return host_of
