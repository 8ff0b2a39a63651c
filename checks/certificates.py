"""Certificates on the ports for mail programs, which verify them (RFC 8314 section 5.3, RFC 7817)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Cause,
    ClientCertificate,
    Document,
    OurClock,
    Rfc,
    Role,
    Severity,
    Unavailable,
    Undecided,
    Verdict,
    check,
    refusal,
    rule,
)

from .certificates_reasons import CertificateFinding, cure, unknown_issuer

BR = Document(
    "CA/Browser Forum Baseline Requirements",
    "https://cabforum.org/working-groups/server/baseline-requirements/documents/",
)


@rule("certificates/expired", Severity.ERROR, Rfc(5280, "4.1.2.5"), Rfc(8314, "5.3"), since="1.0")
class Expired(CertificateFinding):
    """The certificate of a server for mail programs has expired.

    ## Why it matters
    Phones and mail programs refuse to connect, or warn until their users learn to ignore warnings.

    ## How to fix
    Renew the certificate, and let the renewal reload the mail server: a server keeps the certificate it
    read when it was started.
    """


@rule("certificates/not-yet-valid", Severity.ERROR, Rfc(5280, "4.1.2.5"), Rfc(8314, "5.3"), since="1.0")
class NotYetValid(CertificateFinding):
    """The certificate of a server for mail programs is not valid yet.

    ## Why it matters
    Mail programs refuse to connect until its first day has come.

    ## How to fix
    Serve the former certificate until then. If it was made by your own CA, set that machine's clock.
    """


@rule("certificates/name-mismatch", Severity.ERROR, Rfc(9525, "6.3"), Rfc(7817, "3"), since="1.0")
class NameMismatch(CertificateFinding):
    """The certificate of a server for mail programs is for another name.

    ## Why it matters
    Mail programs cannot tell the server from an impostor, and warn or refuse.

    ## How to fix
    Get a certificate that names the host under which mail programs look for it, or tell them the name
    that the certificate has. A wildcard covers one label only.
    """


@rule("certificates/common-name-only", Severity.ERROR, Rfc(9525, "2"), Rfc(7817, "5"), since="1.0")
class CommonNameOnly(CertificateFinding):
    """The certificate of a server for mail programs has the host in its common name only.

    ## Why it matters
    Most programs of today read the names in the subjectAltName extension and nothing else; to them the
    certificate has no name, or another one.

    ## How to fix
    Have the certificate issued again with the host as a DNS name in the subjectAltName.
    """


@rule("certificates/wildcard-misuse", Severity.ERROR, Rfc(9525, "6.3"), Rfc(7817, "3"), BR, since="1.0")
class WildcardMisuse(CertificateFinding):
    """The certificate of a server for mail programs relies on a wildcard that is not allowed.

    ## Why it matters
    A `*` counts only as the whole first label, and most programs pass over one for a whole top-level domain. To
    them the certificate has another name, and they refuse it.

    ## How to fix
    Have the host itself named, or a wildcard for exactly one label, such as `*.example.org`.
    """


@rule("certificates/self-signed", Severity.ERROR, Rfc(5280, "6.1"), Rfc(8314, "5.3"), since="1.0")
class SelfSigned(CertificateFinding):
    """A server for mail programs signs its own certificate.

    ## Why it matters
    Nobody vouches for it, so mail programs warn or refuse, and an impostor's looks just the same.

    ## How to fix
    Get a certificate from a public CA; they are free of charge.
    """


@rule("certificates/untrusted-root", Severity.ERROR, Rfc(5280, "6.1"), Rfc(8314, "5.3"), since="1.0")
class UntrustedRoot(CertificateFinding):
    """The certificate of a server for mail programs comes from a CA that they do not know.

    ## Why it matters
    Only devices on which that CA was installed connect without a warning.

    ## How to fix
    Get a certificate from a public CA. Where a private one is meant, install its root on every device,
    and name it here with `--ca-file`.
    """


@rule("certificates/missing-intermediate", Severity.ERROR, Rfc(8446, "4.4.2"), since="1.0")
class MissingIntermediate(CertificateFinding):
    """A server for mail programs does not send the certificate of its issuer.

    ## Why it matters
    Programs that happen to know the issuer connect, all others refuse: it works for some people and not
    for others.

    ## How to fix
    Serve the file that holds the certificate and its intermediates, `fullchain.pem` with most CAs.
    """


@rule("certificates/weak-key", Severity.ERROR, Rfc(9325, "4.5"), BR, since="1.0")
class WeakKey(CertificateFinding):
    """The certificate of a server for mail programs has a weak key.

    ## Why it matters
    Modern TLS libraries refuse such keys, and somebody with means can find the private one.

    ## How to fix
    Make a new key, ECDSA with P-256 or RSA with 2048 bits or more, and have the certificate reissued.
    """


@rule("certificates/weak-signature", Severity.ERROR, BR, Rfc(8446, "4.4.2.4"), since="1.0")
class WeakSignature(CertificateFinding):
    """The certificate of a server for mail programs is signed with MD5 or SHA-1.

    ## Why it matters
    Such signatures can be forged, and modern TLS libraries refuse them.

    ## How to fix
    Have the certificate reissued by a CA that signs with SHA-256.
    """


@rule("certificates/wrong-eku", Severity.ERROR, Rfc(5280, "4.2.1.12"), Rfc(5280, "4.2.1.3"), since="1.0")
class WrongEku(CertificateFinding):
    """The certificate of a server for mail programs is not made for servers.

    ## Why it matters
    It says what its key may be used for, and TLS servers are not in the list. Programs refuse it.

    ## How to fix
    Have a certificate issued for TLS servers (extendedKeyUsage serverAuth, keyUsage digitalSignature).
    """


@rule("certificates/placeholder", Severity.ERROR, Rfc(9525, "6.6"), Rfc(8314, "5.3"), since="1.0")
class Placeholder(CertificateFinding):
    """A server for mail programs still serves the certificate that came with its software.

    ## Why it matters
    Nobody vouches for it; where every installation has the same key, anyone can read along.

    ## How to fix
    Get a certificate for the host from a public CA and name it in the server's configuration.
    """


@rule("certificates/invalid-chain", Severity.ERROR, Rfc(5280, "6.1"), since="1.0")
class InvalidChain(CertificateFinding):
    """The certificates of a server for mail programs break the rules for chains of certificates.

    ## Why it matters
    One of them does what it may not do, or cannot be read; programs that check refuse the whole chain.

    ## How to fix
    Serve exactly what the CA delivered: the certificate, then its intermediates. With a private CA,
    mend its certificates (basicConstraints, keyUsage, nameConstraints).
    """


@rule("certificates/refused-at-guessed-host", Severity.WARNING, Rfc(8314, "5.1"), Rfc(7817, "3"), since="1.0")
class RefusedAtGuessedHost(CertificateFinding):
    """A mail server that programs find by guessing has a certificate that they refuse.

    ## Why it matters
    Where nothing is published, mail programs try names such as `imap` and `mail` below the domain. What
    answers there warns the user, or keeps the program from finding the right server.

    ## How to fix
    Give the host a valid certificate, close its mail ports if nobody should use them, and publish the
    right servers with SRV records or autoconfig.
    """


@check
def mail_programs_accept_the_certificate(
    served: ClientCertificate, clock: OurClock | Absent | Unavailable
) -> Iterator[Verdict]:
    """Mail programs accept the server's certificate."""
    found = refusal(served, clock)
    for reason, also in found.told:
        if reason.cause is Cause.UNKNOWN_ISSUER and served.role is not Role.GUESSED:
            yield unknown_issuer(served, reason)
            continue
        kind = RefusedAtGuessedHost if served.role is Role.GUESSED else _rule(reason.cause)
        yield kind(
            subject=served.subject,
            what=reason.what,
            also=also,
            evidence=served.cites,
            fix=cure(served, reason.cause),
        )
    if found.undecided:
        yield Undecided(found.undecided, served.cites)


def _rule(cause: Cause) -> type[CertificateFinding]:
    """What a cause is called where mail programs meet it."""
    return {
        Cause.PLACEHOLDER: Placeholder,
        Cause.EXPIRED: Expired,
        Cause.NOT_YET_VALID: NotYetValid,
        Cause.SELF_SIGNED: SelfSigned,
        Cause.UNTRUSTED_ROOT: UntrustedRoot,
        Cause.MISSING_INTERMEDIATE: MissingIntermediate,
        Cause.WILDCARD_MISUSE: WildcardMisuse,
        Cause.COMMON_NAME_ONLY: CommonNameOnly,
        Cause.NAME_MISMATCH: NameMismatch,
        Cause.WRONG_EKU: WrongEku,
        Cause.KNOWN_KEY: WeakKey,
        Cause.WEAK_KEY: WeakKey,
        Cause.WEAK_SIGNATURE: WeakSignature,
        Cause.INVALID_CHAIN: InvalidChain,
    }[cause]
