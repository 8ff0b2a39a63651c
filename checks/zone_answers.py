"""What the name servers of a zone answer: the same records, over every transport, for a sensible time."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    Difference,
    Finding,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    Withdraw,
    ZoneDelegation,
    ZoneServers,
    check,
    rule,
)

from .zone_words import listed

LARGEST = 1232
"""Octets that resolvers take over UDP since the DNS Flag Day of 2020 (RFC 9715 appendix A); its section 3 allows 1400."""
_SHORTEST, _LONGEST = 60, 604_800
_LONGEST_DENIAL = 86_400


@rule("zone/records-differ", Severity.ERROR, Rfc(1034, "4.3.5"), since="1.0")
class RecordsDiffer(Finding):
    """The name servers of the domain answer differently.

    ## Why it matters
    Which answer a receiver gets is chance: part of the mail is judged by records that you have replaced long ago,
    and no test on one server shows it.

    ## How to fix
    Find out why the lagging servers do not take over the zone: zone transfers that are refused, a notify that
    never comes, a second provider that nobody told of the change, a serial that was not raised.
    """

    message = "{subject} {rdtype} is not the same everywhere: {told}."
    rdtype: str
    told: str


@check
def every_name_server_has_the_same_records(zone: ZoneServers) -> Iterator[Finding]:
    """All name servers have the same records."""
    for difference in zone.differences():
        asked = tuple(said.asked for _, said in zone.said((difference.name, difference.rdtype)))
        lagging = [server for servers in list(difference.versions.values())[1:] for server in servers]
        fetch = Configure(lagging[0].host, f"rndc retransfer {zone.apex}", "BIND")
        yield RecordsDiffer(
            subject=difference.name,
            rdtype=difference.rdtype,
            told=_told(difference),
            evidence=asked,
            certainty=Certainty.CERTAIN if zone.settled else Certainty.LIKELY,
            fix=(fetch,),
        )


def _told(difference: Difference) -> str:
    versions = list(difference.versions.items())
    count = sum(len(servers) for _, servers in versions)
    newest, servers = versions[0]
    serials = {server.serial for _, each in versions for server in each}
    which = "the newest version" if len(serials) > 1 else "one version"
    gone = "" if newest else ", which is to have none,"
    others = listed(f"{server.host} {_has(values)}" for values, each in versions[1:] for server in each)
    on = listed(server.host for server in servers)
    return f"{which}{gone} is on {len(servers)} of {count} name servers ({on}), while {others}"


def _has(values: frozenset[str]) -> str:
    return "has another" if values else "has none"


@rule("zone/serial-differs", Severity.NOTICE, Rfc(1912, "2.2"), since="1.0")
class SerialDiffers(Finding):
    """The name servers hold the zone under different serial numbers.

    ## Why it matters
    One of them has not taken over the last change. The records that mail needs are still equal; the next change
    to them will not reach everybody.

    ## How to fix
    Look why the server with the lower serial does not transfer the zone, and transfer it by hand once.
    """

    message = "The name servers of {subject} hold different serials: {serials}."
    serials: str


@check
def every_name_server_has_the_same_serial(zone: ZoneServers) -> Iterator[Finding]:
    """All name servers hold the zone under the same serial."""
    if zone.serials_differ and not zone.differences():
        told = listed(f"{server} {server.serial}" for server in zone.authoritative)
        certainty = Certainty.CERTAIN if zone.for_a_minute else Certainty.LIKELY
        yield SerialDiffers(subject=zone.apex, serials=told, evidence=zone.asked, certainty=certainty)


@rule("zone/no-tcp", Severity.ERROR, Rfc(7766, "5"), Rfc(9210, "3"), since="1.0")
class NoTcp(Finding):
    """A name server does not answer over TCP, and an answer of the domain does not fit into UDP.

    ## Why it matters
    Resolvers that ask this server get a cut answer, ask again over TCP and hear nothing: for them the record is
    not there, and mail is deferred or refused.

    ## How to fix
    Let TCP to port 53 through to the name server, in its own settings and in every firewall before it.
    """

    message = "The name server {subject} takes no TCP, and {large} does not fit into a datagram."
    large: str


@rule("zone/no-tcp-yet-unneeded", Severity.WARNING, Rfc(7766, "5"), Rfc(9210, "3"), since="1.0")
class NoTcpYetUnneeded(Finding):
    """A name server does not answer over TCP, though so far every answer fits into UDP.

    ## Why it matters
    One more word in a TXT record, or DNSSEC, and answers are too large for UDP; this server then loses them.

    ## How to fix
    Let TCP to port 53 through to the name server, in its own settings and in every firewall before it.
    """

    message = "The name server {subject} takes no TCP; so far every answer of {apex} fits into a datagram."
    apex: str


@check
def every_name_server_takes_tcp(zone: ZoneServers) -> Iterator[Verdict]:
    """Every name server answers over TCP."""
    without = [server for server in zone.authoritative if server.tcp is False]
    if without and not zone.tcp_open:
        yield Undecided("nobody answers us over TCP on port 53: it may be shut at our end", zone.asked)
        return
    large = listed(
        dict.fromkeys(
            f"{name} {rdtype}"
            for server in zone.servers
            for (name, rdtype), said in server.records.items()
            if said.size > LARGEST
        )
    )
    # Silence to one question of several: most likely it was cut short, and the rest is to be had over TCP alone.
    unheard = dict.fromkeys(key for server in without for key in server.unheard)
    lost = listed(f"{name} {rdtype}" for name, rdtype in unheard)
    for server in without:
        opened = Configure(server.host, "open port 53 for TCP as well as UDP")
        if large or lost:
            yield NoTcp(
                subject=str(server),
                large=large or lost,
                certainty=Certainty.CERTAIN if large else Certainty.LIKELY,
                evidence=server.asked,
                fix=(opened,),
            )
        else:
            yield NoTcpYetUnneeded(subject=str(server), apex=zone.apex, evidence=server.asked, fix=(opened,))


@rule("zone/no-edns", Severity.WARNING, Rfc(6891, "6.2.2"), Rfc(6891, "7"), since="1.0")
class NoEdns(Finding):
    """A name server does not understand EDNS.

    ## Why it matters
    Every resolver asks with EDNS first. Where the server is silent then, look-ups take seconds or fail; DNSSEC,
    and so DANE, is impossible with it.

    ## How to fix
    Update the name server's software, or stop the firewall that drops questions with EDNS.
    """

    message = "The name server {subject} answers only questions without EDNS."


@check
def every_name_server_understands_edns(zone: ZoneServers) -> Iterator[Finding]:
    """Every name server understands EDNS."""
    for server in zone.authoritative:
        if not server.edns:
            yield NoEdns(subject=str(server), evidence=server.asked)


@rule("zone/large-answer", Severity.NOTICE, Rfc(9715, "4"), Rfc(9715, "A"), Rfc(7208, "3.4"), since="1.0")
class LargeAnswer(Finding):
    """The TXT records of the domain may not fit into one UDP answer.

    ## Why it matters
    Whoever looks up SPF has to ask twice, over TCP the second time; behind some firewalls that fails, and then
    SPF fails too.

    ## How to fix
    Remove verification records of services you no longer use, and move what can stand at a name of its own.
    """

    message = "The TXT records of {subject} take {octets} octets; more than {limit} may not pass over UDP."
    octets: int
    limit: int = LARGEST


@check
def txt_records_fit_into_a_datagram(delegation: ZoneDelegation, zone: ZoneServers) -> Iterator[Finding]:
    """The domain's TXT records fit into a UDP answer."""
    largest = max(
        (said for _, said in zone.said((delegation.domain, "TXT"))), key=lambda said: said.size, default=None
    )
    if largest is not None and largest.size > LARGEST:
        yield LargeAnswer(subject=delegation.domain, octets=largest.size, evidence=(largest.asked,))


@rule("zone/cname-with-other-data", Severity.ERROR, Rfc(1034, "3.6.2"), Rfc(2181, "10.1"), since="1.0")
class CnameWithOtherData(Finding):
    """A name has an alias (CNAME) and other records beside it.

    ## Why it matters
    An alias stands in place of everything else at its name. Some resolvers follow it and never see the other
    records, some do the reverse: mail goes astray, or policies vanish, for part of the world.

    ## How to fix
    Keep either the alias or the other records. At the top of a zone no alias can stand: use your provider's ALIAS
    or ANAME feature, or address records.
    """

    message = "{subject} has a CNAME and also {others}."
    others: str


@check
def an_alias_stands_alone(zone: ZoneServers) -> Iterator[Finding]:
    """A CNAME record stands alone at its name."""
    for name, types in zone.beside_alias.items():
        # Which of the two was meant is plain only where nothing but a policy or key is looked for.
        away = (Withdraw(name, "CNAME"),) if "_" in name.removesuffix(zone.apex) else ()
        asked = tuple(cite for cite in zone.asked if getattr(cite.probe, "name", "") == name)
        yield CnameWithOtherData(subject=name, others=listed(types), evidence=asked, fix=away)


@rule("zone/ttl-extreme", Severity.NOTICE, Rfc(2181, "8"), Rfc(2308, "5"), since="1.0")
class TtlExtreme(Finding):
    """Answers about the domain are remembered for far too short or too long.

    ## Why it matters
    Under a minute, every message costs look-ups anew, and a short outage of the name servers is felt at once. Over
    a week, a mistake stays in force long after it is corrected.

    ## How to fix
    Set the time to live to an hour or a day; the last number of the SOA record to between five minutes and a day.
    """

    message = "{what} of {subject} has a time to live of {seconds} seconds."
    what: str
    seconds: int


@check
def records_live_for_a_sensible_time(zone: ZoneServers) -> Iterator[Finding]:
    """Records are remembered for between a minute and a week."""
    told: set[tuple[str, str]] = set()
    for server in zone.authoritative:
        for (name, rdtype), said in server.records.items():
            counts = rdtype in ("MX", "TXT") and said.values and not said.alias
            if counts and not _SHORTEST <= said.ttl <= _LONGEST and (name, rdtype) not in told:
                told.add((name, rdtype))
                yield TtlExtreme(
                    subject=name, what=f"The {rdtype} RRset", seconds=said.ttl, evidence=(said.asked,)
                )
    minimum = max((server.minimum or 0 for server in zone.authoritative), default=0)
    if minimum > _LONGEST_DENIAL:
        yield TtlExtreme(subject=zone.apex, what="The denial of names", seconds=minimum, evidence=zone.asked)
