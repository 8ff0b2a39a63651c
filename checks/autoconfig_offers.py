"""What the domain tells mail programs, and what it leaves out: TLS, Autodiscover, PACC, anything at all."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    AutoconfigDocument,
    AutodiscoverHost,
    AutodiscoverNames,
    Certainty,
    ClientContact,
    ClientProvider,
    DmarcDiscovery,
    Document,
    Finding,
    Fix,
    Handshake,
    Many,
    MxAutoconfig,
    OurClock,
    PaccDocument,
    Publish,
    Reached,
    ReceivingDomain,
    Replace,
    Rfc,
    ServiceRecords,
    Severity,
    Target,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    clock_doubt,
    pacc_record,
    rule,
)

from .txt import as_written

OXDISCO = Document(
    "Autodiscover HTTP Service Protocol (MS-OXDISCO)",
    "https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxdisco/",
)
PACC = Document(
    "PACC: Automatic configuration for mail servers (draft-ietf-mailmaint-pacc)",
    "https://datatracker.ietf.org/doc/draft-ietf-mailmaint-pacc/",
)
_PAIRS = (("_submission", "_submissions", 465), ("_imap", "_imaps", 993), ("_pop3", "_pop3s", 995))
"""Services whose TLS may be stripped, those with TLS from the first octet, and their ports (RFC 8314 section 3)."""


@rule("autoconfig/srv-no-tls", Severity.WARNING, Rfc(8314, "5.1"), Rfc(6186, "3.2"), since="1.0")
class SrvNoTls(Finding):
    """SRV records lead mail programs to a server without TLS, and to no other.

    ## Why it matters
    Programs that follow them send names, passwords and mail in the clear, or refuse to be set up.

    ## How to fix
    Offer the service with TLS from the first octet (ports 465, 993, 995) and publish its SRV record, with a
    lower priority number than the one without.
    """

    message = "{subject} leads to {host}, which offers no TLS there, and {missing} is not published."
    host: str
    missing: str


@rule("autoconfig/srv-starttls-only", Severity.NOTICE, Rfc(8314, "4.5.2"), Rfc(8314, "3"), since="1.0")
class SrvStarttlsOnly(Finding):
    """SRV records lead mail programs to STARTTLS, and to no server with TLS from the first octet.

    ## Why it matters
    An attacker on the way can strip STARTTLS; with TLS from the first octet there is nothing to strip. The
    standard wants that service advertised in preference.

    ## How to fix
    Publish the record shown, with a lower priority number than the one there is; open the port where it is not.
    """

    message = "{subject} is published, and {missing}, which mail programs prefer, is not."
    missing: str


@check
def srv_records_lead_to_tls(
    target: Target, found: Many[ServiceRecords], contacts: Many[ClientContact] | Absent | Unavailable
) -> Iterator[Verdict]:
    """The SRV records for mail programs lead to servers with TLS from the first octet."""
    for clear, secure, port in _PAIRS:
        offered = found.get(f"{clear}._tcp.{target.domain}")
        missing = f"{secure}._tcp.{target.domain}"
        twin = found.get(missing)
        # A twin with the target "." was left out on purpose (RFC 2782): nothing was forgotten.
        if not isinstance(offered, ServiceRecords) or offered.declined or isinstance(twin, ServiceRecords):
            continue
        if isinstance(twin, Unavailable):
            yield Undecided(twin.because, twin.evidence, offered.name)
        elif not isinstance(contacts, Many):
            why = contacts.because if contacts is not None else ""
            yield Undecided(f"whether STARTTLS works is not known: {why}", offered.asked, offered.name)
        else:
            yield from _without_twin(offered, missing, port, list(contacts.values()))


def _without_twin(
    offered: ServiceRecords, missing: str, port: int, contacts: list[ClientContact]
) -> Iterator[Verdict]:
    for offer in offered.offers:
        there = [each for each in contacts if each.endpoint.host == offer.host]
        talked = [each for each in there if each.endpoint.port == offer.port and each.state is Reached.OPEN]
        if not talked:
            why = f"{offer.host} did not answer on port {offer.port}"
            yield Undecided(why, (*offered.asked, *(each.cite() for each in there)), offered.name)
            return
        cites = (*offered.asked, *(each.cite(each.before_tls) for each in talked))
        at_once = [each for each in there if each.endpoint.port == port]
        if not all(isinstance(each.session.handshake, Handshake) for each in talked):
            if all(each.session.handshake is None for each in talked):
                yield SrvNoTls(subject=offered.name, host=offer.host, missing=missing, evidence=cites)
            return  # a handshake that fails is told by the rules about the service
        if port == 465 and any(each.state is Reached.CLOSED for each in at_once):
            return  # submission/no-implicit-tls
    works = [each for each in contacts if each.endpoint.port == port and _secured(each, offered)]
    fix: tuple[Fix, ...] = ()
    if works:
        fix = (Publish(missing, "SRV", f"0 1 {port} {works[0].endpoint.host}."),)
    yield SrvStarttlsOnly(
        subject=offered.name,
        missing=missing,
        evidence=(*offered.asked, *(each.cite(each.session.secured) for each in works[:1])),
        fix=fix,
    )


def _secured(contact: ClientContact, offered: ServiceRecords) -> bool:
    """Whether a port with TLS from the first octet was seen to work, on a host that is offered."""
    hosts = {offer.host for offer in offered.offers}
    return contact.endpoint.host in hosts and isinstance(contact.session.handshake, Handshake)


@rule("autoconfig/autodiscover-certificate", Severity.ERROR, OXDISCO, Rfc(9525, "6"), since="1.0")
class AutodiscoverCertificate(Finding):
    """Outlook is led to a host whose certificate it refuses.

    ## Why it matters
    Outlook and Exchange clients warn, when an account is set up and often every day after, or they give up.
    Users learn to click warnings away.

    ## How to fix
    Give the host a certificate for that name, or remove the name where nobody needs it: where a wildcard
    record or a web host answers for it, give it a record of its own, or close its port 443.
    """

    message = "Outlook is led to {subject}, whose certificate it refuses: {why}."
    why: str


@check
def autodiscover_has_a_valid_certificate(
    host: AutodiscoverHost, clock: OurClock | Absent | Unavailable
) -> Iterator[Verdict]:
    """The host that Outlook is led to has a certificate that it takes, or leads on to one that has."""
    by_time = host.faults[:1] in (("expired",), ("not-yet-valid",))
    if by_time and (doubt := clock_doubt(clock)):
        yield Undecided(
            f"the certificate of {host.host} is {host.faults[0].replace('-', ' ')}; {doubt}", host.asked
        )
    elif host.faults and not host.redirect:
        leaf = host.certificate.leaf
        why = host.faults[0].replace("-", " ")
        if host.faults[0] == "name-mismatch" and leaf is not None and leaf.dns_names:
            why = f"it is for {', '.join(leaf.dns_names[:3])}"
        yield AutodiscoverCertificate(subject=host.host, why=why, evidence=host.asked)
    elif host.undecided:
        yield Undecided(host.undecided, host.asked)


@rule("autoconfig/autodiscover-elsewhere", Severity.ERROR, OXDISCO, since="1.0")
class AutodiscoverElsewhere(Finding):
    """Outlook is led to another provider than the one that takes the mail.

    ## Why it matters
    Outlook sets up accounts at the provider that Autodiscover names: people log in where their mail is not,
    or cannot log in at all. It is what is left after moving from one provider to another.

    ## How to fix
    Remove the record, or publish the one that the present provider's instructions name.
    """

    message = "Mail for {subject} goes to {mailboxes}, but Autodiscover leads to {autodiscover}."
    mailboxes: str
    autodiscover: str


@check
def autodiscover_leads_to_the_mailboxes(
    provider: ClientProvider, names: AutodiscoverNames
) -> Iterator[Finding]:
    """Autodiscover leads to the provider that takes the mail."""
    if not provider.autodiscover or provider.autodiscover == provider.mailboxes:
        return
    fix: list[Fix] = [
        Withdraw(names.srv_name, "SRV", f"{each.priority} {each.weight} {each.port} {each.target}.")
        for each in names.srv
    ]
    if names.host is not None and names.host.aliases:
        fix.append(Withdraw(names.host.name, "CNAME", f"{names.host.aliases[0]}."))
    yield AutodiscoverElsewhere(
        subject=names.domain,
        mailboxes=provider.mailboxes,
        autodiscover=provider.autodiscover,
        certainty=Certainty.LIKELY,  # some share one domain between two providers on purpose
        evidence=provider.asked,
        fix=tuple(fix),
    )


@rule("autoconfig/pacc-digest", Severity.NOTICE, PACC, since="1.0")
class PaccDigest(Finding):
    """The configuration document for PACC is not the one whose digest is published.

    ## Why it matters
    Mail programs that follow this draft take the document only where a digest in the DNS fits it.

    ## How to fix
    Publish the record shown. Before a change of the document, publish the digest of the new one beside it.
    """

    message = "No digest at {subject} fits the document at {url}."
    url: str


@check
def pacc_document_has_its_digest(document: PaccDocument) -> Iterator[Finding]:
    """The digest of the configuration document for PACC is published."""
    if any(record.fits(document.body) for record in document.records):
        return
    proper = pacc_record(document.body)
    fix: Fix = Publish(document.record_name, "TXT", proper)
    if len(document.records) == 1:
        fix = Replace(document.record_name, "TXT", proper, old=as_written(document.records[0].text))
    yield PaccDigest(subject=document.record_name, url=document.url, evidence=document.asked, fix=(fix,))


@rule("autoconfig/none", Severity.NOTICE, Rfc(6186, "3"), Rfc(8314, "5.1"), since="1.0")
class NothingPublished(Finding):
    """Nothing tells mail programs where the servers of the domain are.

    ## Why it matters
    Whoever sets up an account must type names and ports, unless his program has them in a list of its own; or it
    guesses, and a guess may end at a server without TLS.

    ## How to fix
    Publish SRV records for the services that you offer (`_imaps._tcp`, `_submissions._tcp`), and a
    configuration document at `autoconfig.` below the domain.
    """

    message = "{subject} has no SRV record, configuration document or Autodiscover for mail programs."


@check
def mail_programs_are_told_of_the_servers(
    receiving: ReceivingDomain,
    records: Many[ServiceRecords],
    document: AutoconfigDocument | Absent,
    names: AutodiscoverNames | Absent,
    pacc: PaccDocument | Absent,
    by_mx: MxAutoconfig | Absent,
    provider: ClientProvider | Absent,
    discovery: DmarcDiscovery,
) -> Iterator[Verdict]:
    """Something tells mail programs where the servers of the domain are."""
    if discovery.organizational not in ("", receiving.domain):
        return  # names below are there for newsletters and machines: people have mailboxes at the domain above
    # A service declined on purpose (target ".") tells them, too.
    told: list[object] = list(records.values()) or [
        each for each in (document, names, pacc, by_mx) if not isinstance(each, Absent)
    ]
    if told or (isinstance(provider, ClientProvider) and provider.built_in):
        return
    for _, unavailable in records.unknown():
        yield Undecided(unavailable.because, unavailable.evidence)
        return
    asked = tuple(
        cite for each in (document, names, pacc, by_mx) if isinstance(each, Absent) for cite in each.evidence
    )
    yield NothingPublished(subject=receiving.domain, evidence=asked)
