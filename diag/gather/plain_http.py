"""Fetching what certificates point to, which is signed: plain HTTP, from public addresses, within limits."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urljoin, urlsplit

from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.target import Target
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.probe import Lab
from diag.together import all_of

from .dns import Found, look_up
from .references import routed

PATIENCE = 20.0
"""Seconds for a document from one address."""
MOST_ADDRESSES = 2
"""Addresses tried one after another where one does not answer."""
MOST_REDIRECTS = 3


@frozen
class Fetched:
    """What came of one URL."""

    url: str
    octets: bytes = b""
    trouble: str = ""
    """Why there is nothing to read, as a predicate of the URL; empty where there is."""
    passing: bool = False
    """That may be over in a while, or be due to our own place in the network."""
    cites: tuple[Cite, ...] = ()


async def fetch(url: str, largest: int, target: Target, lab: Lab) -> Fetched:
    """What is served at a URL, of `largest` octets at most; a few redirects are followed, to http:// alone."""
    at = url
    cites: tuple[Cite, ...] = ()
    for _ in range(1 + MOST_REDIRECTS):
        place = _split(at)
        if place is None:
            return Fetched(url, trouble=f"leads to {at[:200]}, which is not fetched", cites=cites)
        addresses = await _addresses(place, target, lab)
        if isinstance(addresses, Unavailable):
            cites += addresses.evidence
            return Fetched(url, trouble=addresses.because, passing=True, cites=cites)
        if isinstance(addresses, Absent):
            return Fetched(url, trouble=addresses.because, cites=cites + addresses.evidence)
        probe, exchange = await _asked(place, addresses, largest, target, lab)
        cites = (*cites, Cite(probe))
        if 300 <= exchange.status < 400 and exchange.location:
            try:
                at = urljoin(at, exchange.location)
            except ValueError:  # an address in brackets that is none, and the like
                said = exchange.location[:200]
                return Fetched(url, trouble=f"leads to {said}, which is no URL", cites=cites)
            continue
        trouble = _trouble(exchange, largest)
        return Fetched(url, b"" if trouble else exchange.body, trouble, _passing(exchange), cites)
    return Fetched(url, trouble=f"redirects more than {MOST_REDIRECTS} times", cites=cites)


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that may be fetched; None for any other (what a certificate says is remote)."""
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port != 0
    except ValueError:
        return None
    plain = parts.scheme == "http" and parts.username is None and parts.hostname is not None
    return parts if plain and port_is_sane and len(url) <= 2048 and url.isascii() else None


async def _addresses(place: SplitResult, target: Target, lab: Lab) -> list[str] | Absent | Unavailable:
    """Public addresses of the host that can be reached from here, in an order that does not change."""
    host = place.hostname or ""
    cites: tuple[Cite, ...] = ()
    try:
        found = [str(ipaddress.ip_address(host))]
    except ValueError:
        wanted = ("A",) * target.ipv4 + ("AAAA",) * target.ipv6
        looked = await all_of(lambda rdtype: look_up(lab, host, rdtype), wanted)
        cites = tuple(cite for answer in looked.values() for cite in answer.evidence)
        found = [str(r) for a in looked.values() if isinstance(a, Found) for r in sorted(a.rdatas, key=str)]
        unknown = next((answer for answer in looked.values() if isinstance(answer, Unavailable)), None)
        if not found and unknown is not None:
            return Unavailable(f"has a host that could not be looked up ({unknown.because})", cites)
        if not found:
            return Absent(f"has a host without address ({host})", cites)
    public = [address for address in found if target.counts_as_public(address)]
    if not public:
        return Absent("lies at an address that is not public", cites)
    reachable = await routed(lab, public)
    if not reachable:
        return Unavailable(f"lies where this machine has no route to ({', '.join(public[:4])})", cites)
    return reachable


async def _asked(
    place: SplitResult, addresses: list[str], largest: int, target: Target, lab: Lab
) -> tuple[HttpsGet, HttpExchange]:
    """The first address that answers decides."""
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    for address in addresses[:MOST_ADDRESSES]:
        probe = HttpsGet(
            host=place.hostname or "",
            address=address,
            path=path,
            port=place.port or 80,
            limit=largest,
            scheme="http",
            timeout=min(PATIENCE, target.timeout),
        )
        exchange = await lab.run(probe)
        if exchange.status:
            break
    return probe, exchange


def _trouble(exchange: HttpExchange, largest: int) -> str:
    if exchange.status not in (0, 200):
        return f"answers with status {exchange.status} {exchange.reason[:80]}".rstrip()
    return {
        "": "",
        "refused": "refuses the connection",
        "unreachable": "cannot be reached",
        "timed-out": "does not answer in time",
        "too-big": f"holds more than {_size(largest)}, which is not read",
        "garbage": "does not speak HTTP",
    }.get(exchange.trouble, "breaks the connection off")


def _size(octets: int) -> str:
    return f"{octets >> 20} MiB" if octets >= 1 << 20 else f"{octets >> 10} KiB"


def _passing(exchange: HttpExchange) -> bool:
    """Whether another attempt may bring more: too many requests (RFC 6585 section 4), faults of the server or the way."""
    if exchange.status not in (0, 200):
        return exchange.status == 429 or exchange.status >= 500
    return exchange.trouble not in ("", "too-big", "garbage")
