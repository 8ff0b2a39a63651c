"""DMARC records that work: tags that nobody heeds, and what old and new receivers read in two ways."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Configure,
    DmarcPolicy,
    Finding,
    Fix,
    MxOperators,
    Policy,
    Publish,
    ReportUri,
    Rfc,
    Roles,
    Routing,
    Severity,
    SuffixListDomain,
    Unavailable,
    Undecided,
    Verdict,
    check,
    labels,
    rule,
)

from .dmarc_mend import mend


@rule("dmarc/sp-ignored", Severity.NOTICE, Rfc(9989, "4.7"), Rfc(9989, "4.10.1"), since="1.0")
class SpIgnored(Finding):
    """The DMARC record of a subdomain sets a policy for names below it, which nobody reads.

    ## Why it matters
    For names without a record of their own receivers go straight to the Organizational Domain. What
    `sp` and `np` say further down has no effect.

    ## How to fix
    Set them in the record of the Organizational Domain, or give the names below records of their own.
    """

    message = "The DMARC record of {subject} says {tags}, but names below it follow {organizational}."
    tags: str
    organizational: str


@check
def dmarc_subdomain_policies_stand_where_they_are_read(policy: DmarcPolicy) -> Iterator[Verdict]:
    """Policies for subdomains stand in the record of the Organizational Domain."""
    if policy.inherited or policy.organizational == policy.domain:
        return
    tags = [tag for tag in policy.record.tags.tags if tag.name in ("sp", "np")]
    if tags and not policy.organizational:
        yield Undecided(f"the Organizational Domain of {policy.domain} is not known", policy.asked)
    elif tags:
        yield SpIgnored(
            subject=policy.domain,
            tags=" and ".join(f"{tag.name}={tag.value}" for tag in tags),
            organizational=policy.organizational,
            evidence=policy.asked,
            fix=mend(policy, {"sp": "", "np": ""}),
        )


@rule("dmarc/position", Severity.INFO, Rfc(9989, "4.8"), Rfc(7489, "6.3"), since="1.0")
class Position(Finding):
    """The policy of the DMARC record does not come right after the version.

    ## Why it matters
    Today the order of tags is free. The old standard wanted `p=` second, and strict old readers discard
    such a record.

    ## How to fix
    Begin the record with `v=DMARC1; p=…`.
    """

    message = "In the DMARC record of {subject} other tags stand before p=."


@check
def dmarc_policy_comes_second(policy: DmarcPolicy) -> Iterator[Finding]:
    """The policy comes right after the version."""
    names = [tag.name for tag in policy.record.tags.tags]
    if "p" in names[2:] and names.index("p") > 1:
        yield Position(subject=policy.found_at, evidence=policy.asked, fix=mend(policy))


@rule("dmarc/report-size", Severity.NOTICE, Rfc(9989, "4.8"), Rfc(9989, "C.4"), since="1.0")
class ReportSize(Finding):
    """An address for DMARC reports ends in a size.

    ## Why it matters
    The suffix (`!10m`) was removed from the standard. New receivers pass over it, and send reports of any size; old
    ones send none that is larger.

    ## How to fix
    Remove it. What is too large, the mail host of the address may refuse.
    """

    message = (
        "The DMARC record of {subject} limits the size of reports ({entries}), which new receivers pass over."
    )
    entries: str


@check
def dmarc_report_addresses_have_no_size(policy: DmarcPolicy) -> Iterator[Finding]:
    """Addresses for DMARC reports come without a size."""
    sized = [uri for uri in (*policy.record.rua, *policy.record.ruf) if uri.size_suffix and uri.is_usable]
    if sized:
        entries = ", ".join(uri.text for uri in sized)
        yield ReportSize(subject=policy.found_at, entries=entries, evidence=policy.asked, fix=mend(policy))


@rule("dmarc/report-scheme", Severity.NOTICE, Rfc(9989, "4.7"), since="1.0")
class ReportScheme(Finding):
    """DMARC reports are wanted by other means than mail only.

    ## Why it matters
    Receivers must be able to send reports by mail, and most can nothing else: you get few or none.

    ## How to fix
    Add an address that begins with `mailto:`.
    """

    message = "The DMARC record of {subject} wants {tags} delivered to {entries} only; receivers send mail."
    tags: str
    entries: str


@check
def dmarc_reports_can_come_by_mail(policy: DmarcPolicy, roles: Roles) -> Iterator[Finding]:
    """DMARC reports can come by mail."""
    wanted = {"rua": _usable(policy.record.rua), "ruf": _usable(policy.record.ruf)}
    other = {
        tag: uris for tag, uris in wanted.items() if uris and not any(uri.scheme == "mailto" for uri in uris)
    }
    if not other:
        return
    box = f"mailto:postmaster@{policy.found_at}"
    added = {tag: ",".join((*(uri.bare for uri in uris), box)) for tag, uris in other.items()}
    # RFC 5321 section 4.5.1: a domain that takes mail has a postmaster.
    fix: tuple[Fix, ...] = mend(policy, added) if roles.receives and not policy.inherited else ()
    yield ReportScheme(
        subject=policy.found_at,
        tags=" and ".join(other),
        entries=", ".join(uri.text for uris in other.values() for uri in uris),
        evidence=policy.asked,
        fix=fix or (Configure(f"_dmarc.{policy.found_at}", "rua=mailto:<a mailbox for reports>"),),
    )


def _usable(uris: tuple[ReportUri, ...]) -> tuple[ReportUri, ...]:
    return tuple(uri for uri in uris if uri.is_usable)


@rule(
    "dmarc/walk-differs-from-psl",
    Severity.WARNING,
    Rfc(9989, "4.10.2"),
    Rfc(9989, "11.8"),
    Rfc(7489, "3.2"),
    since="1.0",
)
class WalkDiffersFromPsl(Finding):
    """Old and new receivers take different domains for the one that this domain belongs to.

    ## Why it matters
    New receivers find it by the DMARC records on the way up, old ones by a list of public suffixes. Mail
    of this domain that is signed by, or bounces to, a name between the two passes with some and fails
    with others.

    ## How to fix
    Where both are yours and the upper one has no DMARC record, publish one there. Where strangers hold names
    below the upper one, say `psd=n` in a record of the lower one.
    """

    message = (
        "The Organizational Domain of {subject} is {walk} by the DMARC records, "
        "but {listed} by the Public Suffix List."
    )
    walk: str
    listed: str


@check
def dmarc_walk_ends_where_the_suffix_list_does(
    policy: DmarcPolicy, listed: SuffixListDomain
) -> Iterator[Finding]:
    """The tree walk and the Public Suffix List find the same Organizational Domain."""
    if not policy.organizational or not listed.organizational:
        return
    if policy.organizational != listed.organizational:
        yield WalkDiffersFromPsl(
            subject=policy.domain,
            walk=policy.organizational,
            listed=listed.organizational,
            evidence=policy.asked,
            fix=_parted(policy, listed.organizational),
        )


def _parted(policy: DmarcPolicy, listed: str) -> tuple[Fix, ...]:
    """What makes the walk end at the domain of the list (RFC 9989 section 11.8), where that is in our hands."""
    if len(listed) < len(policy.organizational):
        return (
            Configure(f"the zone of {listed}", f'_dmarc.{listed}. 3600 IN TXT "v=DMARC1; p=none; rua=…"'),
        )
    if policy.found_at == listed:
        return mend(policy, {"psd": "n"})
    if policy.domain != listed:
        return ()
    # Reports of strangers' mail are theirs; the policy is the one that applied so far.
    same = policy.record.published_policy(policy.kind)
    return (Publish(f"_dmarc.{listed}", "TXT", f"v=DMARC1; p={same}; psd=n"),)


@rule("dmarc/psd-on-ordinary-domain", Severity.ERROR, Rfc(9989, "4.10.2"), since="1.0")
class PsdOnOrdinaryDomain(Finding):
    """The domain says that it is a public suffix, but it is an ordinary domain with mail.

    ## Why it matters
    With `psd=y` every name below becomes a domain of its own: mail signed by one subdomain no longer
    aligns with another, nor with the domain itself, and fails DMARC.

    ## How to fix
    Remove `psd=y`. Only registries, below which others register names, publish it.
    """

    message = (
        "{subject} says psd=y, as if others could register names below it, but it has mail hosts of its own."
    )


@check
def dmarc_psd_is_left_to_registries(
    policy: DmarcPolicy, routing: Routing, listed: SuffixListDomain | Absent
) -> Iterator[Verdict]:
    """Only a public suffix says psd=y."""
    if isinstance(listed, SuffixListDomain) and listed.is_suffix:
        return
    ordinary = len(labels(policy.found_at)) > 1 and bool(routing.hosts) and not routing.implicit
    if policy.record.psd == "y" and ordinary and not policy.inherited:
        yield PsdOnOrdinaryDomain(
            subject=policy.domain,
            evidence=policy.asked + routing.asked,
            certainty=Certainty.LIKELY,  # a registry, too, may take mail at its suffix
            fix=mend(policy, {"psd": ""}),
        )


@rule("dmarc/suffix-without-psd", Severity.WARNING, Rfc(9989, "5.2"), Rfc(9989, "11.8"), since="1.0")
class SuffixWithoutPsd(Finding):
    """The domain is a public suffix, and its DMARC record does not say so.

    ## Why it matters
    New receivers take everybody below for one organization: whoever holds one name there can sign mail as
    another one, and it passes DMARC.

    ## How to fix
    Add `psd=y`. If all names below are your own, say `psd=n`.
    """

    message = "{subject} is a public suffix, but its DMARC record does not say psd=y: names below count as parts of it."


@check
def dmarc_record_of_a_public_suffix_says_so(
    policy: DmarcPolicy, listed: SuffixListDomain
) -> Iterator[Finding]:
    """The DMARC record of a public suffix says psd=y."""
    if listed.is_suffix and not policy.inherited and policy.record.psd == "u":
        yield SuffixWithoutPsd(
            subject=policy.domain,
            evidence=policy.asked,
            certainty=Certainty.LIKELY,  # the list has names below which nobody registers any more
            fix=mend(policy, {"psd": "y"}),
        )


@rule("dmarc/reject-with-people", Severity.INFO, Rfc(9989, "7.4"), since="1.0")
class RejectWithPeople(Finding):
    """The domain has people's mailboxes, and asks receivers to reject mail that fails DMARC.

    ## Why it matters
    Mailing lists and some forwarders change a message, so that it no longer passes. With `p=reject` what
    your people write to a list may reach nobody, and members of the list whose servers refuse it may be
    dropped from it.

    ## How to fix
    Nothing has to be done where nobody writes to mailing lists: the aggregate reports show what is lost.
    Otherwise publish `p=quarantine`, or give newsletters and machines a subdomain with `p=reject` of its
    own.
    """

    message = "{subject} says p=reject, and people write as it from mailboxes at {provider}."
    provider: str


@check
def dmarc_spares_what_people_write_to_lists(
    policy: DmarcPolicy, operators: MxOperators | Absent | Unavailable
) -> Iterator[Verdict]:
    """Where people write, the DMARC policy spares mail that mailing lists have changed."""
    if policy.policy is not Policy.REJECT or policy.inherited:
        return
    if isinstance(operators, Unavailable):
        yield Undecided(operators.because, operators.evidence)
    elif isinstance(operators, MxOperators) and operators.mailboxes:
        advice = Configure(
            f"_dmarc.{policy.domain}", "p=quarantine, if people write to mailing lists from this domain"
        )
        yield RejectWithPeople(
            subject=policy.domain,
            provider=operators.mailboxes,
            certainty=Certainty.LIKELY,  # mailboxes at a provider may be there for machines alone
            evidence=policy.asked + operators.asked,
            fix=(advice,),
        )
