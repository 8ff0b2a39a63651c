"""Names of the domain that say something else than was meant: aliases, wildcards and doubled names."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Broken,
    BrokenAlias,
    Certainty,
    Configure,
    DeniedAbove,
    DoubledName,
    Finding,
    Publish,
    Rfc,
    Severity,
    WildcardPolicy,
    Withdraw,
    check,
    rule,
)

from .zone_words import listed


@rule("zone/alias-broken", Severity.ERROR, Rfc(1034, "3.6.2"), since="1.0")
class AliasBroken(Finding):
    """A name that mail depends on is an alias that leads nowhere.

    ## Why it matters
    Receivers follow the alias and find nothing: the policy or key that it stands for is not in force.

    ## How to fix
    Have the provider create the record the alias leads to, correct the target, or remove the alias.
    """

    message = "{subject} is an alias ({chain}), and {why}."
    chain: str
    why: str


@rule("zone/alias-claimable", Severity.CRITICAL, Rfc(1034, "3.6.2"), since="1.0")
class AliasClaimable(Finding):
    """A name of the domain is an alias of one that a stranger can have.

    ## Why it matters
    Whoever takes that name speaks as yours: publishes keys or policies for your mail, collects passwords at your
    set-up host, has certificates issued.

    ## How to fix
    Remove the alias now, or take the name it leads to.
    """

    message = "{subject} is an alias ({chain}) that a stranger can take: {how}."
    chain: str
    how: str


@check
def aliases_lead_somewhere(alias: BrokenAlias) -> Iterator[Finding]:
    """Aliases that mail depends on lead somewhere, and to nothing that strangers can have."""
    chain = " → ".join((alias.name, *alias.chain))
    remove = (Withdraw(alias.name, "CNAME"),)
    if alias.claimable:
        yield AliasClaimable(
            subject=alias.name, chain=chain, how=alias.claimable, evidence=alias.asked, fix=remove
        )
    elif alias.wanted:
        again = remove if alias.why is Broken.GONE else ()
        yield AliasBroken(
            subject=alias.name, chain=chain, why=alias.why.value, evidence=alias.asked, fix=again
        )


@rule("zone/wildcard-policy", Severity.WARNING, Rfc(4592, "2.2"), Rfc(4592, "3.3"), since="1.0")
class WildcardPolicyRule(Finding):
    """A mail policy is in force only by a wildcard.

    ## Why it matters
    A wildcard answers for every name that has no records of its own, also for those that nobody thought of; and
    it stops answering for a name, and for all below, as soon as any record is published there.

    ## How to fix
    Publish the policy at the name where it belongs, and take it out of the wildcard.
    """

    message = "What {names} says stands at *.{subject}, and not at its own name."
    names: str


@check
def policies_stand_at_their_own_names(wildcard: WildcardPolicy) -> Iterator[Finding]:
    """Policies stand at their own names, not at a wildcard."""
    if wildcard.covered:
        # No overlay could try this: an own record with the same text cannot be told from the wildcard's.
        own = (str(Publish(name, "TXT", text)) for name in wildcard.covered for text in wildcard.texts)
        yield WildcardPolicyRule(
            subject=wildcard.domain,
            names=listed(wildcard.covered),
            evidence=wildcard.asked,
            certainty=Certainty.LIKELY,
            fix=(Configure(f"*.{wildcard.domain}", "\n".join(own)),),
        )


@rule("zone/doubled-name", Severity.ERROR, Rfc(1034, "3.1"), Rfc(1035, "5.1"), since="1.0")
class DoubledNameRule(Finding):
    """A record was published with the domain twice in its name, and the right name has none.

    ## Why it matters
    The DNS panel appended the domain to a name that had it already, or a final dot is missing. Nobody looks
    there: what was published is not in force.

    ## How to fix
    Publish the record at the right name; in most panels type only the part before the domain.
    """

    message = "{doubled} was meant to be {subject}: the domain stands there twice."
    doubled: str


@rule("zone/doubled-name-as-well", Severity.NOTICE, Rfc(1034, "3.1"), Rfc(1035, "5.1"), since="1.0")
class DoubledNameAsWell(Finding):
    """A record was published with the domain twice in its name; the right name has one too.

    ## Why it matters
    It does no harm now, but the next person to change a record may change this one, to no effect.

    ## How to fix
    Remove the record with the doubled name.
    """

    message = "{doubled} has records that were meant for {subject}, which has its own."
    doubled: str


@check
def no_name_has_the_domain_twice(name: DoubledName) -> Iterator[Finding]:
    """No record has the domain twice in its name."""
    if name.right_exists:
        away = (Withdraw(name.doubled, "TXT"),)
        yield DoubledNameAsWell(subject=name.name, doubled=name.doubled, evidence=name.asked, fix=away)
    else:
        right = tuple(Publish(name.name, "TXT", text) for text in name.texts)
        yield DoubledNameRule(subject=name.name, doubled=name.doubled, evidence=name.asked, fix=right)


@rule("zone/nxdomain-above-names", Severity.WARNING, Rfc(8020, "2"), Rfc(2308, "2.2"), since="1.0")
class NxdomainAboveNames(Finding):
    """The name server denies a name although there are names below it.

    ## Why it matters
    A resolver that has heard that a name does not exist concludes that nothing below it does (RFC 8020): it then
    finds no DKIM key, or no DANE record, although there is one.

    ## How to fix
    Update the name server's software. It has to answer "no error, no data" for such a name.
    """

    message = "{subject} is said not to exist, although {below} does."
    below: str


@check
def names_above_others_exist(denied: DeniedAbove) -> Iterator[Finding]:
    """A name with names below it is said to exist."""
    yield NxdomainAboveNames(subject=denied.name, below=denied.below, evidence=denied.asked)
