"""DANE: TLSA records that bind the certificates of the mail hosts (RFC 7672)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Configure,
    DaneHost,
    DnssecStatus,
    Finding,
    HeededTlsa,
    InboundTls,
    Many,
    MxHost,
    Rfc,
    RunMoment,
    Security,
    Severity,
    TlsaProblem,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

from .dane_match import matches, of_host, record_fix, served


@rule("dane/lookup-fails", Severity.ERROR, Rfc(7672, "2.1.2"), Rfc(7672, "2.2"), since="1.0")
class LookupFails(Finding):
    """The question for TLSA records of a signed mail host gets no answer.

    ## Why it matters
    Senders that honour DANE cannot tell a broken name server from an attack: they do not deliver to this
    host, and their mail waits.

    ## How to fix
    Make every name server of the zone answer questions for TLSA records, also where there are none, with
    a signed NODATA or NXDOMAIN; firewalls in front of name servers must not drop unknown record types.
    """

    message = "The TLSA records of {subject} cannot be looked up: {why}."
    why: str


@check
def tlsa_look_up_is_answered(host: DaneHost) -> Iterator[Finding]:
    """The question for TLSA records of a signed mail host is answered."""
    if host.trouble:  # only where its addresses are secure is a failing look-up told at all
        yield LookupFails(
            subject=host.host,
            why=host.trouble,
            certainty=Certainty.CERTAIN if host.waited else Certainty.LIKELY,
            evidence=host.asked,
            fix=(_answer(host),),
        )


def _answer(host: DaneHost) -> Configure:
    return Configure(
        f"the name servers of {host.base}, and firewalls before them",
        f"answer TLSA {host.name} with signed records, NODATA or NXDOMAIN; drop no record type",
    )


@rule("dane/mismatch", Severity.CRITICAL, Rfc(7671, "5.1"), Rfc(7672, "3.1"), since="1.0")
class Mismatch(Finding):
    """No TLSA record fits the certificate that the mail host serves.

    ## Why it matters
    Senders that honour DANE refuse to deliver to this host. Where it is the only one, their mail waits
    and then bounces.

    ## How to fix
    Publish a record for the key now in use (`3 1 1`), and remove those that fit nothing once it is known
    everywhere. Publish the record for the next key before you change keys.
    """

    message = "None of the TLSA records of {subject} fits the certificate served at {addresses}."
    addresses: str


@check
def tlsa_records_fit_the_certificate(
    heeded: HeededTlsa, moment: RunMoment, tls: Many[InboundTls] | Absent | Unavailable
) -> Iterator[Verdict]:
    """A TLSA record fits the certificate that the mail host serves."""
    host = heeded.host
    if not host.usable:
        return
    if not isinstance(tls, Many):
        yield Undecided(tls.because if tls else "no mail host was talked to", host.asked)
        return
    known = of_host(tls, host.host)
    wrong = [each for each in known if not matches(host, each, moment)]
    if wrong:
        both = len(wrong) > 1 and len(wrong) == len(known)
        yield Mismatch(
            subject=host.host,
            addresses=", ".join(each.endpoint.address for each in wrong),
            certainty=Certainty.CERTAIN if both else Certainty.LIKELY,
            evidence=host.asked + tuple(each.cite for each in wrong),
            fix=record_fix(host.owner, served(wrong)),
        )
        return
    for subject, unavailable in tls.unknown():
        if subject == host.host or subject.startswith(f"{host.host} ["):
            yield Undecided(unavailable.because, unavailable.evidence, subject)


@rule("dane/all-unusable", Severity.WARNING, Rfc(7672, "2.2"), Rfc(7672, "3.1.3"), since="1.0")
class AllUnusable(Finding):
    """Senders can use none of the TLSA records.

    ## Why it matters
    They insist on TLS because there are records, and most accept any certificate because none can be used:
    the work is done and the protection is missing.

    ## How to fix
    Publish records with usage 3 (DANE-EE) or 2 (DANE-TA). Usages 0 and 1 are not for mail: what
    senders make of them is undefined, and most pass over them.
    """

    message = "Senders can use none of the TLSA records of {subject}: {why}."
    why: str


@rule("dane/unusable-record", Severity.NOTICE, Rfc(7672, "3.1.3"), since="1.0")
class UnusableRecord(Finding):
    """Senders pass over one of the TLSA records.

    ## Why it matters
    It protects nothing, and whoever relies on it for the next change of keys is mistaken.

    ## How to fix
    Remove it, or publish it with usage 3 or 2 and the proper length.
    """

    message = "Senders pass over a TLSA record of {subject}: {why}."
    why: str


@check
def tlsa_records_can_be_used(
    heeded: HeededTlsa, tls: Many[InboundTls] | Absent | Unavailable
) -> Iterator[Finding]:
    """Senders can use the TLSA records."""
    host = heeded.host
    if not host.unusable:
        return
    why = "; ".join(f"{str(each)[:30]}… {_FAULTS[each.problems[0]]}" for each in host.unusable)
    if host.usable:
        remove = tuple(Withdraw(host.owner, "TLSA", str(each)) for each in host.unusable)
        yield UnusableRecord(subject=host.host, why=why, evidence=host.asked, fix=remove)
    else:
        known = served(of_host(tls, host.host)) if isinstance(tls, Many) else ()
        yield AllUnusable(
            subject=host.host, why=why, evidence=host.asked, fix=record_fix(host.owner, known, instead=True)
        )


_FAULTS = {
    TlsaProblem.CUT_SHORT: "is cut short",
    TlsaProblem.PKIX_USAGE: "has a usage (0 or 1) that does not count for mail",
    TlsaProblem.UNKNOWN_USAGE: "has an unknown usage",
    TlsaProblem.UNKNOWN_SELECTOR: "has an unknown selector",
    TlsaProblem.UNKNOWN_MATCHING: "has an unknown matching type",
    TlsaProblem.DIGEST_LENGTH: "has a digest of the wrong length",
    TlsaProblem.NO_DATA: "has no data",
}


@rule("dane/insecure", Severity.NOTICE, Rfc(7672, "2.2"), since="1.0")
class Insecure(Finding):
    """TLSA records stand in the DNS without signatures that would make them count.

    ## Why it matters
    Senders heed TLSA records only where DNSSEC secures them and the addresses of the host.

    ## How to fix
    Sign the zone and hand its DS record to the registry, or remove the records.
    """

    message = "The TLSA records of {subject} count for nothing: {why} not secured by DNSSEC."
    why: str


@check
def tlsa_records_are_secure(host: DaneHost) -> Iterator[Finding]:
    """TLSA records are secured by DNSSEC."""
    if host.records and host.security is Security.INSECURE:
        why = "its addresses are" if host.addresses is Security.INSECURE else "they are"
        sign = Configure(f"the zone of {host.owner}", "dnssec-policy default;\ninline-signing yes;", "BIND")
        yield Insecure(subject=host.host, why=why, evidence=host.asked, fix=(sign,))


@rule("dane/mx-insecure", Severity.NOTICE, Rfc(7672, "2.2.1"), since="1.0")
class MxInsecure(Finding):
    """The mail hosts are bound by DANE, but the MX records that name them are not signed.

    ## Why it matters
    Whoever can forge the MX records sends mail to hosts of his own, and DANE does not notice.

    ## How to fix
    Sign the domain and hand its DS record to the registry.
    """

    message = "DANE binds {hosts}, but the MX records of {subject} are not signed."
    hosts: str


@check
def mx_records_of_dane_hosts_are_secure(status: DnssecStatus, hosts: Many[DaneHost]) -> Iterator[Finding]:
    """Where DANE binds the mail hosts, the MX records are signed, too."""
    bound = [host.host for host in hosts.values() if host.secure]
    if bound and status.security is Security.INSECURE:
        sign = Configure(
            f"the zone of {status.domain}", "dnssec-policy default;\ninline-signing yes;", "BIND"
        )
        yield MxInsecure(subject=status.domain, hosts=", ".join(bound), evidence=status.asked, fix=(sign,))


@rule("dane/partial", Severity.WARNING, Rfc(7672, "2.2"), since="1.0")
class Partial(Finding):
    """Some of the mail hosts have TLSA records, and this one has none.

    ## Why it matters
    An attacker keeps senders away from the protected hosts and meets them at this one.

    ## How to fix
    Publish TLSA records for every mail host.
    """

    message = "{subject} has no TLSA records, unlike {others}."
    others: str


@check
def every_mail_host_has_tlsa_records(
    dane: Many[DaneHost], hosts: Many[MxHost], tls: Many[InboundTls] | Absent | Unavailable
) -> Iterator[Verdict]:
    """Either every mail host has TLSA records, or none."""
    bound = [host.host for host in dane.values() if host.secure]
    if len(hosts) > 1:
        for subject, unavailable in dane.unknown():
            yield Undecided(unavailable.because, unavailable.evidence, subject)
    if not bound:
        return
    for host in hosts.values():
        # Only where the addresses are secure would records count (RFC 7672 section 2.2.2).
        if isinstance(dane.get(host.name), Absent) and host.authenticated and host.addresses:
            known = served(of_host(tls, host.name)) if isinstance(tls, Many) else ()
            yield Partial(
                subject=host.name,
                others=", ".join(bound),
                evidence=host.asked,
                fix=record_fix(f"_25._tcp.{host.name}", known),
            )


@rule("dane/breaks-on-renewal", Severity.WARNING, Rfc(7671, "5.1"), since="1.0")
class BreaksOnRenewal(Finding):
    """The TLSA records describe the certificate itself, which changes with every renewal.

    ## Why it matters
    At the next renewal, often by night and unattended, no record fits any more: senders that honour DANE
    stop delivering.

    ## How to fix
    Publish `3 1 1`, which describes the key, and keep the key at renewals (`certbot --reuse-key`); or `2 0 1` for the
    authority, whose certificate the server must then send along.
    """

    message = "The TLSA records of {subject} fit only until its certificate is renewed."


@check
def tlsa_records_outlive_a_renewal(
    heeded: HeededTlsa, tls: Many[InboundTls] | Absent | Unavailable
) -> Iterator[Finding]:
    """A TLSA record goes on fitting when the certificate is renewed."""
    host = heeded.host
    fleeting = all((record.usage, record.selector) == (3, 0) for record in host.usable)
    if not host.usable or not fleeting:
        return
    known = served(of_host(tls, host.host)) if isinstance(tls, Many) else ()
    yield BreaksOnRenewal(subject=host.host, evidence=host.asked, fix=record_fix(host.owner, known))


@rule("dane/no-next-key", Severity.INFO, Rfc(7671, "8.1"), since="1.0")
class NoNextKey(Finding):
    """One TLSA record for the key in use is all there is.

    ## Why it matters
    It is enough today. When the key changes, the record of the new one has to be known everywhere before
    the server uses it: whoever forgets it stops the mail of senders that honour DANE.

    ## How to fix
    Publish a second record ahead: `3 1 1` of the next key, or `2 0 1` of the authority that issues the certificates,
    whose own certificate the server must then send along.
    """

    message = "{subject} has one TLSA record, for the key in use; none stands ready for the next."


@check
def tlsa_records_stand_ready_for_the_next_key(
    heeded: HeededTlsa, moment: RunMoment, tls: Many[InboundTls] | Absent | Unavailable
) -> Iterator[Finding]:
    """A TLSA record stands ready for the next key."""
    host = heeded.host
    if [(record.usage, record.selector) for record in host.usable] != [(3, 1)]:
        return
    known = of_host(tls, host.host) if isinstance(tls, Many) else []
    if all(matches(host, each, moment) for each in known):  # else the next key is in use already
        ahead = Configure(f"{host.owner}. TLSA 3 1 1", _NEXT_KEY, "openssl")
        yield NoNextKey(subject=host.host, evidence=host.asked, fix=(ahead,))


_NEXT_KEY = (
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out next.key; "
    "openssl pkey -in next.key -pubout -outform DER | sha256sum"
)
