"""What the run shows of our own end beside the vantage point; nothing is asked that was not asked already.

The one question of its own goes to an address that nobody has, and only where something else looks odd.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from diag.facts.access_hosts import AutoconfigDocument
from diag.facts.dmarc import DmarcDiscovery
from diag.facts.moment import RunMoment
from diag.facts.mta_sts import StsFetch
from diag.facts.mx import MxHost, Routing
from diag.facts.spf import SpfEvaluation
from diag.facts.vantage import Filtered, FilteredAnswers, Interception, MadeUpAnswers, OurClock, Witness
from diag.facts.zone import ZoneDelegation
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.probe import Lab

from .dns import NOBODY, explained, withheld
from .zone_servers import NO_SERVER

MOST_FILTERED = 8
"""Answers told of."""


@fact
async def made_up_answers(lab: Lab) -> MadeUpAnswers | Unavailable:
    """What our resolver says of a name that nobody has."""
    query = DnsQuery(NOBODY, "A")
    answer = await lab.run(query)
    if not isinstance(answer, DnsAnswer):
        return Unavailable(f"{query}: {answer}", (Cite(query),))
    if not answer.usable:
        return Unavailable(f"{query}: {explained(answer)}", (Cite(query),))
    found = answer.rrset(NOBODY, "A")
    addresses = tuple(sorted(map(str, found.rdatas))) if found is not None else ()
    return MadeUpAnswers(NOBODY, addresses, (Cite(query),))


@fact
async def interception(
    delegation: ZoneDelegation | Absent | Unavailable, lab: Lab
) -> Interception | Unavailable:
    """Whether questions to single name servers are answered on the way.

    Servers of the zone above the domain offer no recursion. Where one seems to, an address that nobody has is
    asked: an answer from there is nobody's own.
    """
    asked = delegation.evidence if isinstance(delegation, Absent | Unavailable) else delegation.asked
    direct: tuple[Cite, ...] = ()
    for cite in asked:
        query = cite.probe
        if not isinstance(query, DnsQuery) or query.server is None:
            continue
        direct += (cite,)
        answer = await lab.run(query)
        if isinstance(answer, DnsAnswer) and answer.recursive:
            nobody = DnsQuery(".", "SOA", NO_SERVER)
            heard = await lab.run(nobody)
            return Interception(NO_SERVER, isinstance(heard, DnsAnswer), (cite, Cite(nobody)))
    if not direct:
        return Unavailable("no name server was asked itself", asked)
    return Interception(NO_SERVER, False, direct)


@fact
async def filtered_answers(
    routing: Routing | Absent | Unavailable,
    hosts: Many[MxHost] | Absent | Unavailable,
    spf: SpfEvaluation | Absent | Unavailable,
    discovery: DmarcDiscovery | Absent | Unavailable,
    lab: Lab,
) -> FilteredAnswers:
    """Of the answers on which everything else rests: those that carry the mark of a filter."""
    each_host = hosts.items.values() if isinstance(hosts, Many) else (hosts,)
    found: list[Filtered] = []
    for cite in dict.fromkeys(
        cite for known in (routing, spf, discovery, *each_host) for cite in _cites(known)
    ):
        query = cite.probe
        if not isinstance(query, DnsQuery) or query.server is not None:
            continue
        answer = await lab.run(query)
        if not isinstance(answer, DnsAnswer):
            continue
        if (told := withheld(answer)) is not None:
            found.append(Filtered(str(query), *told, cite))
    return FilteredAnswers(tuple(found[:MOST_FILTERED]))


@fact
async def our_clock(
    moment: RunMoment,
    fetch: StsFetch | Absent | Unavailable,
    document: AutoconfigDocument | Absent | Unavailable,
    lab: Lab,
) -> OurClock | Absent:
    """Our clock beside the Date fields of what web servers answered to the requests of this run."""
    witnesses: dict[str, Witness] = {}
    for cite in (*_cites(fetch), *_cites(document)):
        probe = cite.probe
        if isinstance(probe, HttpsGet) and probe.address not in witnesses:
            shown = _clock(await lab.run(probe))
            if shown is not None:
                ahead = moment.real.timestamp() - shown
                witnesses[probe.address] = Witness(probe.host, probe.address, ahead, cite)
    if not witnesses:
        return Absent("no web server told us the time")
    return OurClock(tuple(witnesses.values()), decides=not moment.chosen)


def _clock(seen: HttpExchange) -> float | None:
    """Seconds since 1970 by the sender's clock (RFC 9110 section 6.6.1), the time in caches added (RFC 9111 5.1)."""
    try:
        date = parsedate_to_datetime(seen.header("date") or "").timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    age = (seen.header("age") or "0").strip()
    return date + (int(age) if age.isdecimal() and len(age) < 10 else 0)


def _cites(
    known: Routing
    | MxHost
    | SpfEvaluation
    | DmarcDiscovery
    | StsFetch
    | AutoconfigDocument
    | Absent
    | Unavailable,
) -> tuple[Cite, ...]:
    """The evidence of a fact, known or not."""
    return known.evidence if isinstance(known, Absent | Unavailable) else known.asked
