"""Fetching a published file over HTTPS as a receiver's machine does: public hosts only, within limits."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urljoin, urlsplit

from diag.facts.bimi import Fetched
from diag.facts.moment import RunMoment
from diag.model.knowing import Cite, Unavailable
from diag.model.target import Target
from diag.names.domain import is_hostname, looks_like_address
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.probe import Lab
from diag.probes.trust import TrustAnchors
from diag.tls.chain import Trust, issuers_of, judge, rank
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

from .access_hosts import wanted
from .mx import addresses_of
from .references import SHUT, policy_host, reference_answers, routed

PATIENCE = 30.0
"""Seconds for one request."""
MOST_REDIRECTS = 3
MOST_ADDRESSES = 3
"""Addresses tried one after another where one does not answer."""

_AS_THEY_ARE = "!$%&'()*+,-./:;=?@_~"
_TRANSIENT = frozenset({"unreachable", "reset", "timed-out", "closed", "failed"})
"""Troubles that may be over in a minute, or lie on our side."""
_LATER = frozenset({429, 500, 502, 503, 504})
_ROBOTS = frozenset({401, 403, 406})
"""Answers that some hosts give to programs they do not know."""
_BY_STORE = frozenset({Trust.SELF_SIGNED, Trust.UNTRUSTED_ROOT, Trust.MISSING_INTERMEDIATE, Trust.UNDECIDED})


async def fetch(url: str, limit: int, target: Target, moment: RunMoment, lab: Lab) -> Fetched:
    """The file at an URL, at most `limit` octets of it. Three redirects are followed, all of them to HTTPS."""
    asked: tuple[Cite, ...] = ()
    last = url
    for _ in range(MOST_REDIRECTS + 1):
        found = await _once(url, last, limit, asked, target, moment, lab)
        exchange, asked = found.exchange, found.asked
        if found.trouble or exchange is None or not _redirects(exchange):
            return found
        try:
            last = urljoin(last, exchange.location or "")
            secure = urlsplit(last).scheme == "https"
        except ValueError:  # an address in brackets that is none, and the like
            said = (exchange.location or "")[:200]
            return _ended(url, last, exchange, asked, trouble=f"it redirects to {said}, which is no URL")
        if not secure:
            said = f"it redirects to {last[:200]}, which is not HTTPS"
            return _ended(url, last, exchange, asked, trouble=said)
    return _ended(url, last, None, asked, trouble=f"it redirects more than {MOST_REDIRECTS} times")


async def _once(
    url: str, last: str, limit: int, asked: tuple[Cite, ...], target: Target, moment: RunMoment, lab: Lab
) -> Fetched:
    parts = _split(last)
    if parts is None:
        return _ended(url, last, None, asked, trouble=f"{last[:200]} is no address of a public web server")
    host, port, path = parts
    known = await addresses_of(lab, host)
    asked += known.evidence if isinstance(known, Unavailable) else known.asked
    if isinstance(known, Unavailable):
        return _ended(url, last, None, asked, undecided=known.because)
    if not known.addresses:
        return _ended(url, last, None, asked, trouble=f"{host} has no address", undecided=known.unknown)
    public = [address for address in known.addresses if target.counts_as_public(address)]
    if not public:
        return _ended(url, last, None, asked, trouble=f"{host} has no public address")
    reachable = await routed(lab, wanted(known, target))
    if not reachable:
        return _ended(url, last, None, asked, undecided=f"this machine has no route to {host}")
    for address in reachable[:MOST_ADDRESSES]:
        within = min(PATIENCE, target.timeout)
        probe = HttpsGet(host, address, path, port=port, limit=limit, timeout=within)
        asked += (Cite(probe),)
        exchange = await lab.run(probe)
        if exchange.handshake is not None or exchange.status:
            break
    return await _understood(url, last, probe, exchange, asked, target, moment, lab)


async def _understood(
    url: str,
    last: str,
    probe: HttpsGet,
    exchange: HttpExchange,
    asked: tuple[Cite, ...],
    target: Target,
    moment: RunMoment,
    lab: Lab,
) -> Fetched:
    """The certificate comes first: what was said under a bad one counts for nothing."""
    shaken = exchange.handshake
    undecided = ""
    if isinstance(shaken, TlsFailure):
        if shaken.reason in (TlsTrouble.TIMED_OUT, TlsTrouble.RESET):
            return _ended(url, last, exchange, asked, undecided=f"{probe.host}: its TLS handshake breaks off")
        return _ended(url, last, exchange, asked, trouble=f"{probe.host} makes no TLS handshake")
    if isinstance(shaken, Handshake):
        store = TrustAnchors(issuers_of(shaken.chain))
        anchors = await lab.run(store)
        asked += (Cite(store),)
        verdict = judge(shaken.chain, (probe.host,), anchors.roots, moment.at)
        faults = rank(verdict)
        if not anchors.count or verdict.trust is Trust.UNDECIDED:
            undecided = anchors.trouble or "there is no trust store to judge its certificate by"
            faults = tuple(fault for fault in faults if fault not in _BY_STORE)
        if faults:
            why = faults[0].replace("-", " ")
            return _ended(
                url, last, exchange, asked, trouble=f"the certificate of {probe.host} is refused ({why})"
            )
    status = exchange.status
    if exchange.trouble == "refused":
        answers, tried = await reference_answers(target, lab, probe.port, policy_host)
        if answers is False:
            return _ended(url, last, exchange, asked + tried, undecided=SHUT.format(port=probe.port))
        return _ended(url, last, exchange, asked + tried, trouble=f"{probe.host} refuses the connection")
    if exchange.trouble in _TRANSIENT or status in _LATER:
        said = f"status {status}" if status in _LATER else exchange.detail or exchange.trouble
        return _ended(url, last, exchange, asked, undecided=f"{probe.url}: {said}")
    if exchange.trouble and exchange.trouble != "too-big":
        return _ended(url, last, exchange, asked, trouble=f"what {probe.host} sends is no HTTP")
    if _redirects(exchange):
        return _ended(url, last, exchange, asked, undecided=undecided)
    if status != 200:
        said = f"{probe.host} answers with status {status} {exchange.reason[:80]}".rstrip()
        return _ended(url, last, exchange, asked, trouble=said, doubtful=status in _ROBOTS)
    return _ended(url, last, exchange, asked, undecided=undecided)


def _ended(
    url: str,
    last: str,
    exchange: HttpExchange | None,
    asked: tuple[Cite, ...],
    *,
    trouble: str = "",
    undecided: str = "",
    doubtful: bool = False,
) -> Fetched:
    oversized = exchange is not None and exchange.trouble == "too-big"
    return Fetched(url, last, exchange, "" if undecided else trouble, doubtful, undecided, oversized, asked)


def _redirects(exchange: HttpExchange) -> bool:
    return exchange.status in (301, 302, 303, 307, 308) and bool(exchange.location)


def _split(url: str) -> tuple[str, int, str] | None:
    """Host, port and path with query of an HTTPS URL; None where its host is no name."""
    try:
        parts: SplitResult = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or 443
    except ValueError:
        return None
    if not is_hostname(host) or looks_like_address(host):
        return None
    # Redirects hold whatever octets a host wrote; on the wire of HTTP they must be encoded (RFC 3986 section 2.1).
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port, quote(path, _AS_THEY_ARE, "latin-1", "replace")
