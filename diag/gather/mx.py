"""Finding where mail for the domain goes."""

from __future__ import annotations

from diag.facts.mx import MailExchange, MxHost, MxWildcard, Routing
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.parsed import plain
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.together import all_of

from .compact import unless_gone
from .dns import Found, NoRecord, look_up, unless_contradicted

MOST_HOSTS = 32
"""MX hosts looked at, those first that senders try first. Senders try fewer; records by the thousand are an attack."""


@fact
async def routing(target: Target, lab: Lab) -> Routing | Absent | Unavailable:
    """The MX records of the domain, or its own addresses in their place (RFC 5321 section 5.1)."""
    mx = await unless_contradicted(lab, await look_up(lab, target.domain, "MX"), target.domain, "TXT")
    if isinstance(mx, Found):
        found = [MailExchange(rdata.preference, plain(rdata.exchange)) for rdata in mx.rdatas]  # type: ignore[attr-defined]
        in_order = tuple(sorted(found, key=lambda exchange: (exchange.preference, exchange.name)))
        lives = mx.owner if mx.aliases else ""
        return Routing(target.domain, in_order, False, mx.authenticated, mx.evidence, lives)
    if isinstance(mx, Unavailable):
        return mx
    gone = await unless_gone(lab, mx, "MX")
    if isinstance(gone, NoRecord) and not gone.name_exists:
        return Absent(f"{target.domain} does not exist", gone.evidence)
    # Only where the MX look-up said that there is none may the address take its place (section 5.1).
    addresses = await all_of(lambda rdtype: look_up(lab, target.domain, rdtype), ("A", "AAAA"))
    asked = mx.evidence + tuple(cite for looked in addresses.values() for cite in looked.evidence)
    if any(isinstance(looked, Found) for looked in addresses.values()):
        itself = (MailExchange(0, target.domain),)
        return Routing(target.domain, itself, True, mx.authenticated, asked, mx.name if mx.aliases else "")
    for looked in addresses.values():
        if isinstance(looked, Unavailable):
            return looked
    return Absent(f"{target.domain} has neither MX nor address records", asked)


@fact
async def mx_hosts(routing: Routing, lab: Lab) -> Many[MxHost]:
    """The MX targets with their addresses; what is beyond MOST_HOSTS is one subject that is not known."""
    preference = {exchange.name: exchange.preference for exchange in reversed(routing.exchanges)}

    async def host(name: str) -> MxHost | Unavailable:
        return await addresses_of(lab, name, preference[name])

    found = await all_of(host, routing.hosts[:MOST_HOSTS])
    left = len(routing.hosts) - len(found)
    if not left:
        return Many(found)
    because = f"only the first {MOST_HOSTS} of {len(routing.hosts)} MX hosts are looked at"
    return Many({**found, f"{left} more MX host{'s' * (left > 1)}": Unavailable(because, routing.asked)})


@fact
async def wildcard(routing: Routing, lab: Lab) -> MxWildcard | Absent | Unavailable:
    """What a name below the domain has that nobody can have published; asked for where the domain takes mail."""
    if routing.implicit or not routing.hosts:
        return Absent(f"{routing.domain} names no mail host", routing.asked)
    looked = await look_up(lab, f"{(await lab.run(Nonce())).text}.{routing.domain}", "MX")
    if isinstance(looked, Unavailable):
        return looked
    hosts: tuple[str, ...] = ()
    # An alias is there for web sites, and named elsewhere.
    if isinstance(looked, Found) and not looked.aliases:
        hosts = tuple(sorted({plain(rdata.exchange) for rdata in looked.rdatas} - {"."}))  # type: ignore[attr-defined]
    if not hosts:
        return Absent(f"no wildcard gives names below {routing.domain} a mail host", looked.evidence)
    return MxWildcard(routing.domain, hosts, looked.evidence)


async def addresses_of(lab: Lab, name: str, preference: int = 0) -> MxHost | Unavailable:
    """One host's addresses of both families; Unavailable where nothing at all could be learnt."""
    looked = await all_of(lambda rdtype: look_up(lab, name, rdtype), ("A", "AAAA"))
    four, six = looked["A"], looked["AAAA"]
    if isinstance(four, Unavailable) and not isinstance(six, Found):
        return four
    if isinstance(six, Unavailable) and not isinstance(four, Found):
        return six
    answers = [answer for answer in (four, six) if isinstance(answer, Found | NoRecord)]
    aliases = max((answer.aliases for answer in answers), key=len, default=())
    return MxHost(
        name=name,
        preference=preference,
        canonical=aliases[-1] if aliases else name,
        aliases=aliases,
        exists=any(isinstance(answer, Found) or answer.name_exists for answer in answers),
        ipv4=_addresses(four),
        ipv6=_addresses(six),
        unknown=next((answer.because for answer in (four, six) if isinstance(answer, Unavailable)), ""),
        authenticated=all(answer.authenticated for answer in answers),
        asked=four.evidence + six.evidence,
    )


def _addresses(looked: Found | NoRecord | Unavailable) -> tuple[str, ...]:
    return tuple(sorted(str(rdata) for rdata in looked.rdatas)) if isinstance(looked, Found) else ()
