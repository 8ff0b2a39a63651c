"""MX records that work, and surprise whoever relies on them."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    MX_LIMIT,
    Configure,
    Finding,
    Many,
    MxHost,
    MxWildcard,
    Replace,
    Rfc,
    Routing,
    Severity,
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


@rule("mx/wildcard", Severity.NOTICE, Rfc(4592), since="1.0")
class Wildcard(Finding):
    """Every name below the domain takes mail, because a wildcard MX answers for all of them.

    ## Why it matters
    Mail to a mistyped subdomain does not come back but goes to the mail host; and names that nobody
    uses count as names that exist, so that forged mail from them looks more genuine.

    ## How to fix
    Remove the wildcard, and give each subdomain that takes mail an MX record of its own.
    """

    message = "A wildcard gives every name below {subject} the MX {hosts}."
    hosts: str


@check
def mx_records_stand_at_names_that_exist(wildcard: MxWildcard) -> Iterator[Finding]:
    """MX records stand at names that were meant, not at all of them."""
    away = Configure(wildcard.domain, f"remove the MX records at *.{wildcard.domain}")
    yield Wildcard(
        subject=wildcard.domain, hosts=", ".join(wildcard.hosts), evidence=wildcard.asked, fix=(away,)
    )
