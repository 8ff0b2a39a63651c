"""Certificates of MX hosts on port 25: what senders that verify refuse, and what all others let pass.

A host that DANE authenticates is judged by its TLSA records alone, which are another area's; MTA-STS asks
for a certificate that any verifying client takes (RFC 8461 section 4.2); everybody else takes any (RFC 7435).
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    CHAIN,
    Absent,
    Cause,
    Configure,
    DaneHost,
    InboundCertificate,
    Many,
    OurClock,
    Reason,
    Refusal,
    Rfc,
    Severity,
    StsPolicy,
    Unavailable,
    Undecided,
    Verdict,
    asks,
    check,
    ending,
    of_host,
    refusal,
    rule,
    why_unsure,
)

from .certificates import BR
from .certificates_reasons import CertificateFinding, cure, unknown_issuer


@rule("certificates/sts-mismatch", Severity.ERROR, Rfc(8461, "4.2"), Rfc(8461, "5"), since="1.0")
class StsMismatch(CertificateFinding):
    """An MX host has a certificate that the domain's own MTA-STS policy forbids.

    ## Why it matters
    The policy says `enforce`. Senders that honour it, Gmail and Outlook among them, deliver only to hosts
    with a valid certificate: they keep the mail back and return it after some days.

    ## How to fix
    Give the host a valid certificate in its own name. If that takes long, set the policy's mode to
    `testing` and change the `id` of the record; senders that keep the old policy learn of it by the record.
    """

    message = (
        "Senders that honour the MTA-STS policy do not deliver to {subject}, as its certificate {what}{also}."
    )


@rule("certificates/sts-mismatch-testing", Severity.WARNING, Rfc(8461, "4.2"), Rfc(8461, "5"), since="1.0")
class StsMismatchTesting(CertificateFinding):
    """An MX host has a certificate that the domain's MTA-STS policy will not allow.

    ## Why it matters
    The policy says `testing`: mail still arrives, and senders report the failure. With `enforce` it
    would not arrive.

    ## How to fix
    Give the host a valid certificate in its own name before you set the mode to `enforce`.
    """

    message = "The certificate at {subject} fails the MTA-STS policy under test: it {what}{also}."


@rule("certificates/expired-on-25", Severity.WARNING, Rfc(5280, "4.1.2.5"), Rfc(7435), since="1.0")
class ExpiredOn25(CertificateFinding):
    """The certificate of an MX host has expired.

    ## Why it matters
    Most senders encrypt all the same and do not look. Those set to verify refuse, and MTA-STS or DANE-TA
    would make many more do so.

    ## How to fix
    Renew the certificate, and let the renewal reload the mail server: a server keeps the certificate it
    read when it was started.
    """


@rule("certificates/not-yet-valid-on-25", Severity.WARNING, Rfc(5280, "4.1.2.5"), Rfc(7435), since="1.0")
class NotYetValidOn25(CertificateFinding):
    """The certificate of an MX host is not valid yet.

    ## Why it matters
    Most senders do not look; those set to verify refuse until its first day has come.

    ## How to fix
    Serve the former certificate until then. If it was made by your own CA, set that machine's clock.
    """


@rule("certificates/name-mismatch-on-25", Severity.WARNING, Rfc(9525, "6.3"), Rfc(7435), since="1.0")
class NameMismatchOn25(CertificateFinding):
    """The certificate of an MX host is for another name.

    ## Why it matters
    A sender that verifies compares it with the name in the MX record, and refuses. Most do not verify;
    with MTA-STS they would.

    ## How to fix
    Get a certificate that names the host as the MX record does. The mail domain need not be in it.
    """


@rule("certificates/common-name-only-on-25", Severity.WARNING, Rfc(9525, "2"), Rfc(8461, "4.2"), since="1.0")
class CommonNameOnlyOn25(CertificateFinding):
    """The certificate of an MX host has the host in its common name only.

    ## Why it matters
    Senders that heed MTA-STS read the subjectAltName extension and nothing else, and refuse; others rarely
    verify.

    ## How to fix
    Have the certificate issued again with the host as a DNS name in the subjectAltName.
    """


@rule("certificates/wildcard-misuse-on-25", Severity.WARNING, Rfc(9525, "6.3"), BR, since="1.0")
class WildcardMisuseOn25(CertificateFinding):
    """The certificate of an MX host relies on a wildcard that is not allowed.

    ## Why it matters
    A `*` counts only as the whole first label, and is passed over for a whole top-level domain. To senders that
    verify, the certificate is for another name.

    ## How to fix
    Have the host itself named, or a wildcard for exactly one label, such as `*.example.org`.
    """


@rule("certificates/self-signed-on-25", Severity.NOTICE, Rfc(7435), Rfc(3207, "4.1"), since="1.0")
class SelfSignedOn25(CertificateFinding):
    """An MX host signs its own certificate.

    ## Why it matters
    Mail is encrypted, and senders that do not verify, most of them, take it. It does not keep out
    anybody who can get in between, and it will not do for MTA-STS.

    ## How to fix
    Get a certificate from a public CA, or publish TLSA records that fit this one in a signed zone.
    """


@rule("certificates/untrusted-root-on-25", Severity.NOTICE, Rfc(7435), Rfc(5280, "6.1"), since="1.0")
class UntrustedRootOn25(CertificateFinding):
    """The certificate of an MX host comes from a CA that senders do not know.

    ## Why it matters
    Senders that do not verify, most of them, take it. It will not do for MTA-STS.

    ## How to fix
    Get a certificate from a public CA, or publish TLSA records for it in a signed zone.
    """


@rule("certificates/missing-intermediate-on-25", Severity.NOTICE, Rfc(8446, "4.4.2"), Rfc(7435), since="1.0")
class MissingIntermediateOn25(CertificateFinding):
    """An MX host does not send the certificate of its issuer.

    ## Why it matters
    Senders that verify cannot, unless they happen to know the issuer. Most do not verify; with MTA-STS
    they would.

    ## How to fix
    Serve the file that holds the certificate and its intermediates, `fullchain.pem` with most CAs.
    """


@rule("certificates/weak-key-on-25", Severity.WARNING, Rfc(9325, "4.5"), BR, since="1.0")
class WeakKeyOn25(CertificateFinding):
    """The certificate of an MX host has a weak key.

    ## Why it matters
    Senders with a modern TLS library break the handshake off; some then deliver in clear text.

    ## How to fix
    Make a new key, ECDSA with P-256 or RSA with 2048 bits or more, and have the certificate reissued.
    """


@rule("certificates/weak-signature-on-25", Severity.WARNING, BR, Rfc(8446, "4.4.2.4"), since="1.0")
class WeakSignatureOn25(CertificateFinding):
    """The certificate of an MX host is signed with MD5 or SHA-1.

    ## Why it matters
    Such signatures can be forged; senders with a modern TLS library refuse them where they verify.

    ## How to fix
    Have the certificate reissued by a CA that signs with SHA-256.
    """


@rule("certificates/wrong-eku-on-25", Severity.WARNING, Rfc(5280, "4.2.1.12"), Rfc(7435), since="1.0")
class WrongEkuOn25(CertificateFinding):
    """The certificate of an MX host is not made for servers.

    ## Why it matters
    It says what its key may be used for, and TLS servers are not in the list. Senders that verify refuse.

    ## How to fix
    Have a certificate issued for TLS servers (extendedKeyUsage serverAuth, keyUsage digitalSignature).
    """


@rule("certificates/placeholder-on-25", Severity.WARNING, Rfc(9525, "6.6"), Rfc(7435), since="1.0")
class PlaceholderOn25(CertificateFinding):
    """An MX host still serves the certificate that came with its software.

    ## Why it matters
    Senders that do not verify, most of them, take it; but where every installation has the same key,
    anyone can read along.

    ## How to fix
    Get a certificate for the host from a public CA and name it in the server's configuration.
    """


@rule("certificates/invalid-chain-on-25", Severity.WARNING, Rfc(5280, "6.1"), Rfc(7435), since="1.0")
class InvalidChainOn25(CertificateFinding):
    """The certificates of an MX host break the rules for chains of certificates.

    ## Why it matters
    One of them does what it may not do, or cannot be read. Senders that verify refuse the whole chain.

    ## How to fix
    Serve exactly what the CA delivered: the certificate, then its intermediates. With a private CA,
    mend its certificates (basicConstraints, keyUsage, nameConstraints).
    """


@check
def senders_accept_the_certificate(
    served: InboundCertificate,
    dane: Many[DaneHost] | Absent | Unavailable,
    sts: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[Verdict]:
    """Senders that verify accept the certificate of an MX host."""
    found = refusal(served, clock)
    if served.known_key:
        # No sender looks at that, and a TLSA record vouches for a key that strangers have, too.
        yield _told(served, *found.told[0])
    if isinstance(sts, StsPolicy) and asks(sts, served):
        yield from _judged_by_policy(served, found, sts)
        return
    known = of_host(dane, served)
    if isinstance(known, DaneHost) and known.authenticates:
        return
    unsure = why_unsure(known)
    if unsure and found.refused:
        # DANE-EE would excuse names, dates and issuer (RFC 7672 section 3.1.1).
        yield Undecided(unsure, served.cites)
        return
    for reason, also in found.told:
        if reason.cause is Cause.UNKNOWN_ISSUER:
            yield unknown_issuer(served, reason)
        elif reason.cause is not Cause.KNOWN_KEY:
            yield _told(served, reason, also)
    if found.refused and isinstance(sts, Unavailable):
        because = f"whether senders refuse is not known, nor is the MTA-STS policy: {sts.because}"
        yield Undecided(because, sts.evidence)
    if found.undecided:
        yield Undecided(found.undecided, served.cites)


def _told(served: InboundCertificate, reason: Reason, also: str) -> CertificateFinding:
    return _rule(reason.cause)(
        subject=served.subject,
        what=reason.what,
        also=also,
        evidence=served.cites,
        fix=cure(served, reason.cause),
    )


def _judged_by_policy(served: InboundCertificate, found: Refusal, sts: StsPolicy) -> Iterator[Verdict]:
    """One finding, whatever is wrong: the consequence is the same, and the text tells the rest."""
    if found.refused:
        first, *rest = found.refused
        fixes: dict[Configure, None] = {}
        for reason in (first, *(each for each in rest if each.cause in CHAIN)):
            fixes.update(dict.fromkeys(cure(served, reason.cause)))
        kind = StsMismatch if sts.enforced else StsMismatchTesting
        yield kind(
            subject=served.subject,
            what=first.what,
            also=ending(tuple(rest)),
            evidence=served.cites + sts.asked,
            fix=tuple(fixes),
        )
    if found.undecided:
        yield Undecided(found.undecided, served.cites)


def _rule(cause: Cause) -> type[CertificateFinding]:
    """What a cause is called where senders let it pass."""
    return {
        Cause.PLACEHOLDER: PlaceholderOn25,
        Cause.EXPIRED: ExpiredOn25,
        Cause.NOT_YET_VALID: NotYetValidOn25,
        Cause.SELF_SIGNED: SelfSignedOn25,
        Cause.UNTRUSTED_ROOT: UntrustedRootOn25,
        Cause.MISSING_INTERMEDIATE: MissingIntermediateOn25,
        Cause.WILDCARD_MISUSE: WildcardMisuseOn25,
        Cause.COMMON_NAME_ONLY: CommonNameOnlyOn25,
        Cause.NAME_MISMATCH: NameMismatchOn25,
        Cause.WRONG_EKU: WrongEkuOn25,
        Cause.KNOWN_KEY: WeakKeyOn25,
        Cause.WEAK_KEY: WeakKeyOn25,
        Cause.WEAK_SIGNATURE: WeakSignatureOn25,
        Cause.INVALID_CHAIN: InvalidChainOn25,
    }[cause]
