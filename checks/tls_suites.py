"""Cipher suites and key exchanges that a server should not accept."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    TLS12,
    TLS13,
    Document,
    Finding,
    FullTls,
    Handshake,
    Rfc,
    Severity,
    SpokenTls,
    Suite,
    TakenSuites,
    TlsSurvey,
    Undecided,
    Verdict,
    WeakTls,
    by_openssl,
    check,
    doubt,
    rule,
)

from .tls_settings import EXIM_GNUTLS, EXIM_OPENSSL, tls_settings, without

SWEET32 = Document("CVE-2016-2183 (SWEET32)", "https://nvd.nist.gov/vuln/detail/CVE-2016-2183")
FREAK = Document("CVE-2015-0204 (FREAK)", "https://nvd.nist.gov/vuln/detail/CVE-2015-0204")


class AcceptedSuites(Finding):
    """What rules about accepted suites hold."""

    message = "{subject} accepts {suites}."
    suites: str


@rule("tls/null-or-export", Severity.ERROR, Rfc(9325, "4.1"), FREAK, since="1.0")
class NullOrExport(AcceptedSuites):
    """A server accepts TLS that encrypts nothing, or so little that anybody can open it.

    ## Why it matters
    Suites named NULL do not encrypt; those named EXPORT were weakened by law in the nineties; single DES falls
    to a rented computer in hours. Somebody on the way can push clients towards them (FREAK).

    ## How to fix
    Update the mail server, and take these suites from its list.
    """


# Kinds of suites are functions with names, as what is of a kind is worked out once for each function.


def _broken(suite: Suite) -> bool:
    return suite.known and suite.made.bits <= 64


def _anonymous(suite: Suite) -> bool:
    return suite.anonymous and not _broken(suite)


def _rc4(suite: Suite) -> bool:
    return suite.made.cipher == "RC4" and not _broken(suite)


def _triple_des(suite: Suite) -> bool:
    return suite.made.cipher == "3DES" and not _broken(suite)


def _rsa(suite: Suite) -> bool:
    return suite.made.kx == "RSA" and not _broken(suite)


def _authenticated(suite: Suite) -> bool:
    return suite.aead


@check
def nothing_is_accepted_that_does_not_encrypt(asked: WeakTls) -> Iterator[Verdict]:
    """Suites that encrypt little or nothing are refused."""
    taken = asked.taken(_broken)
    if taken.suites:
        yield NullOrExport(
            subject=asked.subject,
            suites=taken.names,
            evidence=taken.verdict.cites,
            fix=without(asked.survey.endpoint, ("eNULL", "EXPORT", "DES"), taken.suites),
        )
    else:
        yield from _left_open(taken, "suites that encrypt little or nothing")


@rule("tls/anonymous", Severity.NOTICE, Rfc(5246, "A.5"), Rfc(7672, "8.2"), since="1.0")
class Anonymous(AcceptedSuites):
    """A server for mail programs accepts TLS without a certificate.

    ## Why it matters
    The standard wants such suites used only where somebody has asked for them. No mail program should: whoever is on
    the way could take the server's place and read the password, whatever this server does. Programs that verify
    never do, and lose nothing by it. But one that is set up badly finds out only where servers refuse, and audits fail
    on it.

    ## How to fix
    Take the suites named aNULL (ADH, AECDH) from the list of this service. Postfix allows them unless told otherwise.
    """


@check
def mail_programs_are_shown_a_certificate(asked: WeakTls) -> Iterator[Verdict]:
    """Suites without a certificate are refused on ports for mail programs."""
    if not asked.client_port:
        return  # there, clients that verify nobody lose nothing by them (RFC 7672 section 8.2)
    taken = asked.taken(_anonymous)
    if taken.suites:
        yield Anonymous(
            subject=asked.subject,
            suites=taken.names,
            evidence=taken.verdict.cites,
            fix=without(asked.survey.endpoint, ("aNULL",), taken.suites),
        )
    else:
        yield from _left_open(taken, "suites without a certificate")


class LastResort(AcceptedSuites):
    """What both rules say."""

    message = "{subject} accepts {suites}{chosen}."
    chosen: str
    """Whether clients that offer better meet it, as the end of the sentence."""


@rule("tls/rc4", Severity.WARNING, Rfc(7465), Rfc(9325, "4.1"), since="1.0")
class Rc4(LastResort):
    """A server accepts RC4.

    ## Why it matters
    Its stream of random bits is not random: what is said over and over, such as a password, can be worked out.
    The standards forbid it since 2015.

    ## How to fix
    Take RC4 from the list of suites; whatever speaks TLS 1.2 knows better ones.
    """


@rule("tls/3des", Severity.WARNING, SWEET32, Rfc(9325, "4.1"), since="1.0")
class TripleDes(LastResort):
    """A server accepts 3DES.

    ## Why it matters
    Its blocks are so short that they repeat within a few dozen gigabytes, and then give the text away
    (SWEET32). It is slow, too, and audits fail on it.

    ## How to fix
    Take 3DES from the list of suites. Only Windows XP and its like know nothing better.
    """


@check
def rc4_is_refused(asked: WeakTls) -> Iterator[Verdict]:
    """RC4 is refused."""
    taken = asked.taken(_rc4)
    yield from _last_resort(asked, taken, Rc4, "RC4")


@check
def triple_des_is_refused(asked: WeakTls) -> Iterator[Verdict]:
    """3DES is refused."""
    taken = asked.taken(_triple_des)
    yield from _last_resort(asked, taken, TripleDes, "3DES")


def _last_resort(
    asked: WeakTls, taken: TakenSuites, kind: type[LastResort], cipher: str
) -> Iterator[Verdict]:
    if not taken.suites:
        yield from _left_open(taken, cipher)
        return
    made = usual(asked.survey)
    better = made is not None and made not in taken.suites
    yield kind(
        subject=asked.subject,
        suites=taken.names,
        chosen=", if only as a last resort: whoever offers better gets better" if better else "",
        evidence=taken.verdict.cites,
        fix=without(asked.survey.endpoint, (cipher,), taken.suites),
    )


@rule("tls/rsa-key-exchange", Severity.WARNING, Rfc(10015, "4"), Rfc(9325, "4.1"), since="1.0")
class RsaKeyExchange(AcceptedSuites):
    """A server for mail programs accepts keys encrypted to its certificate.

    ## Why it matters
    Whoever gets hold of the server's key one day can open every such connection that was recorded before; and
    servers keep having flaws that open them without the key (Bleichenbacher, ROBOT). It is forbidden since 2026.

    ## How to fix
    Take the suites without ECDHE from the list.
    """


@rule(
    "tls/rsa-key-exchange-on-25", Severity.NOTICE, Rfc(10015, "4"), Rfc(9325, "4.1"), Rfc(7435), since="1.0"
)
class RsaKeyExchangeOn25(AcceptedSuites):
    """An MX host accepts keys encrypted to its certificate.

    ## Why it matters
    Whoever gets hold of the server's key one day can open every such connection that was recorded before. It is
    forbidden since 2026. Senders of today choose something better; one that cannot would deliver in plain text.

    ## How to fix
    Look into the log for who still comes with it. Where nobody does, take these suites from the list.
    """


@check
def keys_are_agreed_on_afresh(asked: WeakTls) -> Iterator[Verdict]:
    """The key exchange of RSA is refused under TLS 1.2."""
    made = usual(asked.survey)
    if made is not None and not made.forward_secret:
        return  # the next check tells that there is nothing better
    taken = asked.taken(_rsa, (TLS12,))
    if taken.suites:
        kind = RsaKeyExchange if asked.client_port else RsaKeyExchangeOn25
        yield kind(
            subject=asked.subject,
            suites=taken.names,
            evidence=taken.verdict.cites,
            fix=without(asked.survey.endpoint, ("kRSA",), taken.suites),
        )
    else:
        yield from _left_open(taken, "the key exchange of RSA")


@rule("tls/no-forward-secrecy", Severity.WARNING, Rfc(9325, "4.1"), Rfc(10015, "4"), since="1.0")
class NoForwardSecrecy(Finding):
    """A server has clients encrypt their keys to its certificate although they offer better.

    ## Why it matters
    Whoever gets hold of the server's key one day, by theft or by law, can open every connection that was
    recorded before. The standards forbid it, and some clients refuse.

    ## How to fix
    Allow suites with ECDHE and put them first. Where there are none, update the TLS library.
    """

    message = "{subject} chooses {suite} although suites with forward secrecy were offered."
    suite: str


@check
def connections_have_forward_secrecy(spoken: SpokenTls) -> Iterator[Finding]:
    """What clients of today offer leads to forward secrecy."""
    survey = spoken.survey
    made = usual(survey)
    if made is not None and not made.forward_secret:
        yield NoForwardSecrecy(
            subject=str(survey.endpoint),
            suite=made.openssl,
            evidence=(survey.shown,),
            fix=tls_settings(
                survey.endpoint,
                Postfix="tls_preempt_cipherlist = no\nsmtpd_tls_exclude_ciphers = kRSA",
                Dovecot="ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE",
                **{
                    EXIM_OPENSSL: "tls_require_ciphers = ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE",
                    EXIM_GNUTLS: "tls_require_ciphers = NORMAL:-RSA",
                },
            ),
        )


class NoAead(Finding):
    """What both rules say."""

    message = "{subject} accepts no suite with authenticated encryption under TLS 1.2."


@rule("tls/cbc-only-12", Severity.NOTICE, Rfc(9325, "4.2"), Rfc(7366, "1"), since="1.0")
class CbcOnly(NoAead):
    """A server knows only the old kind of encryption, in which whoever receives a text must decrypt before he can check it.

    ## Why it matters
    That order (CBC, the checksum made first and encrypted with the text) has been attacked again and again, and every
    server has to hide it with care unless both sides know encrypt-then-MAC. The suites with GCM and ChaCha20 do both at
    once, and are faster; some clients offer nothing else.

    ## How to fix
    Update the TLS library, and allow suites with GCM or ChaCha20-Poly1305.
    """


@rule("tls/cbc-only-12-beside-13", Severity.INFO, Rfc(9325, "4.2"), since="1.0")
class CbcOnlyBeside13(NoAead):
    """Under TLS 1.2 a server knows only the old kind of encryption; under TLS 1.3 there is no other than the new.

    ## Why it matters
    Clients of today use TLS 1.3 and do not notice. Those with TLS 1.2 alone, and without the old suites, find
    nothing in common with it.

    ## How to fix
    Allow suites with GCM or ChaCha20-Poly1305 under TLS 1.2 too, or switch TLS 1.2 off.
    """


@check
def authenticated_encryption_is_on_offer(asked: FullTls) -> Iterator[Verdict]:
    """Under TLS 1.2 there is a suite with authenticated encryption."""
    survey = asked.survey
    if not survey.version(TLS12).yes:
        return
    taken = asked.taken(_authenticated, (TLS12,))
    if taken.verdict.no:
        kind = CbcOnlyBeside13 if survey.version(TLS13).yes else CbcOnly
        modern = "ECDHE+AESGCM:ECDHE+CHACHA20"
        yield kind(
            subject=asked.subject,
            evidence=taken.verdict.cites,
            fix=tls_settings(
                survey.endpoint,
                Postfix="smtpd_tls_ciphers = medium\nsmtpd_tls_mandatory_ciphers = medium",
                Dovecot=f"ssl_cipher_list = {modern}:HIGH:!aNULL:!kRSA",
                **{
                    EXIM_OPENSSL: f"tls_require_ciphers = {modern}:HIGH:!aNULL:!kRSA",
                    EXIM_GNUTLS: "tls_require_ciphers = NORMAL:-RSA",
                },
            ),
        )
    elif not taken.suites:
        yield from _left_open(taken, "authenticated encryption")


def usual(survey: TlsSurvey) -> Suite | None:
    """The suite of the usual handshake; None where it failed."""
    return by_openssl(survey.handshake.cipher) if isinstance(survey.handshake, Handshake) else None


def _left_open(taken: TakenSuites, what: str) -> Iterator[Undecided]:
    if because := doubt(taken.verdict):
        yield Undecided(f"whether {what} would be accepted: {because}")
