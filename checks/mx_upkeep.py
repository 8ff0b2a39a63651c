"""MX records that work, and surprise whoever relies on them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from diag.api import (
    MX_LIMIT,
    Certainty,
    Configure,
    Finding,
    Many,
    MxHost,
    MxOperators,
    MxWildcard,
    Replace,
    Rfc,
    Routing,
    Severity,
    Target,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

from .mx import is_verification_name


@rule("mx/null-malformed", Severity.NOTICE, Rfc(7505, "3"), since="1.0")
class NullMalformed(Finding):
    """The null MX has a preference other than 0.

    ## Why it matters
    The standard wants `0 .`. Senders look at the empty name only, and strict ones may not take the
    record for a null MX.

    ## How to fix
    Publish `0 .`.
    """

    message = "The null MX of {subject} has the preference {preference} instead of 0."
    preference: int


@check
def null_mx_has_preference_zero(routing: Routing) -> Iterator[Finding]:
    """A null MX has the preference 0."""
    preference = routing.exchanges[-1].preference
    if routing.null and preference:
        proper = Replace(routing.owner, "MX", "0 .")
        yield NullMalformed(
            subject=routing.domain, preference=preference, evidence=routing.asked, fix=(proper,)
        )


@rule("mx/verification-leftover", Severity.NOTICE, Rfc(5321, "5.1"), Rfc(6761, "6.4"), since="1.0")
class VerificationLeftover(Finding):
    """An MX record that once proved the domain's ownership to a provider is still there.

    ## Why it matters
    Its name leads nowhere. A sender that finds the other hosts busy tries it as well, in vain.

    ## How to fix
    Remove the record: the provider has seen it. Where it asks again, a TXT record does.
    """

    message = "The MX record for {subject} was there to verify the domain, and takes no mail."


@check
def mx_records_are_for_mail(routing: Routing) -> Iterator[Finding]:
    """Every MX record is there for mail."""
    for exchange in routing.exchanges:
        if is_verification_name(exchange.name):
            away = Withdraw(routing.owner, "MX", f"{exchange.preference} {exchange.name}.")
            yield VerificationLeftover(
                subject=exchange.name,
                evidence=routing.asked,
                fix=(away,) if len(routing.exchanges) > 1 else (),
            )


@rule("mx/duplicate-target", Severity.NOTICE, Rfc(5321, "5.1"), since="1.0")
class DuplicateTarget(Finding):
    """MX records lead to the same mail host twice.

    ## Why it matters
    They look like a second chance and are none: where the host is down, senders try it again and gain
    nothing.

    ## How to fix
    Name each host once. If a second one is wanted, it needs a machine of its own.
    """

    message = "MX records of {subject} lead to the same place twice: {what}."
    what: str


@check
def mx_records_name_different_hosts(routing: Routing, hosts: Many[MxHost]) -> Iterator[Finding]:
    """MX records name different hosts."""
    at = {
        name: [each.preference for each in routing.exchanges if each.name == name] for name in routing.hosts
    }
    twice = {name: preferences for name, preferences in at.items() if len(preferences) > 1}
    if twice:
        yield DuplicateTarget(
            subject=routing.domain,
            what=", ".join(
                f"{name} has the preferences {' and '.join(map(str, at[name]))}" for name in twice
            ),
            evidence=routing.asked,
            fix=tuple(
                Withdraw(routing.owner, "MX", f"{each} {name}.")
                for name, preferences in twice.items()
                for each in preferences[1:]
            ),
        )
        return
    known = [host for host in hosts.values() if host.addresses and not host.unknown]
    sets = {frozenset(host.addresses) for host in known}
    if len(known) == len(routing.hosts) > 1 == len(sets):
        yield DuplicateTarget(
            subject=routing.domain,
            what=f"{', '.join(host.name for host in known)} have the same addresses",
            evidence=routing.asked + tuple(cite for host in known for cite in host.asked),
        )


@rule("mx/too-many", Severity.NOTICE, Rfc(7208, "4.6.4"), Rfc(5321, "5.1"), since="1.0")
class TooMany(Finding):
    """The domain has more than ten MX records.

    ## Why it matters
    An `mx` term in anybody's SPF that names this domain is a `permerror`. Senders give up after a few
    hosts anyway.

    ## How to fix
    Keep a few records; several machines can stand behind one name.
    """

    message = "{subject} has {count} MX records; SPF allows {limit}."
    count: int
    limit: int = MX_LIMIT


@check
def mx_records_are_few(routing: Routing) -> Iterator[Finding]:
    """There are at most ten MX records."""
    if len(routing.exchanges) > MX_LIMIT:
        yield TooMany(subject=routing.domain, count=len(routing.exchanges), evidence=routing.asked)


@rule("mx/wildcard", Severity.NOTICE, Rfc(4592, "2.2.1"), since="1.0")
class Wildcard(Finding):
    """Every name below the domain that does not exist otherwise takes mail, because a wildcard MX answers for it.

    ## Why it matters
    Mail to a mistyped subdomain does not come back but goes to the mail host; and names that nobody
    uses count as names that exist, so that forged mail from them looks more genuine.

    ## How to fix
    Remove the wildcard, and give each subdomain that takes mail an MX record of its own.
    """

    message = "A wildcard gives names below {subject} that have no records of their own the MX {hosts}."
    hosts: str


@check
def mx_records_stand_at_names_that_exist(wildcard: MxWildcard) -> Iterator[Finding]:
    """MX records stand at names that were meant, not at all of them."""
    away = Configure(wildcard.domain, f"remove the MX records at *.{wildcard.domain}")
    yield Wildcard(
        subject=wildcard.domain, hosts=", ".join(wildcard.hosts), evidence=wildcard.asked, fix=(away,)
    )


@rule("mx/single-host", Severity.INFO, Rfc(5321, "4.5.4.1"), Rfc(5321, "5.1"), since="1.0")
class SingleHost(Finding):
    """All mail comes through one mail host with one address of a family.

    ## Why it matters
    While that machine or its line is down, nothing arrives. Senders keep trying for some days, so that
    little is lost in a short outage; but mail is late, and after a long one it comes back to its senders.

    ## How to fix
    Nothing has to be done. Where mail must not wait, name a second host in another place that knows the
    same mailboxes and filters as strictly as the first.
    """

    message = "{subject} is the only mail host of {domain}, at {addresses}."
    domain: str
    addresses: str


@check
def mail_has_a_second_way_in(
    routing: Routing, hosts: Many[MxHost], operators: MxOperators, target: Target
) -> Iterator[Verdict]:
    """Mail has a second way in where the first host is down."""
    names = [each for each in operators.hosts if not is_verification_name(each.name)]
    # Somebody else's one name may stand for many machines. Without MX records one is to be named first.
    if routing.implicit or len(names) != 1 or not names[0].own or names[0].provider:
        return
    for host in hosts.values():
        if host.name != names[0].name or host.aliases or not _on_the_internet([host], target):
            continue
        if len(host.ipv4) > 1 or len(host.ipv6) > 1:
            return
        if host.unknown:
            yield Undecided(host.unknown, host.asked, host.name)
            return
        yield SingleHost(
            subject=host.name,
            domain=routing.domain,
            addresses=" and ".join(host.addresses),
            certainty=Certainty.LIKELY,  # several machines can share one address
            evidence=routing.asked + host.asked,
        )


@rule("mx/ipv4-only", Severity.INFO, Rfc(3974), since="1.0")
class Ipv4Only(Finding):
    """No MX host has an IPv6 address.

    ## Why it matters
    Today nobody is kept from writing to you: every sender that counts has IPv4. Some networks have little
    of it left, and share addresses that have a bad name for what others sent.

    ## How to fix
    Nothing has to be done. Where the mail host has IPv6, let it listen there, give the address a reverse
    name, and publish an AAAA record. Large providers switch it on for a domain on request.
    """

    message = "No MX host of {subject} has an AAAA record: mail arrives over IPv4 alone."


@check
def some_mx_host_has_ipv6(routing: Routing, hosts: Many[MxHost], target: Target) -> Iterator[Verdict]:
    """At least one MX host has an IPv6 address."""
    known = list(hosts.values())
    # Who looks at IPv4 alone (-4) wants to hear nothing of IPv6; without MX records one is to be named first.
    if routing.implicit or not target.ipv6 or any(host.ipv6 for host in known):
        return
    if not _on_the_internet([host for host in known if host.ipv4], target):
        return
    unknown = [*(u.because for _, u in hosts.unknown()), *(host.unknown for host in known if host.unknown)]
    if unknown:
        yield Undecided(unknown[0], routing.asked)
        return
    yield Ipv4Only(subject=routing.domain, evidence=tuple(cite for host in known for cite in host.asked))


@rule("mx/mixed-providers", Severity.WARNING, Rfc(5321, "5.1"), since="1.0")
class MixedProviders(Finding):
    """The MX hosts belong to two providers of mailboxes.

    ## Why it matters
    Senders go from host to host as they find them free. What reaches the provider where a person has no
    mailbox comes back, or lies in an old mailbox that nobody reads. Mostly the records of the former
    provider were left behind in a move.

    ## How to fix
    Keep the MX records of the provider where the mailboxes are, remove those of the other. To use both,
    let one take all the mail and pass on what belongs to the other.
    """

    message = "Mail for {subject} goes to several providers: {where}."
    where: str


@check
def mx_hosts_lead_to_one_provider(operators: MxOperators, routing: Routing) -> Iterator[Finding]:
    """The MX hosts lead to the mailboxes of one provider."""
    places: dict[str, list[str]] = {}
    for host in operators.hosts:
        if host.mailboxes and not is_verification_name(host.name):
            places.setdefault(host.mailboxes, []).append(host.name)
    if len(places) > 1:
        where = "; ".join(f"{', '.join(hosts)} ({provider})" for provider, hosts in places.items())
        one = Configure(routing.owner, f"MX records of one provider alone: {' or '.join(places)}")
        yield MixedProviders(
            subject=operators.domain,
            where=where,
            certainty=Certainty.LIKELY,  # one may pass on to the other by an agreement that nobody sees
            evidence=operators.asked,
            fix=(one,),
        )


def _on_the_internet(hosts: Iterable[MxHost], target: Target) -> bool:
    """Whether strangers reach one of them. A laboratory on loopback is nobody's way in."""
    return any(
        target.counts_as_public(each) and not ipaddress.ip_address(each).is_loopback
        for host in hosts
        for each in host.addresses
    )
