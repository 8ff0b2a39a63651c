"""Reverse names that work: more than one, and others than those that the host gives itself."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Cite,
    Configure,
    Finding,
    Fix,
    InboundSurvey,
    Many,
    ReverseName,
    Rfc,
    SendingDomain,
    Severity,
    SpfEvaluation,
    Unavailable,
    Withdraw,
    check,
    is_hostname,
    labels,
    rule,
)

from .generic_name import generic
from .reverse import may_send

MOST_WITHDRAWN = 100
"""Names beyond which they are counted and not listed one by one."""
MOST_NAMES = 10
"""Names of one address that receivers look at (RFC 7208 section 4.6.4)."""


@rule("reverse/many", Severity.NOTICE, Rfc(7208, "4.6.4"), Rfc(2181, "10.2"), since="1.0")
class SeveralNames(Finding):
    """An address of your own mail host has several names.

    ## Why it matters
    It is allowed. Receivers look at one of them, now this and now that, so that the same host is judged
    by different names; one of them is often left over from a former use.

    ## How to fix
    Keep the PTR record that names the mail host, remove the others.
    """

    message = "{subject} has {count} reverse names: {names}."
    count: int
    names: str


@rule("reverse/names-passed-over", Severity.WARNING, Rfc(7208, "4.6.4"), since="1.0")
class NamesPassedOver(Finding):
    """An address of your own mail host has so many names that receivers do not look at all of them.

    ## Why it matters
    They stop after ten. Whether the one that leads back is among those is chance, and the answer may be
    too long for some resolvers.

    ## How to fix
    Keep the PTR record that names the mail host, remove the others.
    """

    message = "{subject} has {count} reverse names; receivers look at {limit} of them."
    count: int
    limit: int = MOST_NAMES


@check
def own_addresses_have_one_name(
    reverse: ReverseName, sending: SendingDomain, spf: SpfEvaluation | Absent | Unavailable
) -> Iterator[Finding]:
    """An address of the domain's own mail hosts has one name."""
    names = [name.name for name in reverse.names]
    if len(names) < 2 or not may_send(reverse, spf):
        return
    kept = next((name for name in reverse.confirmed if name in reverse.hosts), "")
    kept = kept or next(iter(reverse.confirmed), names[0])
    away = tuple(Withdraw(reverse.owner, "PTR", f"{name}.") for name in names if name != kept)
    away = away if len(names) <= MOST_WITHDRAWN else ()
    if len(names) > MOST_NAMES:
        yield NamesPassedOver(subject=reverse.address, count=len(names), evidence=reverse.asked, fix=away)
    else:
        yield SeveralNames(
            subject=reverse.address,
            count=len(names),
            names=", ".join(names),
            evidence=reverse.asked,
            fix=away,
        )


@rule("reverse/differs-from-helo", Severity.NOTICE, Rfc(5321, "4.1.4"), Rfc(1912, "2.1"), since="1.0")
class DiffersFromHelo(Finding):
    """Your own mail host calls itself by a name that its address does not have.

    ## Why it matters
    Receivers must not refuse mail for it alone, yet many count it against the mail when the name in EHLO
    is not the reverse name of the address.

    ## How to fix
    Let the server call itself by the reverse name, or have the reverse name changed to the server's.
    """

    message = "The host at {subject} calls itself {helo}, but the reverse name of the address is {names}."
    helo: str
    names: str


@check
def mail_hosts_call_themselves_by_their_reverse_name(
    reverse: ReverseName,
    surveys: Many[InboundSurvey] | Absent | Unavailable,
    sending: SendingDomain,
    spf: SpfEvaluation | Absent | Unavailable,
) -> Iterator[Finding]:
    """A mail host calls itself by the reverse name of its address."""
    if not reverse.confirmed or not isinstance(surveys, Many) or not may_send(reverse, spf):
        return
    said: dict[str, Cite] = {}
    for survey in surveys.values():
        offer = survey.session.best_offer
        if survey.endpoint.address == reverse.address and offer is not None:
            name = offer.name.lower().removesuffix(".")
            if is_hostname(name) and len(labels(name)) > 1:  # a masked or unset name is another matter
                said.setdefault(name, Cite(survey.probe))
    made = all(generic(name, reverse.address) for name in reverse.confirmed)  # graver, and told elsewhere
    if said and not made and not said.keys() & set(reverse.confirmed):
        name, cite = next(iter(said.items()))
        yield DiffersFromHelo(
            subject=reverse.address,
            helo=name,
            names=", ".join(reverse.confirmed),
            certainty=Certainty.LIKELY,  # what it says when it sends is not heard from here
            evidence=(*reverse.asked, cite),
            fix=_agree(reverse, name),
        )


def _agree(reverse: ReverseName, helo: str) -> tuple[Fix, ...]:
    """One name for both: the mail host's own where it says it, and else the reverse name."""
    if helo in reverse.hosts:
        panel = f"the panel of your provider, address {reverse.address}"
        return (Configure(panel, f"reverse DNS (PTR): {helo}"),)
    return (
        Configure(reverse.hosts[0], f"myhostname = {reverse.confirmed[0]}", "Postfix"),
        Configure(reverse.hosts[0], f"primary_hostname = {reverse.confirmed[0]}", "Exim"),
    )
