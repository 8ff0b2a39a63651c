"""DMARC: whether a record applies, and what it asks of receivers (RFC 9989 sections 4.7 and 4.10)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Configure,
    DmarcDiscovery,
    DmarcPolicy,
    DmarcProblem,
    DmarcRecord,
    DmarcStep,
    Finding,
    Fix,
    Kind,
    Policy,
    Publish,
    Replace,
    Rfc,
    Roles,
    Severity,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    is_below,
    rule,
)

from .dmarc_mend import mend, recognised
from .txt import as_written


@rule("dmarc/missing", Severity.ERROR, Rfc(9989, "4.10.1"), since="1.0")
class Missing(Finding):
    """No DMARC record applies to the domain.

    ## Why it matters
    Anyone can put the domain into the From line, and receivers are not told what to do about it. Gmail, Yahoo,
    Outlook.com and iCloud Mail ask it of whoever sends in bulk, and may refuse such mail without it.

    ## How to fix
    Publish a record with `p=none` and an address for reports; tighten it once the reports show that all
    your own mail passes. A domain that sends nothing can say `p=reject` at once.
    """

    message = "No DMARC record applies to {subject}."


@check
def dmarc_record_applies(
    discovery: DmarcDiscovery, policy: DmarcPolicy | Absent, roles: Roles
) -> Iterator[Finding]:
    """A DMARC record applies to the domain."""
    broken = any(step.near or step.records for step in discovery.walked) or discovery.misplaced
    if isinstance(policy, Absent) and not broken and discovery.name_exists:
        yield Missing(subject=discovery.domain, evidence=discovery.asked, fix=_first_record(discovery, roles))


def _first_record(discovery: DmarcDiscovery, roles: Roles) -> tuple[Fix, ...]:
    domain, name = discovery.domain, f"_dmarc.{discovery.domain}"
    if not _ours(discovery.steps[0]):
        leads = discovery.steps[0].owner
        what = (
            f"{name} is an alias of {leads}, where nothing stands: publish the record there, or end the alias"
        )
        return (Configure(domain, what),)
    if roles.sends is False:
        return (Publish(name, "TXT", "v=DMARC1; p=reject"),)
    if roles.receives:
        # RFC 5321 section 4.5.1: a domain that takes mail has a postmaster.
        return (Publish(name, "TXT", f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"),)
    wanted = f'{name}. 3600 IN TXT "v=DMARC1; p=none; rua=mailto:<a mailbox for reports>"'
    return (Configure(domain, wanted),)


@rule("dmarc/multiple-records", Severity.ERROR, Rfc(9989, "4.10"), since="1.0")
class MultipleRecords(Finding):
    """More than one DMARC record is published at one name.

    ## Why it matters
    Receivers discard all of them: the domain has no DMARC.

    ## How to fix
    Keep one record and remove the others.
    """

    message = "{subject} holds {count} DMARC records; receivers discard them all."
    count: int


@check
def dmarc_record_is_alone(
    discovery: DmarcDiscovery, policy: DmarcPolicy | Absent | Unavailable
) -> Iterator[Finding]:
    """There is at most one DMARC record at a name."""
    for step in _that_matter(discovery, policy):
        if len(step.records) > 1:
            kept = max(step.records, key=_preference)
            spare = [text for text in step.records if text is not kept]
            away = tuple(Withdraw(step.owner, "TXT", as_written(text)) for text in spare)
            yield MultipleRecords(
                subject=f"_dmarc.{step.name}", count=len(step.records), evidence=step.asked, fix=away
            )


def _preference(text: str) -> tuple[bool, bool, int]:
    """Which of several records to keep: a valid one, one that asks for reports, the milder one.

    None of them works now, so keeping the milder takes nothing away and loses no mail.
    """
    record = DmarcRecord.parse(text)
    return record.policies_are_valid, record.has_usable_rua, -record.policy_for(Kind.DOMAIN).strength


@rule("dmarc/not-recognised", Severity.ERROR, Rfc(9989, "4.7"), Rfc(9989, "4.8"), since="1.0")
class NotRecognised(Finding):
    """A record is meant as DMARC, but receivers do not take it for one.

    ## Why it matters
    The record must begin with exactly `v=DMARC1;`. Receivers pass over anything else: the domain has no DMARC.

    ## How to fix
    Publish the record with `v=DMARC1;` as its first characters, in capitals, without quotes or spaces before it.
    """

    message = "{subject} holds {record!r}, which receivers do not recognise as DMARC."
    record: str


@check
def what_looks_like_dmarc_is_dmarc(
    discovery: DmarcDiscovery, policy: DmarcPolicy | Absent | Unavailable
) -> Iterator[Finding]:
    """What looks like a DMARC record is recognised as one."""
    for step in _that_matter(discovery, policy):
        for text in step.near if not step.records else ():
            meant = recognised(text)
            fix = (Replace(step.owner, "TXT", meant, old=as_written(text)),) if meant else ()
            yield NotRecognised(
                subject=f"_dmarc.{step.name}",
                record=text,
                evidence=step.asked,
                fix=fix if _ours(step) else (),
            )


def _ours(step: DmarcStep) -> bool:
    return step.owner == f"_dmarc.{step.name}"


def _that_matter(
    discovery: DmarcDiscovery, policy: DmarcPolicy | Absent | Unavailable
) -> tuple[DmarcStep, ...]:
    """The domain's own step, and those above it whose record would apply if it was right.

    Where a record is inherited, what stands between is nobody's policy for this domain (RFC 9989 section 4.10.1).
    """
    own = discovery.steps[0]
    if own.record is not None:
        return (own,)
    walked = discovery.walked
    if not isinstance(policy, DmarcPolicy):
        return walked
    return tuple(step for step in walked if step is own or len(step.name) < len(policy.found_at))


@rule("dmarc/wrong-place", Severity.ERROR, Rfc(9989, "4.5"), since="1.0")
class WrongPlace(Finding):
    """The DMARC record is published where no receiver looks for it.

    ## Why it matters
    Receivers ask for `_dmarc.` in front of the domain and nowhere else: the domain has no DMARC.

    ## How to fix
    Publish the record at `_dmarc`. Many DNS panels add the domain themselves: enter `_dmarc`, not the
    whole name.
    """

    message = "The DMARC record of {subject} is at {place}, where no receiver looks for it."
    place: str


@rule("dmarc/copy-in-wrong-place", Severity.NOTICE, Rfc(9989, "4.5"), since="1.0")
class CopyInWrongPlace(Finding):
    """A second DMARC record stands where no receiver looks for it.

    ## Why it matters
    It has no effect, and the next person to change the policy may change the wrong one.

    ## How to fix
    Remove it.
    """

    message = "A DMARC record at {place} has no effect; the one that applies to {subject} is elsewhere."
    place: str


@check
def dmarc_record_is_in_its_place(
    discovery: DmarcDiscovery, policy: DmarcPolicy | Absent
) -> Iterator[Finding]:
    """A DMARC record stands at _dmarc, and nowhere else."""
    away = tuple(Withdraw(found.name, "TXT", as_written(found.text)) for found in discovery.misplaced)
    for found in discovery.misplaced:
        if isinstance(policy, DmarcPolicy):
            yield CopyInWrongPlace(
                subject=discovery.domain, place=found.name, evidence=discovery.asked, fix=away
            )
        else:
            kept = max((each.text for each in discovery.misplaced), key=_preference)
            there = Publish(f"_dmarc.{discovery.domain}", "TXT", as_written(kept))
            yield WrongPlace(
                subject=discovery.domain, place=found.name, evidence=discovery.asked, fix=(there, *away)
            )


@rule("dmarc/policy-invalid", Severity.ERROR, Rfc(9989, "4.10.1"), since="1.0")
class PolicyInvalid(Finding):
    """The DMARC record asks for a policy that does not exist.

    ## Why it matters
    The policies are `none`, `quarantine` and `reject`. With any other value receivers treat the record
    as `p=none`, or as no record at all if it names no address for reports.

    ## How to fix
    Write one of the three values.
    """

    message = "The DMARC record of {subject} says {tag}={value}, which is no policy; {effect}."
    tag: str
    value: str
    effect: str


@check
def dmarc_policies_exist(policy: DmarcPolicy) -> Iterator[Finding]:
    """The policies of a DMARC record are none, quarantine or reject."""
    for defect in policy.record.defects:
        if defect.problem is DmarcProblem.POLICY_INVALID:
            effect = "it acts as p=none" if policy.record.has_usable_rua else "DMARC is off"
            yield PolicyInvalid(
                subject=policy.found_at,
                tag=defect.tag,
                value=defect.text or "(nothing)",
                effect=effect,
                evidence=policy.asked,
                fix=mend(policy),
            )
            return


@rule("dmarc/policy-absent", Severity.WARNING, Rfc(9989, "4.10.1"), Rfc(7489, "6.6.3"), since="1.0")
class PolicyAbsent(Finding):
    """The DMARC record names no policy.

    ## Why it matters
    Receivers read it as `p=none` if it names an address for reports, and as no record at all if it does not.

    ## How to fix
    Say `p=none` if that is meant, right after `v=DMARC1`.
    """

    message = "The DMARC record of {subject} has no p= tag."


@check
def dmarc_policy_is_named(policy: DmarcPolicy) -> Iterator[Finding]:
    """A DMARC record names its policy."""
    if policy.record.has(DmarcProblem.POLICY_ABSENT):
        yield PolicyAbsent(subject=policy.found_at, evidence=policy.asked, fix=mend(policy))


@rule("dmarc/none-and-blind", Severity.WARNING, Rfc(9989, "5.1.3"), since="1.0")
class NoneAndBlind(Finding):
    """The DMARC policy asks for nothing, and nobody gets reports.

    ## Why it matters
    The record neither stops forged mail nor shows it to you.

    ## How to fix
    Add `rua=mailto:` and a mailbox for reports; tighten the policy once they show that your own mail passes.
    """

    message = "The DMARC policy for {subject} is none, and the record asks for no reports."


@rule("dmarc/none", Severity.NOTICE, Rfc(9989, "5.1.7"), since="1.0")
class NonePolicy(Finding):
    """The DMARC policy only watches.

    ## Why it matters
    Forged mail is reported to you but still delivered. It is meant as the first step.

    ## How to fix
    When the reports show that all your mail passes, say `p=quarantine`, then `p=reject`.
    """

    message = "The DMARC policy for {subject} is none: forged mail is reported, not stopped."


@check
def dmarc_policy_protects(policy: DmarcPolicy, roles: Roles) -> Iterator[Finding]:
    """The DMARC policy protects the domain."""
    record = policy.record
    if record.published_policy(policy.kind) is not Policy.NONE:
        return
    if record.has_usable_rua:
        yield NonePolicy(subject=policy.domain, evidence=policy.asked)
    elif not record.has(DmarcProblem.POLICY_INVALID):  # that says already that DMARC is off
        mailbox = {"rua": f"mailto:postmaster@{policy.found_at}"}
        fix = mend(policy, mailbox) if roles.receives and not policy.inherited else ()
        yield NoneAndBlind(subject=policy.domain, evidence=policy.asked, fix=fix)


@rule("dmarc/subdomains-weaker", Severity.WARNING, Rfc(9989, "4.7"), since="1.0")
class SubdomainsWeaker(Finding):
    """Subdomains are protected less than the domain.

    ## Why it matters
    Forgers use a subdomain of yours instead: it looks as genuine to your customers.

    ## How to fix
    Remove `sp=`, so that subdomains follow `p=`. Give a subdomain that needs time a record of its own.
    """

    message = "The DMARC policy for {subject} is {policy}, but for its subdomains only {weaker}."
    policy: str
    weaker: str


@rule("dmarc/nonexistent-weaker", Severity.WARNING, Rfc(9989, "4.7"), since="1.0")
class NonexistentWeaker(Finding):
    """Subdomains that do not exist are protected less than the domain.

    ## Why it matters
    No mail of yours can come from a name that does not exist, so only forgers profit.

    ## How to fix
    Write `np=reject`, or remove `np=`.
    """

    message = "The DMARC policy for {subject} is {policy}, but for names that do not exist only {weaker}."
    policy: str
    weaker: str


@check
def dmarc_protects_subdomains_as_well(policy: DmarcPolicy) -> Iterator[Verdict]:
    """DMARC protects subdomains as well as the domain."""
    record = policy.record
    if not policy.inherited and not policy.organizational and (record.sp or record.np):
        yield Undecided(
            f"whether names below follow the record of {policy.domain} is not known", policy.asked
        )
        return
    # Below the Organizational Domain nobody reads sp and np (section 4.10.1).
    if policy.inherited or policy.found_at != policy.organizational or not record.policies_are_valid:
        return
    own, below, nobody = (
        record.published_policy(kind) for kind in (Kind.DOMAIN, Kind.SUBDOMAIN, Kind.NONEXISTENT)
    )
    if below.strength < own.strength:
        yield SubdomainsWeaker(
            subject=policy.domain,
            policy=own,
            weaker=below,
            evidence=policy.asked,
            fix=mend(policy, {"sp": ""}),
        )
    if record.np is not None and nobody.strength < own.strength:
        yield NonexistentWeaker(
            subject=policy.domain,
            policy=own,
            weaker=nobody,
            evidence=policy.asked,
            fix=mend(policy, {"np": "reject"}),
        )


@rule("dmarc/testing", Severity.NOTICE, Rfc(9989, "4.7"), since="1.0")
class Testing(Finding):
    """The DMARC policy is in test mode.

    ## Why it matters
    With `t=y` receivers act one step milder than the record says: `reject` as `quarantine`, `quarantine` as `none`.

    ## How to fix
    Remove `t=y` when the reports show that all your mail passes.
    """

    message = "The DMARC policy of {subject}{whose} is {policy} but in test mode (t=y): it acts as {effect}."
    whose: str
    policy: str
    effect: str


_WHOSE = {Kind.SUBDOMAIN: " for names below it", Kind.NONEXISTENT: " for names below it that do not exist"}


@check
def dmarc_policy_is_in_earnest(policy: DmarcPolicy) -> Iterator[Finding]:
    """The DMARC policy is not in test mode."""
    record = policy.record
    kinds = [policy.kind]
    if not policy.inherited and policy.domain == policy.organizational:  # below it nobody reads sp and np
        kinds += [Kind.SUBDOMAIN, Kind.NONEXISTENT]
    milder = [kind for kind in kinds if record.published_policy(kind) is not Policy.NONE]
    if record.is_testing and milder:
        yield Testing(
            subject=policy.found_at,
            whose="" if milder[0] is policy.kind else _WHOSE[milder[0]],
            policy=record.published_policy(milder[0]),
            effect=record.policy_for(milder[0]),
            evidence=policy.asked,
            fix=mend(policy, {"t": ""}),
        )


@rule("dmarc/parked-open", Severity.WARNING, Rfc(9989, "4.7"), since="1.0")
class ParkedOpen(Finding):
    """The domain neither sends nor takes mail, but its DMARC policy does not say reject.

    ## Why it matters
    Every message from this domain is forged, and receivers are not told to refuse it.

    ## How to fix
    Publish `p=reject`: there is no mail of yours that could be lost.
    """

    message = "{subject} neither sends nor takes mail, but its DMARC policy is {policy}, not reject."
    policy: str


@check
def domain_without_mail_is_closed(policy: DmarcPolicy, roles: Roles) -> Iterator[Finding]:
    """A domain without mail says reject."""
    if roles.sends is False and roles.receives is False and policy.policy is not Policy.REJECT:
        # Reports go on to mailboxes of the domain above; others would have to agree once more (RFC 9990 section 4).
        own = [
            uri.bare
            for uri in policy.record.rua
            if uri.is_usable and _within(uri.host, policy.organizational)
        ]
        rua = f"; rua={','.join(own)}" if own else ""
        closed = Publish(f"_dmarc.{policy.domain}", "TXT", f"v=DMARC1; p=reject{rua}")
        fix = (closed,) if policy.inherited else mend(policy, {"p": "reject", "sp": "", "np": "", "t": ""})
        yield ParkedOpen(subject=policy.domain, policy=policy.policy, evidence=policy.asked, fix=fix)


def _within(host: str, domain: str) -> bool:
    return bool(domain) and (host == domain or is_below(host, domain))
