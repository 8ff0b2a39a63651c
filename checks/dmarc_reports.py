"""DMARC reports: whether those they are sent to will have them (RFC 9990 section 4)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    MOST_OCTETS,
    Configure,
    DmarcPolicy,
    Finding,
    Fix,
    Publish,
    Replace,
    ReportDestination,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

from .dmarc_mend import mend


@rule("dmarc/report-not-authorised", Severity.WARNING, Rfc(9990, "4"), Rfc(9991, "5"), since="1.0")
class ReportNotAuthorised(Finding):
    """Reports are to go to another domain, which has not agreed to take them.

    ## Why it matters
    Receivers send no reports to a stranger who did not ask for them: none reach this address.

    ## How to fix
    The owner of that domain publishes the record shown; report services do so when you add your domain
    to your account.
    """

    message = "{subject} has not agreed to take the DMARC reports of {policy_domain}."
    policy_domain: str


@check
def dmarc_report_receiver_agrees(destination: ReportDestination) -> Iterator[Verdict]:
    """Whoever is to take DMARC reports agrees to it."""
    if destination.free:
        return  # graver, and told elsewhere
    if destination.external and destination.agrees is False:
        yield ReportNotAuthorised(
            subject=destination.host,
            policy_domain=destination.policy_domain,
            evidence=destination.asked,
            fix=(_consent(destination),),
        )
    elif destination.unknown:
        yield Undecided(destination.unknown, destination.asked)


def _consent(destination: ReportDestination) -> Fix:
    name = destination.consent_name
    if len(name) <= MOST_OCTETS:
        return Publish(name, "TXT", "v=DMARC1;")
    what = f"name a mailbox at a domain with a shorter name: {name}, where consent would have to stand, is too long"
    return Configure(f"_dmarc.{destination.policy_domain}", what)


@rule("dmarc/report-domain-cannot-receive", Severity.WARNING, Rfc(9989, "5.1.3"), since="1.0")
class ReportDomainCannotReceive(Finding):
    """DMARC reports are to go to a domain that takes no mail.

    ## Why it matters
    Every report bounces: you do not see what happens to your mail.

    ## How to fix
    Name a mailbox at a domain that takes mail.
    """

    message = "DMARC reports of {policy_domain} go to {subject}, which takes no mail."
    policy_domain: str


@rule("dmarc/report-domain-free", Severity.ERROR, Rfc(9989, "11.6"), since="1.0")
class ReportDomainFree(Finding):
    """DMARC reports are to go to a domain that anybody can register.

    ## Why it matters
    Whoever registers it gets your reports: which servers send for you, to whom, and what fails.

    ## How to fix
    Remove the address from the record, or name a mailbox at a domain of yours.
    """

    message = "DMARC reports of {policy_domain} go to {subject}, a domain that nobody has registered."
    policy_domain: str


@check
def dmarc_report_domain_takes_mail(destination: ReportDestination, policy: DmarcPolicy) -> Iterator[Verdict]:
    """A domain that DMARC reports go to takes mail."""
    if destination.free:
        yield ReportDomainFree(
            subject=destination.host,
            policy_domain=destination.policy_domain,
            evidence=destination.asked,
            fix=_without(destination, policy),
        )
    elif destination.takes_mail is False:
        yield ReportDomainCannotReceive(
            subject=destination.host,
            policy_domain=destination.policy_domain,
            evidence=destination.asked,
            fix=_without(destination, policy),
        )
    elif destination.mail_unknown:
        yield Undecided(destination.mail_unknown, destination.asked)


def _without(destination: ReportDestination, policy: DmarcPolicy) -> tuple[Fix, ...]:
    """The record without the entries that name this destination, if others remain; else advice."""
    changes = {}
    for tag, uris in policy.record.report_uris:
        if tag in destination.tags:
            left = [uri.bare for uri in uris if uri.is_usable and uri.host != destination.host]
            changes[tag] = ",".join(left)
    if "rua" in changes and not changes["rua"]:
        name = f"_dmarc.{policy.found_at}"
        other = Configure(name, "rua=mailto:<a mailbox at a domain that takes mail>")
        # Reports to strangers end at once; where they only bounce, nothing is won by wanting none.
        return (other, *mend(policy, changes)) if destination.free else (other,)
    return mend(policy, changes)


@rule("dmarc/report-override-elsewhere", Severity.WARNING, Rfc(9990, "4"), Rfc(9991, "5"), since="1.0")
class ReportOverrideElsewhere(Finding):
    """The domain that agreed to take DMARC reports sends them on to a third one.

    ## Why it matters
    Receivers follow a change of mailbox only where the domain stays the very same one; otherwise they must send
    nothing, neither here nor there.

    ## How to fix
    Let the record that gives consent name mailboxes at its own domain, or none.
    """

    message = "{subject} agrees to take DMARC reports, but sends them on to {others}."
    others: str


@check
def dmarc_reports_stay_with_their_receiver(destination: ReportDestination) -> Iterator[Finding]:
    """Whoever agrees to take DMARC reports takes them itself."""
    if destination.agrees and destination.redirected:
        yield ReportOverrideElsewhere(
            subject=destination.host,
            others=", ".join(destination.redirected),
            evidence=destination.asked,
            fix=(Replace(destination.consent_name, "TXT", "v=DMARC1;"),),
        )
