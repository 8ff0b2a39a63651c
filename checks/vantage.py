"""Our own end of the network: what it hides or bends. About us, never about the domain, and no grade is lower for it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    FilteredAnswers,
    Finding,
    Interception,
    MadeUpAnswers,
    OurClock,
    Rfc,
    Severity,
    Target,
    Undecided,
    VantagePoint,
    Verdict,
    check,
    rule,
)


@rule("vantage/nxdomain-rewritten", Severity.INFO, Rfc(8020, "2"), Rfc(6761, "6.4"), since="1.0")
class NxdomainRewritten(Finding):
    """Our resolver gives addresses for names that nobody has.

    ## Why it matters
    This is about the network you look from, and not about the domain. A resolver that never says "there is
    no such name" hides misspelt and forgotten hosts: what rests on such an answer is left undecided.

    ## How to fix
    Look from elsewhere, or ask another resolver: `--nameserver ADDRESS`.
    """

    message = "Our resolver gives {addresses} for {subject}, a name that nobody has."
    addresses: str


@check
def our_resolver_says_what_does_not_exist(made_up: MadeUpAnswers) -> Iterator[Finding]:
    """Our resolver says of a name that nobody has that it does not exist."""
    if made_up.addresses:
        yield NxdomainRewritten(
            subject=made_up.name, addresses=", ".join(made_up.addresses), evidence=made_up.asked
        )


@rule("vantage/dns-intercepted", Severity.INFO, Rfc(5737), since="1.0")
class DnsIntercepted(Finding):
    """Something on our side answers questions that were meant for the name servers of others.

    ## Why it matters
    This is about the network you look from. What single name servers say could not be heard, so what they have
    and how they behave is left undecided.

    ## How to fix
    Look from a network that lets DNS questions (port 53) through to whom they are meant for.
    """

    message = "A question to {subject}, where nobody lives, is answered: our network answers for name servers of others."


@check
def questions_reach_whom_they_are_meant_for(seen: Interception) -> Iterator[Finding]:
    """Questions to single name servers reach them."""
    if seen.answered:
        yield DnsIntercepted(subject=seen.address, evidence=seen.asked)


@rule("vantage/not-validating", Severity.INFO, Rfc(4035, "4.9"), Rfc(6840, "5.8"), since="1.0")
class NotValidating(Finding):
    """Our resolver does not validate DNSSEC signatures.

    ## Why it matters
    This is about the resolver that was asked, and not about the domain. Whether DANE holds, and whether
    signatures are good, is known only through a resolver that checks them: both are left undecided.

    ## How to fix
    Ask a validating resolver: `--nameserver ADDRESS`, such as an Unbound or BIND of your own.
    """

    message = "{subject} does not vouch for answers that are signed: what needs DNSSEC is left undecided."


@check
def our_resolver_validates(vantage: VantagePoint) -> Iterator[Verdict]:
    """Our resolver vouches for answers that are signed."""
    if vantage.validating is None:
        yield Undecided("our resolver did not answer", vantage.asked)
    elif not vantage.validating:
        yield NotValidating(subject="our resolver", evidence=vantage.asked)


@rule("vantage/filtered", Severity.INFO, Rfc(8914, "4"), since="1.0")
class FilteredByResolver(Finding):
    """Our resolver keeps answers about the domain from us.

    ## Why it matters
    This is about the resolver that was asked: it says itself that it blocks, censors or replaces the
    answer. Receivers that ask others may well get the records.

    ## How to fix
    Ask a resolver that filters nothing: `--nameserver ADDRESS`.
    """

    message = 'Our resolver keeps the answer to "{subject}" from us (extended error {code}{told}).'
    code: int
    told: str = ""


@check
def our_resolver_filters_nothing(filtered: FilteredAnswers) -> Iterator[Finding]:
    """Our resolver filters no answer about the domain."""
    for each in filtered.answers:
        told = f": {each.text}" if each.text else ""
        yield FilteredByResolver(subject=each.question, code=each.code, told=told, evidence=(each.cite,))


@rule("vantage/port-25-closed", Severity.INFO, Rfc(5068, "4"), since="1.0")
class Port25Closed(Finding):
    """From here nobody can be reached on port 25.

    ## Why it matters
    This is about the network you look from: most access networks and clouds shut port 25. Mail servers could
    not be talked to, so what they say and which certificates they serve is left undecided.

    ## How to fix
    Look from a machine that may send mail, or ask your provider to open port 25 outward.
    """

    message = "From {subject} no mail server can be reached on port 25, not even those of {reference_hosts}."
    reference_hosts: str


@check
def we_reach_port_25(vantage: VantagePoint) -> Iterator[Verdict]:
    """From here mail servers that are known to answer can be reached on port 25."""
    if vantage.port_25 is False:
        # One reference host that is silent may have troubles of its own.
        yield Port25Closed(
            subject="here",
            reference_hosts=" and ".join(vantage.references),
            certainty=Certainty.LIKELY,
            evidence=vantage.asked,
        )


@rule("vantage/no-ipv6", Severity.INFO, Rfc(3974), since="1.0")
class NoIpv6(Finding):
    """This machine has no IPv6.

    ## Why it matters
    This is about the machine you look from. What the domain's hosts do over IPv6 could not be seen and is
    left undecided, or is told by their IPv4 addresses alone.

    ## How to fix
    Look from a machine with IPv6; `-4` says that you do not mind.
    """

    message = "{subject} has no route to the IPv6 network: nothing is said of hosts over IPv6."


@check
def we_have_ipv6(vantage: VantagePoint, target: Target) -> Iterator[Finding]:
    """This machine has a route to the IPv6 network."""
    if target.ipv6 and not vantage.ipv6:
        yield NoIpv6(subject="this machine", evidence=vantage.asked)


@rule("vantage/clock-off", Severity.INFO, Rfc(4035, "5.3.1"), Rfc(9110, "6.6.1"), since="1.0")
class ClockOff(Finding):
    """The clock of this machine is wrong.

    ## Why it matters
    This is about the machine you look from. Certificates, signatures and policies are judged by the time: with a
    wrong clock good ones seem expired, or not valid yet, and expired ones good.

    ## How to fix
    Set the clock by NTP (`timedatectl set-ntp true`), and look again.
    """

    message = "The clock of {subject} is {seconds} seconds {way} those of {hosts}."
    seconds: int
    way: str
    hosts: str


@check
def our_clock_is_right(clock: OurClock) -> Iterator[Verdict]:
    """The clock of this machine agrees with those of the web servers it met."""
    if not clock.differs:
        return
    cites = tuple(witness.cite for witness in clock.witnesses)
    agree = sum(each.differs and each.ahead * clock.ahead > 0 for each in clock.witnesses)
    if agree < 2 or 2 * agree <= len(clock.witnesses):
        hosts = ", ".join(witness.host for witness in clock.witnesses)
        yield Undecided(f"our clock and that of {hosts} differ, and nobody else told us the time", cites)
        return
    yield ClockOff(
        subject="this machine",
        seconds=round(abs(clock.ahead)),
        way="ahead of" if clock.ahead > 0 else "behind",
        hosts=", ".join(witness.host for witness in clock.witnesses),
        certainty=Certainty.LIKELY,  # two addresses may be one machine
        evidence=cites,
    )
