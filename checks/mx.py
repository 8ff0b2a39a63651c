"""MX routing: where mail for the domain goes, and whether it can arrive (RFC 5321 section 5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Below,
    Certainty,
    Configure,
    DkimSelectors,
    Finding,
    Fix,
    Many,
    MxHost,
    MxRegistration,
    Outcome,
    Replace,
    Rfc,
    Routing,
    SendingDomain,
    Severity,
    SpfEvaluation,
    SpfPublished,
    StsRecordFound,
    Target,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    is_below,
    is_hostname,
    looks_like_address,
    rule,
)


@rule("mx/implicit", Severity.WARNING, Rfc(5321, "5.1"), since="1.0")
class Implicit(Finding):
    """The domain has no MX record, so senders deliver to its own address.

    ## Why it matters
    That address is usually a web host. Mail waits there in vain or is answered by a machine that
    was never meant to take it, and a change of web host silently moves the mail.

    ## How to fix
    Publish an MX record that names the mail host, be it the domain itself, or a null MX (`0 .`) if the
    domain takes no mail.
    """

    message = "{subject} has no MX record; senders use its own address instead."


@check
def mail_hosts_are_named_by_mx(
    routing: Routing, spf: SpfEvaluation | Absent | Unavailable
) -> Iterator[Finding]:
    """The domain names its mail hosts with MX records."""
    if routing.implicit:
        # A null MX ends all mail: it is advised only to who says that nobody sends.
        closed = isinstance(spf, SpfEvaluation) and says_nobody(spf)
        named = Replace(routing.owner, "MX", "0 ." if closed else f"10 {routing.owner}.")
        yield Implicit(subject=routing.domain, evidence=routing.asked, fix=(named,))


@rule("mx/no-mail-host", Severity.CRITICAL, Rfc(5321, "5.1"), since="1.0")
class NoMailHost(Finding):
    """The domain is used for mail, but nothing says where its mail goes.

    ## Why it matters
    It has neither MX records nor an address: every reply, every bounce and every report is lost, and
    many receivers refuse mail from a domain that cannot be answered.

    ## How to fix
    Publish an MX record that names a mail host. If the domain neither sends nor takes mail, say so: a null
    MX (`0 .`) and `v=spf1 -all`.
    """

    message = "{subject} has neither MX records nor an address, although {sign}."
    sign: str


@check
def a_domain_used_for_mail_has_a_mail_host(
    target: Target,
    routing: Routing | Absent,
    sending: SendingDomain | Absent,
    spf: SpfPublished,
    evaluation: SpfEvaluation | Absent,
) -> Iterator[Finding]:
    """A domain used for mail has a mail host."""
    if isinstance(routing, Absent) and spf.name_exists:
        sign = "it publishes an SPF record" if spf.records else ""
        if isinstance(evaluation, SpfEvaluation) and says_nobody(evaluation):
            sign = ""  # "v=spf1 -all" is how one says that there is no mail
        if not sign and isinstance(sending, SendingDomain):
            sign = sending.because
        if sign:
            # Who sends must be answerable: a null MX would have his mail refused (RFC 7505 section 4.2).
            host = Configure(target.domain, f"{target.domain}. 3600 IN MX 10 <the name of your mail host>")
            yield NoMailHost(subject=target.domain, sign=sign, evidence=routing.evidence, fix=(host,))


@rule("mx/null-but-sends", Severity.ERROR, Rfc(7505, "4.2"), since="1.0")
class NullButSends(Finding):
    """The domain says that it takes no mail, and authorises servers to send as it.

    ## Why it matters
    Receivers may refuse mail whose sender cannot be answered: `550 5.7.27`.

    ## How to fix
    Publish MX records if the domain sends mail; publish `v=spf1 -all` if it does not.
    """

    message = "{subject} takes no mail (null MX), but its SPF record lets servers send as it."


@check
def a_domain_that_takes_no_mail_sends_none(
    routing: Routing, spf: SpfEvaluation, selectors: DkimSelectors | Unavailable
) -> Iterator[Finding]:
    """A domain with a null MX authorises nobody to send."""
    # What an alias brings along is whoever's the target is: nobody meant this domain by it.
    if routing.null and spf.passes_somebody and spf.owner == spf.domain:
        nobody: Fix = Replace(spf.domain, "TXT", "v=spf1 -all", old=spf.record.text)
        if isinstance(selectors, Unavailable) or selectors.below is not Below.NONE:
            # It may sign, and so send: what it lacks then is an MX record, and "-all" would lose its mail.
            nobody = Configure(
                routing.domain,
                f"{routing.domain}. 3600 IN MX 10 <the name of your mail host>, if it sends mail",
            )
        yield NullButSends(subject=routing.domain, evidence=routing.asked + spf.root.evidence, fix=(nobody,))


@rule("mx/target-domain-free", Severity.CRITICAL, Rfc(5321, "5.1"), since="1.0")
class TargetDomainFree(Finding):
    """An MX record names a host in a domain that nobody has registered.

    ## Why it matters
    Whoever registers that domain receives mail meant for you, can answer it, and can have certificates
    issued in your name.

    ## How to fix
    Remove the MX record now.
    """

    message = "The MX host {subject} lies in {free}, which anybody can register."
    free: str


@check
def mx_hosts_lie_in_registered_domains(host: MxRegistration, routing: Routing) -> Iterator[Verdict]:
    """The domains of the MX hosts are registered."""
    if host.free is None:
        yield Undecided(f"whether {host.registrable} is registered could not be found out", host.asked)
    elif host.free:
        preference = next(exchange.preference for exchange in routing.exchanges if exchange.name == host.name)
        away = (
            (Withdraw(routing.owner, "MX", f"{preference} {host.name}."),) if len(routing.hosts) > 1 else ()
        )
        # Registries also take names on hold out of their zone: what is missing there may have an owner.
        yield TargetDomainFree(
            subject=host.name,
            free=host.registrable,
            evidence=host.asked,
            certainty=Certainty.LIKELY,
            fix=away,
        )


@rule("mx/null-with-others", Severity.ERROR, Rfc(7505, "3"), since="1.0")
class NullWithOthers(Finding):
    """A null MX stands beside other MX records.

    ## Why it matters
    The null MX says that the domain takes no mail, the others say that it does. Some senders
    refuse at once, others try the empty name and wait.

    ## How to fix
    Remove the record `0 .` if the domain takes mail; remove all the others if it does not.
    """

    message = "{subject} publishes a null MX beside {others}."
    others: str


@check
def null_mx_stands_alone(routing: Routing) -> Iterator[Finding]:
    """A null MX stands alone."""
    if routing.hosts and any(exchange.name == "." for exchange in routing.exchanges):
        nulls = [exchange for exchange in routing.exchanges if exchange.name == "."]
        remove = tuple(Withdraw(routing.owner, "MX", f"{null.preference} .") for null in nulls)
        yield NullWithOthers(
            subject=routing.domain, others=", ".join(routing.hosts), evidence=routing.asked, fix=remove
        )


@rule("mx/target-alias", Severity.ERROR, Rfc(2181, "10.3"), Rfc(5321, "5.1"), since="1.0")
class TargetAlias(Finding):
    """An MX record names an alias (CNAME).

    ## Why it matters
    An MX target must be a name with addresses of its own. Some senders refuse to follow the alias,
    and mail loops or bounces where the host does not know itself by the canonical name.

    ## How to fix
    Put the canonical name into the MX record, or give the name address records instead of the alias.
    """

    message = "MX host {subject} is an alias of {canonical}."
    canonical: str


@check
def mx_host_is_no_alias(
    host: MxHost, routing: Routing, sts: StsRecordFound | Absent | Unavailable
) -> Iterator[Finding]:
    """An MX host is no alias."""
    if host.aliases and not is_verification_name(host.name) and not routing.implicit:
        direct = Replace(
            routing.owner,
            "MX",
            f"{host.preference} {host.canonical}.",
            old=f"{host.preference} {host.name}.",
        )
        # Senders that honour MTA-STS would refuse a host that the policy does not name (RFC 8461 section 5).
        first = Configure(
            f"https://mta-sts.{routing.domain}/.well-known/mta-sts.txt", f"mx: {host.canonical}", "MTA-STS"
        )
        fix: tuple[Fix, ...] = (direct,) if isinstance(sts, Absent) else (first, direct)
        # An alias that leads nowhere, or back, has no name worth putting into the MX record.
        leads = host.canonical if host.addresses else host.aliases[0]
        yield TargetAlias(
            subject=host.name,
            canonical=leads,
            evidence=host.asked,
            fix=fix if host.addresses else (),
        )


@rule("mx/target-without-address", Severity.ERROR, Rfc(5321, "5.1"), since="1.0")
class TargetWithoutAddress(Finding):
    """An MX record names a host that has no address.

    ## Why it matters
    Senders that choose this host cannot connect; where it is the only one, mail is lost.

    ## How to fix
    Give the host an A (and AAAA) record, or remove the MX record that names it.
    """

    message = "MX host {subject} {why}."
    why: str


@check
def mx_host_has_an_address(host: MxHost, routing: Routing) -> Iterator[Verdict]:
    """An MX host has an address."""
    if host.addresses or is_verification_name(host.name) or looks_like_address(host.name):
        return
    if host.unknown:
        yield Undecided(host.unknown, host.asked)
        return
    fix = (
        (Withdraw(routing.owner, "MX", f"{host.preference} {host.name}."),) if len(routing.hosts) > 1 else ()
    )
    why = "has neither A nor AAAA records" if host.exists else "does not exist"
    if host.aliases:
        why = f"is an alias, and where it leads ({host.canonical}) there is no address"
    advice = Configure(host.name, f"{host.name}. 3600 IN A <the address of your mail host>")
    yield TargetWithoutAddress(
        subject=host.name, why=why, evidence=host.asked, fix=(*fix, *(() if fix else (advice,)))
    )


@rule("mx/no-usable-target", Severity.CRITICAL, Rfc(5321, "5.1"), since="1.0")
class NoUsableTarget(Finding):
    """No MX host has a public address.

    ## Why it matters
    Nobody outside can deliver mail to this domain: every message waits in a queue and then bounces.

    ## How to fix
    Name at least one MX host that has a public A record.
    """

    message = "None of the mail hosts of {subject} ({hosts}) has a public address."
    hosts: str


@check
def some_mx_host_can_be_reached(routing: Routing, hosts: Many[MxHost], target: Target) -> Iterator[Verdict]:
    """At least one MX host has a public address."""
    known = list(hosts.values())
    if not routing.hosts or any(target.counts_as_public(a) for host in known for a in host.addresses):
        return
    for subject, unavailable in hosts.unknown():
        yield Undecided(unavailable.because, unavailable.evidence, subject)
        return
    for host in known:
        if host.unknown:  # of one family nothing is known: it may hold the public address
            yield Undecided(host.unknown, host.asked, host.name)
            return
    asked = tuple(cite for host in known for cite in host.asked)
    yield NoUsableTarget(
        subject=routing.domain, hosts=", ".join(routing.hosts), evidence=routing.asked + asked
    )


@rule("mx/target-is-address", Severity.ERROR, Rfc(1035, "3.3.9"), Rfc(5321, "4.1.2"), since="1.0")
class TargetIsAddress(Finding):
    """An MX record names an IP address instead of a host.

    ## Why it matters
    The target of an MX record is a domain name. Most senders look the address up as a name, find
    nothing, and cannot deliver.

    ## How to fix
    Give the mail host a name with an A record and put that name into the MX record.
    """

    message = "An MX record of {domain} names the address {subject} instead of a host."
    domain: str


@check
def mx_names_hosts(routing: Routing) -> Iterator[Finding]:
    """MX records name hosts, not addresses."""
    for exchange in routing.exchanges:
        if looks_like_address(exchange.name):
            named = Configure(
                routing.domain, f"{routing.domain}. 3600 IN MX {exchange.preference} mail.{routing.domain}."
            )
            yield TargetIsAddress(
                subject=exchange.name, domain=routing.domain, evidence=routing.asked, fix=(named,)
            )


@rule("mx/target-not-public", Severity.ERROR, Rfc(6890), Rfc(5321, "5.1"), since="1.0")
class TargetNotPublic(Finding):
    """An MX host has an address that strangers cannot reach.

    ## Why it matters
    Senders that choose the private, loopback or reserved address connect to nobody, or to
    themselves, and mail is delayed or bounces as a loop.

    ## How to fix
    Remove that address record from the public zone; keep it in the internal one.
    """

    message = "MX host {subject} has the address {address}, which is not reachable from outside."
    address: str


@check
def mx_addresses_are_public(host: MxHost, target: Target) -> Iterator[Finding]:
    """The addresses of an MX host are public."""
    private = [address for address in host.addresses if not target.counts_as_public(address)]
    away = tuple(Withdraw(host.canonical, "AAAA" if ":" in each else "A", each) for each in private)
    for address in private:
        yield TargetNotPublic(subject=host.name, address=address, evidence=host.asked, fix=away)


@rule("mx/target-invalid-hostname", Severity.WARNING, Rfc(1123, "2.1"), Rfc(5321, "4.1.2"), since="1.0")
class TargetInvalidHostname(Finding):
    """An MX record names something that is no host name.

    ## Why it matters
    Underscores, spaces and raw UTF-8 are not allowed in host names; strict senders refuse them and no
    public CA gives such a name a certificate.

    ## How to fix
    Name the host with letters, digits and hyphens; write international names as A-labels (`xn--…`).
    """

    message = "The MX target {subject} is no valid host name."


@check
def mx_targets_are_host_names(routing: Routing) -> Iterator[Finding]:
    """MX targets are valid host names."""
    for name in routing.hosts:
        if not is_hostname(name) and not looks_like_address(name):
            yield TargetInvalidHostname(subject=name, evidence=routing.asked)


@rule("mx/ipv6-only", Severity.ERROR, Rfc(3974), since="1.0")
class Ipv6Only(Finding):
    """No MX host has an IPv4 address.

    ## Why it matters
    Many senders still have no IPv6; their mail cannot be delivered.

    ## How to fix
    Give at least one MX host an A record.
    """

    message = "No MX host of {subject} has an A record; senders without IPv6 cannot deliver."


@check
def some_mx_host_has_ipv4(routing: Routing, hosts: Many[MxHost]) -> Iterator[Verdict]:
    """At least one MX host has an IPv4 address."""
    known = list(hosts.values())
    if any(host.ipv4 for host in known) or not any(host.ipv6 for host in known):
        return
    unknown = [*(u.because for _, u in hosts.unknown()), *(host.unknown for host in known if host.unknown)]
    if unknown:
        yield Undecided(unknown[0], routing.asked)
        return
    asked = tuple(cite for host in known for cite in host.asked)
    yield Ipv6Only(subject=routing.domain, evidence=asked)


def says_nobody(spf: SpfEvaluation) -> bool:
    """Whether SPF says on purpose that nobody sends: `v=spf1 -all`, or what leads there without a mistake."""
    mistaken = any(step.outcome not in (Outcome.NOT_NEEDED, Outcome.FOUND) for _, step in spf.walk())
    return not spf.passes_somebody and spf.final in "-~" and not mistaken and not any(spf.errors())


def is_verification_name(name: str) -> bool:
    """Whether a provider put this target there to verify the domain: it was never meant to take mail."""
    return is_below(name, "invalid") or is_below(name, "mx-verification.google.com")
