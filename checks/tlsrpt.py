"""TLSRPT: where senders report failures of TLS (RFC 8460)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Configure,
    DaneHost,
    Finding,
    Fix,
    Many,
    Mode,
    Publish,
    Replace,
    Rfc,
    Severity,
    StsPolicy,
    StsRecordFound,
    Target,
    TlsrptDestination,
    TlsrptFound,
    TlsrptProblem,
    TlsrptRecord,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

from .txt import as_written


@rule("tlsrpt/missing", Severity.NOTICE, Rfc(8460, "3"), since="1.0")
class Missing(Finding):
    """The domain asks senders for TLS, and nobody is told when that fails.

    ## Why it matters
    When MTA-STS or DANE keeps a sender from delivering, the only ones who know are the sender and, by
    its report, you.

    ## How to fix
    Publish the record shown, with a mailbox that exists.
    """

    message = "{subject} uses {what}, and has no TLSRPT record to be told of failures."
    what: str


@check
def tls_failures_are_reported(
    target: Target,
    report: TlsrptFound | Absent,
    record: StsRecordFound | Absent | Unavailable,
    policy: StsPolicy | Absent | Unavailable,
    hosts: Many[DaneHost] | Absent | Unavailable,
) -> Iterator[Verdict]:
    """A domain that asks senders for TLS is told when that fails."""
    if not isinstance(report, Absent):
        return
    used = []
    # Mode none is how one takes leave of MTA-STS (RFC 8461 section 8.3).
    leaving = isinstance(policy, StsPolicy) and policy.mode is Mode.NONE
    if isinstance(record, StsRecordFound) and record.valid is not None and not leaving:
        used.append("MTA-STS")
    if isinstance(hosts, Many) and any(host.secure for host in hosts.values()):
        used.append("DANE")
    if used:
        proposed = Publish(f"_smtp._tls.{target.domain}", "TXT", _record((_default(target.domain),)))
        yield Missing(
            subject=target.domain, what=" and ".join(used), evidence=report.evidence, fix=(proposed,)
        )
        return
    unknown = [each for each in (record, policy, hosts) if isinstance(each, Unavailable)]
    if isinstance(hosts, Many):
        unknown += [unavailable for _, unavailable in hosts.unknown()]
    for unavailable in unknown[:1]:
        why = f"whether MTA-STS or DANE is in use is not known: {unavailable.because}"
        yield Undecided(why, unavailable.evidence)


@rule("tlsrpt/record-invalid", Severity.WARNING, Rfc(8460, "3"), since="1.0")
class RecordInvalid(Finding):
    """The TLSRPT record cannot be used.

    ## Why it matters
    Senders behave as if there were none, and you are not told when mail cannot be delivered over TLS.

    ## How to fix
    Publish exactly one record of the form `v=TLSRPTv1; rua=mailto:tls-reports@YOUR-DOMAIN`.
    """

    message = "The TLSRPT record of {subject} cannot be used: {why}."
    why: str


@check
def tlsrpt_record_can_be_used(found: TlsrptFound) -> Iterator[Finding]:
    """The domain has one TLSRPT record, and it can be used."""
    why = _why_invalid(found)
    if not why:
        return
    texts = [record.tags.text for record in found.records] or list(found.near)
    good = next((record.tags.text for record in found.records if not _fault(record)), None)
    fix: tuple[Fix, ...]
    if good is not None:
        fix = tuple(Withdraw(found.owner, "TXT", as_written(text)) for text in texts if text != good)
    else:
        uris = tuple(uri.text for record in found.records for uri in record.usable)
        new = _record(tuple(dict.fromkeys(uris)) or (_default(found.domain),))
        others = tuple(Withdraw(found.owner, "TXT", as_written(text)) for text in texts[1:])
        fix = (*others, Replace(found.owner, "TXT", new, old=as_written(texts[0])))
    yield RecordInvalid(subject=found.domain, why=why, evidence=found.asked, fix=fix)


def _why_invalid(found: TlsrptFound) -> str:
    if len(found.records) > 1:
        return f"there are {len(found.records)}, and one is allowed"
    if not found.records:
        return f'"{found.near[0][:100]}" does not begin with "v=TLSRPTv1;"'
    return _fault(found.records[0])


def _fault(record: TlsrptRecord) -> str:
    for defect in record.defects:
        match defect.problem:
            case TlsrptProblem.RUA_MISSING:
                return "it does not say where reports go (rua)"
            case TlsrptProblem.MALFORMED:
                return f'"{defect.text[:100]}" is no field'
            case _:  # a field twice is within the grammar
                continue
    return ""


@rule("tlsrpt/report-uri-invalid", Severity.WARNING, Rfc(8460, "3"), since="1.0")
class ReportUriInvalid(Finding):
    """An entry of the TLSRPT record is no address a report can be sent to.

    ## Why it matters
    Reports do not arrive there, and you are not told when mail cannot be delivered over TLS.

    ## How to fix
    Write `mailto:` before a mailbox, or give an `https:` address; write `!` as `%21`, `,` as `%2C`
    and `;` as `%3B`.
    """

    message = "The TLSRPT record of {subject} sends reports to {entries}, where none can be sent."
    entries: str


@check
def tlsrpt_addresses_can_be_used(found: TlsrptFound) -> Iterator[Finding]:
    """Every address in the TLSRPT record can be sent to."""
    record = found.valid
    if record is None:
        return
    usable = set(record.usable)
    bad = [uri for uri in record.rua if uri not in usable]
    if bad:
        mended = [uri.text if uri in usable else _mended(uri.text) for uri in record.rua]
        kept = tuple(dict.fromkeys(text for text in mended if text)) or (_default(found.domain),)
        yield ReportUriInvalid(
            subject=found.domain,
            entries=", ".join(f'"{uri.text[:100]}"' for uri in bad),
            evidence=found.asked,
            fix=(Replace(found.owner, "TXT", _record(kept), old=as_written(record.tags.text)),),
        )


def _mended(text: str) -> str:
    """An entry as it was meant, where that is plain; else empty."""
    meant = text.replace("!", "%21")
    meant = meant if ":" in meant else f"mailto:{meant}"
    made = TlsrptRecord.parse(_record((meant,)))
    return meant if made.usable and not made.defects else ""


@rule("tlsrpt/report-domain-cannot-receive", Severity.WARNING, Rfc(8460, "3"), Rfc(8460, "5.3"), since="1.0")
class ReportDomainCannotReceive(Finding):
    """TLS reports are to go to a domain that takes no mail.

    ## Why it matters
    The reports bounce, and you are not told when mail cannot be delivered over TLS.

    ## How to fix
    Name a mailbox whose domain has a mail host.
    """

    message = "TLS reports are to go to {mailboxes}, but {subject} takes no mail."
    mailboxes: str


@rule("tlsrpt/report-domain-free", Severity.ERROR, Rfc(8460, "3"), Rfc(8460, "7"), since="1.0")
class ReportDomainFree(Finding):
    """TLS reports are to go to a domain that anybody can register.

    ## Why it matters
    Whoever registers it gets your reports: which servers send mail to you, and which of your hosts fail.

    ## How to fix
    Remove the mailbox from the record, or name one at a domain of yours.
    """

    message = "TLS reports are to go to {mailboxes}, but nobody has registered {subject}."
    mailboxes: str


@check
def tlsrpt_mailboxes_can_receive(destination: TlsrptDestination, found: TlsrptFound) -> Iterator[Verdict]:
    """The mailboxes that TLS reports go to can receive mail."""
    if destination.takes_mail is None:
        yield Undecided(destination.unknown, destination.asked)
    elif not destination.takes_mail and found.valid is not None:
        others = tuple(uri.text for uri in found.valid.usable if uri.host != destination.host)
        if not others and destination.host != found.domain:
            others = (_default(found.domain),)
        old = as_written(found.valid.tags.text)
        kind = ReportDomainFree if destination.free else ReportDomainCannotReceive
        yield kind(
            subject=destination.host,
            mailboxes=", ".join(destination.mailboxes),
            evidence=found.asked + destination.asked,
            fix=(Replace(found.owner, "TXT", _record(others), old=old),)
            if others
            else (Configure(found.owner, "v=TLSRPTv1; rua=mailto:<a mailbox that receives mail>"),),
        )


def _default(domain: str) -> str:
    return f"mailto:tls-reports@{domain}"


def _record(uris: tuple[str, ...]) -> str:
    return f"v=TLSRPTv1; rua={','.join(uris)}"
