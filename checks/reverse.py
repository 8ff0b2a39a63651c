"""Reverse names: whether the addresses that send have a name, and whether the name leads back."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Configure,
    Document,
    Finding,
    Fix,
    Publish,
    Replace,
    ReverseName,
    Rfc,
    SendingDomain,
    Severity,
    SpfEvaluation,
    Unavailable,
    Undecided,
    Verdict,
    check,
    rule,
)

from .generic_name import generic

_GMAIL = Document("Google: Email sender guidelines", "https://support.google.com/mail/answer/81126")


@rule("reverse/missing", Severity.ERROR, Rfc(1912, "2.1"), _GMAIL, since="1.0")
class Missing(Finding):
    """An address of your own mail host has no name.

    ## Why it matters
    Large receivers refuse mail from addresses without a name (Gmail: `550 5.7.25`).

    ## How to fix
    Give the address a PTR record. The record belongs to whoever owns the address: your provider's panel
    calls it "reverse DNS" or "PTR".
    """

    message = "{subject} ({hosts}) has no reverse name."
    hosts: str


@rule("reverse/broken", Severity.ERROR, Rfc(2317), Rfc(1912, "2.1"), since="1.0")
class Broken(Finding):
    """The name of an address of your own mail host cannot be looked up.

    ## Why it matters
    Receivers that want a name put the mail off again and again, or refuse it.

    ## How to fix
    Ask whoever owns the address, your provider, to mend the name servers of the reverse zone.
    """

    message = "The reverse name of {subject} ({hosts}) cannot be looked up: {why}."
    hosts: str
    why: str


@check
def own_addresses_have_a_name(
    reverse: ReverseName, sending: SendingDomain, spf: SpfEvaluation | Absent | Unavailable
) -> Iterator[Finding]:
    """The addresses of the domain's own mail hosts have a name."""
    if not may_send(reverse, spf):
        return
    hosts = ", ".join(reverse.hosts)
    if reverse.broken:
        yield Broken(
            subject=reverse.address,
            hosts=hosts,
            why=reverse.broken,
            certainty=Certainty.CERTAIN if reverse.waited else Certainty.LIKELY,
            evidence=reverse.asked,
            fix=(_panel(reverse),),
        )
    elif not reverse.names:
        yield Missing(subject=reverse.address, hosts=hosts, evidence=reverse.asked, fix=_named(reverse))


@rule("reverse/not-confirmed", Severity.ERROR, Rfc(1912, "2.1"), Rfc(8601, "2.7.3"), _GMAIL, since="1.0")
class NotConfirmed(Finding):
    """The name of an address of your own mail host does not lead back to it.

    ## Why it matters
    Anybody can give his addresses any name: receivers believe it only where the name has that address.
    Many refuse mail or distrust it otherwise.

    ## How to fix
    Have the PTR record name the mail host, or give the name that address (A, AAAA).
    """

    message = "The reverse name of {subject}, {names}, does not lead back to it."
    names: str


@check
def names_of_own_addresses_lead_back(
    reverse: ReverseName, sending: SendingDomain, spf: SpfEvaluation | Absent | Unavailable
) -> Iterator[Verdict]:
    """The name of an address leads back to it."""
    if not reverse.names or reverse.confirmed or not may_send(reverse, spf):
        return
    for unknown in (name.unknown for name in reverse.names if name.unknown):
        yield Undecided(unknown, reverse.asked)
        return
    yield NotConfirmed(
        subject=reverse.address,
        names=", ".join(name.name for name in reverse.names),
        evidence=reverse.asked,
        fix=_named(reverse),
    )


@rule("reverse/generic", Severity.WARNING, Rfc(8501, "4"), since="1.0")
class Generic(Finding):
    """The name of an address of your own mail host looks like that of a home connection.

    ## Why it matters
    Names made of the address, or with words such as `dyn` and `dsl`, are what infected home computers
    have. Many receivers count them against the mail or refuse it.

    ## How to fix
    Have your provider set the reverse name to the name of the mail host.
    """

    message = "The reverse name of {subject}, {name}, looks like a home connection's ({why})."
    name: str
    why: str


@check
def names_of_own_addresses_are_hosts_names(
    reverse: ReverseName, sending: SendingDomain, spf: SpfEvaluation | Absent | Unavailable
) -> Iterator[Finding]:
    """The name of an address is that of a mail host, not one that was made from the address."""
    if not may_send(reverse, spf):
        return
    judged = [(name, generic(name, reverse.address)) for name in reverse.confirmed]
    # A mail host of that very name was named on purpose, and one proper name is enough.
    if not judged or not all(why and name not in reverse.hosts for name, why in judged):
        return
    name, why = judged[0]
    yield Generic(subject=reverse.address, name=name, why=why, evidence=reverse.asked, fix=_named(reverse))


def may_send(reverse: ReverseName, spf: SpfEvaluation | Absent | Unavailable) -> bool:
    """Whether mail may come from the address: not where SPF is known whole and leaves it out.

    A host that only takes mail needs no name: nobody looks.
    """
    return not isinstance(spf, SpfEvaluation) or spf.passes(reverse.address) is not False


def _named(reverse: ReverseName) -> tuple[Fix, ...]:
    kind = Replace if reverse.names else Publish
    return (kind(reverse.owner, "PTR", f"{reverse.hosts[0]}."), _panel(reverse))


def _panel(reverse: ReverseName) -> Configure:
    return Configure(
        f"the panel of your provider, address {reverse.address}", f"reverse DNS (PTR): {reverse.hosts[0]}"
    )
