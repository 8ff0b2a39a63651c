"""What the domain tells mail programs: SRV records (RFC 6186), configuration documents, Autodiscover."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    AccessHost,
    AutoconfigDocument,
    Document,
    Finding,
    Many,
    Replace,
    Rfc,
    ServiceRecord,
    ServiceRecords,
    Severity,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

DRAFT = Document(
    "Mail Autoconfig (draft-ietf-mailmaint-autoconfig)",
    "https://datatracker.ietf.org/doc/draft-ietf-mailmaint-autoconfig/",
)


@rule("autoconfig/srv-target", Severity.ERROR, Rfc(2782), Rfc(6186, "3.4"), since="1.0")
class SrvTarget(Finding):
    """An SRV record sends mail programs to a host without an address.

    ## Why it matters
    Mail programs that follow the record cannot connect, and people cannot set up their account.

    ## How to fix
    Name the host that runs the service, or remove the record. A service that is not offered is
    published with the target `.`.
    """

    message = "{subject} names {host}, which has no address."
    host: str


@rule("autoconfig/srv-target-alias", Severity.WARNING, Rfc(2782), since="1.0")
class SrvTargetAlias(Finding):
    """An SRV record names an alias (CNAME).

    ## Why it matters
    The target must be a host with addresses of its own. Most mail programs follow the alias all the
    same; some do not, and the certificate is then looked for under another name.

    ## How to fix
    Put the canonical name into the record, or give the name address records instead of the alias.
    """

    message = "{subject} names {host}, an alias of {canonical}."
    host: str
    canonical: str


@check
def srv_records_lead_to_hosts(found: ServiceRecords, hosts: Many[AccessHost]) -> Iterator[Verdict]:
    """The SRV records for mail programs lead to hosts with addresses."""
    for record in found.records:
        host = hosts.get(record.target)
        if not isinstance(host, AccessHost):
            continue
        if not host.addresses and host.unknown:
            yield Undecided(host.unknown, host.asked, found.name)
        elif not host.addresses:
            yield SrvTarget(
                subject=found.name,
                host=record.target,
                evidence=(*found.asked, *host.asked),
                fix=(Withdraw(found.name, "SRV", _text(record, record.target)),),
            )
        elif host.aliases:
            canonical = host.aliases[-1]
            direct = Replace(found.name, "SRV", _text(record, canonical), old=_text(record, record.target))
            yield SrvTargetAlias(
                subject=found.name,
                host=record.target,
                canonical=canonical,
                evidence=(*found.asked, *host.asked),
                fix=(direct,),
            )


@rule("autoconfig/document-bad", Severity.ERROR, DRAFT, since="1.0")
class DocumentBad(Finding):
    """The configuration document for mail programs cannot be used.

    ## Why it matters
    Mail programs that find it set up accounts wrongly, or have to guess.

    ## How to fix
    Serve a document that is well-formed, names a server for incoming mail with an address, and offers
    TLS; or serve none.
    """

    message = "The configuration document at {subject} cannot be used: {why}."
    why: str


@check
def autoconfig_document_can_be_used(
    document: AutoconfigDocument, hosts: Many[AccessHost]
) -> Iterator[Finding]:
    """The configuration document for mail programs can be used."""
    why = _unusable(document) or _without_address(document, hosts)
    if why:
        yield DocumentBad(subject=document.url, why=why, evidence=document.asked)


def _unusable(document: AutoconfigDocument) -> str:
    config = document.config
    if not config.is_usable:
        worst = config.defects[0] if config.defects else None
        told = f"{worst.problem}" + (f" in line {worst.line}" if worst.line else "") if worst else ""
        return told or "it names no server for incoming mail"
    servers = config.incoming + config.outgoing
    if all(server.socket_type == "plain" and not server.url for server in servers):
        return "it offers no TLS at all"
    return ""


def _without_address(document: AutoconfigDocument, hosts: Many[AccessHost]) -> str:
    for offer in document.offers:
        host = hosts.get(offer.host)
        if isinstance(host, AccessHost) and not host.addresses and not host.unknown:
            return f"{offer.host} has no address"
    return ""


def _text(record: ServiceRecord, target: str) -> str:
    return f"{record.priority} {record.weight} {record.port} {target}."
