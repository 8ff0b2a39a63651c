"""CAA: whether those who issued the domain's certificates may issue the next ones."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    CaaPolicy,
    CaaRecord,
    Certainty,
    Configure,
    Document,
    Finding,
    Fix,
    Many,
    Publish,
    Renewal,
    Rfc,
    Severity,
    Target,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    as_cites,
    check,
    is_below,
    rule,
)

_BASELINE = Document(
    "CA/Browser Forum: Baseline Requirements, section 3.2.2.8",
    "https://cabforum.org/working-groups/server/baseline-requirements/requirements/",
)


@rule(
    "caa/renewal-forbidden",
    Severity.WARNING,
    Rfc(8659, "4.2"),
    Rfc(8659, "4.5"),
    Rfc(8659, "3"),
    since="1.0",
)
class RenewalForbidden(Finding):
    """Your own CAA records forbid the next certificate of a mail host.

    ## Why it matters
    The certificate in use still works. When it is to be renewed, the authority must refuse: the host then
    serves an expired certificate, and senders and mail programs that check it stay away.

    ## How to fix
    Add a CAA record that names the authority in use, or have the next certificate issued by one that the
    records name. Remove a record that marks as critical what no authority knows.
    """

    message = (
        "{authority} issued the certificate of {subject}, and the CAA records of {at} do not let it issue "
        "the next one ({records})."
    )
    authority: str
    at: str
    records: str


@check
def authorities_in_use_may_issue_again(
    renewal: Renewal, policies: Many[CaaPolicy], target: Target
) -> Iterator[Verdict]:
    """The authority that issued the certificate may issue the next one."""
    policy = policies.get(renewal.name)
    if isinstance(policy, Unavailable):
        yield Undecided(policy.because, policy.evidence)
    if not isinstance(policy, CaaPolicy) or policy.failed_at or not renewal.authority:
        return
    if policy.barring:
        yield RenewalForbidden(
            subject=renewal.host,
            authority=renewal.authority,
            at=policy.found_at,
            records=", ".join(map(str, policy.barring)),
            evidence=as_cites(policy.asked[-1], renewal.cites),
            fix=tuple(_away(policy, target, record) for record in policy.barring),
        )
        return
    if policy.lets(renewal.domains, wildcard=renewal.wildcard):
        return
    tag = "issuewild" if renewal.wildcard and policy.issuers("issuewild") is not None else "issue"
    yield RenewalForbidden(
        subject=renewal.host,
        authority=renewal.authority,
        at=policy.found_at,
        records=", ".join(str(record) for record in policy.records if record.tag == tag),
        evidence=as_cites(policy.asked[-1], renewal.cites),
        fix=_let(policy, target, f'0 {tag} "{renewal.domains[0]}"'),
    )


def _let(policy: CaaPolicy, target: Target, record: str) -> tuple[Fix, ...]:
    """The record, where the set is one that the domain's owner can add to."""
    if _ours(policy, target):
        return (Publish(policy.owner, "CAA", record),)
    return (Configure(f"whoever runs {policy.owner}", f"CAA record {record}"),)


def _away(policy: CaaPolicy, target: Target, record: CaaRecord) -> Fix:
    if _ours(policy, target):
        return Withdraw(policy.owner, "CAA", str(record))
    return Configure(f"whoever runs {policy.owner}", f"no CAA record {record}")


def _ours(policy: CaaPolicy, target: Target) -> bool:
    owner = policy.owner
    return owner == target.domain or is_below(owner, target.domain) or is_below(target.domain, owner)


@rule("caa/lookup-fails", Severity.WARNING, Rfc(8659, "6"), _BASELINE, since="1.0")
class LookupFails(Finding):
    """Authorities cannot look up whether they may issue certificates for your hosts.

    ## Why it matters
    An authority that gets no answer must not issue where the zone is signed; elsewhere it may after a second try, and
    many refuse all the same. The certificates in use work until they run out, and then there may be no next one.

    ## How to fix
    Have the name servers of the zone answer questions for CAA records: "there is none" is an answer, an
    error is not. Old or home-made name servers and load balancers that know few types are the usual cause.
    """

    message = "Looking up the CAA records of {subject} fails: {why}."
    why: str


@check
def authorities_can_look_up_whether_they_may(policies: Many[CaaPolicy]) -> Iterator[Verdict]:
    """The look-ups that an authority makes before it issues are answered."""
    failing = {policy.failed_at: policy for policy in policies.values() if policy.failed_at}
    for name, policy in failing.items():
        yield LookupFails(subject=name, why=policy.why, certainty=Certainty.LIKELY, evidence=policy.asked)
    for name, unknown in policies.unknown():
        yield Undecided(unknown.because, unknown.evidence, name)


@rule("caa/malformed", Severity.NOTICE, Rfc(8659, "4.2"), Rfc(8659, "4.4"), Rfc(8659, "4.5"), since="1.0")
class Malformed(Finding):
    """A CAA record does not say what it was meant to say.

    ## Why it matters
    Authorities take a value that they cannot read for a refusal, and must refuse as well where a property
    that they do not know is marked as critical.

    ## How to fix
    Write the record as `0 issue "authority.example"`, with the domain that the authority names in its manual
    and nothing else, and mark nothing as critical (128; some take 1 for it) but `issue` and `issuewild`.
    """

    message = "The CAA record {record} of {subject} is not as it should be: {trouble}."
    record: str
    trouble: str


@check
def caa_records_can_be_read(policies: Many[CaaPolicy]) -> Iterator[Finding]:
    """Every CAA record on the way can be read."""
    for policy in {policy.found_at: policy for policy in policies.values()}.values():
        for record in policy.records:
            if record.trouble:
                yield Malformed(
                    subject=policy.found_at,
                    record=str(record),
                    trouble=record.trouble,
                    evidence=policy.asked,
                )


@rule("caa/issuemail-forbids", Severity.INFO, Rfc(9495, "4"), since="1.0")
class IssuemailForbids(Finding):
    """Nobody may issue certificates for signed and encrypted mail (S/MIME) of the domain.

    ## Why it matters
    Certificates in use go on working, and cannot be renewed. Where nobody of the domain signs or encrypts
    mail with S/MIME, that is as it should be.

    ## How to fix
    Where S/MIME is used, name its authority: `0 issuemail "authority.example"`.
    """

    message = (
        "The CAA records of {at} let nobody issue S/MIME certificates for addresses of {subject} ({records})."
    )
    at: str
    records: str


@check
def certificates_for_mail_may_be_issued(policies: Many[CaaPolicy], target: Target) -> Iterator[Verdict]:
    """Some authority may issue certificates for signed and encrypted mail of the domain."""
    policy = policies.get(target.domain)
    if isinstance(policy, Unavailable):
        yield Undecided(policy.because, policy.evidence)
    elif isinstance(policy, CaaPolicy) and policy.issuers("issuemail") == ():
        yield IssuemailForbids(
            subject=target.domain,
            at=policy.found_at,
            records=", ".join(str(record) for record in policy.records if record.tag == "issuemail"),
            evidence=(policy.asked[-1],),
        )
