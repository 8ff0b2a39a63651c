"""STARTTLS on port 25 of the MX hosts: is it offered, is it given, and does the mail go on under it (RFC 3207)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diag.api import (
    Certainty,
    Document,
    Ending,
    Finding,
    Handshake,
    InboundHandshake,
    InboundInjection,
    InboundSurvey,
    InboundTls,
    Look,
    Rfc,
    Severity,
    TlsFailure,
    TlsTrouble,
    Undecided,
    Verdict,
    check,
    failure,
    rule,
    shaken,
    visible,
)

from .smtp_settings import settings
from .tls_hello import handshake_words

CERTIFICATE = {
    "Postfix": "smtpd_tls_security_level = may\nsmtpd_tls_chain_files = <private key, then certificate chain>",
    "Exim": "tls_advertise_hosts = *\ntls_certificate = <chain>\ntls_privatekey = <key>",
    "Exchange": "Set-ReceiveConnector <name> -TlsCertificateName <the certificate>\nand Tls among its -AuthMechanism",
}


@rule("smtp/starttls-missing", Severity.ERROR, Rfc(3207, "4"), Rfc(7435), since="1.0")
class StarttlsMissing(Finding):
    """A mail host offers no encryption.

    ## Why it matters
    Mail to this host travels in plain text past everybody on the way. Receivers' statistics, authorities
    and some large senders hold it against the domain, and senders that insist on TLS do not deliver.

    ## How to fix
    Give the mail server a certificate and switch STARTTLS on.
    """

    message = "{subject} does not offer STARTTLS."


@rule("smtp/starttls-flaps", Severity.WARNING, Rfc(3207, "4"), since="1.0")
class StarttlsFlaps(Finding):
    """A mail host gives TLS on some connections and not on others.

    ## Why it matters
    One of several machines behind this address is set up differently. Part of the mail travels in plain
    text, and senders that insist on TLS deliver late or not at all.

    ## How to fix
    Compare the machines behind the address; give all of them the same TLS settings and certificate.
    """

    message = "{subject} {once}, and gives TLS on another connection."
    once: str


@check
def starttls_is_offered(survey: InboundSurvey) -> Iterator[Verdict]:
    """A mail host offers STARTTLS."""
    lacking = [look for look in survey.looks if look.session.lacks_starttls]
    offering = [look for look in survey.looks if look.session.offer and look.session.offer.offers("STARTTLS")]
    evidence = tuple(look.cite(_ehlo(look)) for look in (*lacking, *offering))
    if lacking and offering:
        yield StarttlsFlaps(
            subject=str(survey.endpoint), once="does not offer STARTTLS on one connection", evidence=evidence
        )
    elif len(lacking) > 1:
        yield StarttlsMissing(
            subject=str(survey.endpoint),
            evidence=evidence,
            certainty=survey.certainty,
            fix=settings(survey.look, **CERTIFICATE),
        )
    elif not offering:
        # With one look that lacks it, the other one decided nothing.
        other = next((look for look in survey.looks if look not in lacking), None)
        because = other.doubt.because if other else "one look alone does not show that STARTTLS is missing"
        yield Undecided(because, other.doubt.evidence if other else evidence)


def _ehlo(look: Look) -> int | None:
    return look.session.ehlo.last if look.session.ehlo else None


@rule("smtp/starttls-refused", Severity.ERROR, Rfc(3207, "4"), since="1.0")
class StarttlsRefused(Finding):
    """A mail host offers STARTTLS and refuses it.

    ## Why it matters
    Senders fall back to plain text, or do not deliver at all where a policy of the domain demands TLS.

    ## How to fix
    Look into the server's log: most often it cannot read its certificate or key, or they do not fit.
    """

    message = '{subject} offers STARTTLS and refuses it: "{line}".'
    line: str


@check
def starttls_is_given(tls: InboundTls) -> Iterator[Verdict]:
    """A mail host that offers STARTTLS goes ahead with it."""
    refused = [look for look in tls.tries if look.refused_starttls]
    if not refused:
        return
    said = refused[0].refused_starttls
    line = refused[0].line(said.last if said else None)
    evidence = tuple(look.cite(look.refused_starttls.last) for look in refused if look.refused_starttls)
    if len(refused) < len(tls.tries):
        yield StarttlsFlaps(subject=str(tls.endpoint), once=f'refuses STARTTLS ("{line}")', evidence=evidence)
    elif len(refused) > 1:
        yield StarttlsRefused(
            subject=str(tls.endpoint),
            line=line,
            evidence=evidence,
            certainty=tls.certainty,
            fix=settings(refused[0], **CERTIFICATE),
        )
    else:
        yield Undecided(f'refused once, and the second look decided nothing: "{line}"', evidence)


@rule("smtp/starttls-handshake-fails", Severity.ERROR, Rfc(3207, "4"), Rfc(3207, "6"), since="1.0")
class StarttlsHandshakeFails(Finding):
    """A mail host agrees to encrypt, and then it does not work.

    ## Why it matters
    Senders give up this connection. Some try again in plain text, others never do, and the mail
    waits and is returned.

    ## How to fix
    Look into the server's log for the TLS error: usually a certificate and key that do not fit, a
    damaged file, protocol versions and ciphers narrowed so far that nothing is left, or a file that holds
    far more certificates than the server's own and its intermediates.
    """

    message = "{subject} agrees to STARTTLS, and the handshake fails: {why}."
    why: str


@rule("smtp/client-cert-demanded", Severity.ERROR, Rfc(3207, "4"), since="1.0")
class ClientCertDemanded(Finding):
    """A mail host demands a certificate from everybody who delivers mail.

    ## Why it matters
    Ordinary senders have none to show; their mail is refused, or goes in plain text.

    ## How to fix
    Ask for client certificates on private connections only; on port 25 take whoever has none.
    """

    message = "{subject} demands a certificate of every sender: {why}."
    why: str


@check
def no_certificate_is_demanded_of_senders(tls: InboundTls) -> Iterator[Finding]:
    """No certificate is demanded of senders."""
    for look in tls.tries:
        if demand := _demand(look):
            event, why = demand
            fix = settings(
                look,
                Postfix="smtpd_tls_req_ccert = no",
                Exim="tls_verify_hosts = (empty); tls_try_verify_hosts asks without demanding",
                Exchange="Set-ReceiveConnector <name> -RequireTLS $false -DomainSecureEnabled $false",
            )
            yield ClientCertDemanded(
                subject=str(tls.endpoint), why=why, evidence=(look.cite(event),), fix=fix
            )
            return


def _demand(look: Look) -> tuple[int | None, str] | None:
    """Where a client certificate was demanded: by an alert in or after the handshake, or in words."""
    session = look.session
    failed = session.handshake
    if isinstance(failed, TlsFailure) and failed.alert == CERTIFICATE_REQUIRED:
        return session.secured, "TLS alert certificate_required"
    # In TLS 1.3 the alert comes when the client believes that the handshake is over (RFC 8446 section 4.4.2).
    if "certificate required" in look.transcript.closed.detail:
        return session.closed_event, "TLS alert certificate_required"
    # Postfix says it with 421 to the first command under TLS: what is said is the demand, not that it lacks something.
    for said in (session.ehlo_tls, session.mail):
        if said and said.reply and said.reply.kind in (4, 5) and _IN_WORDS.search(said.reply.text[:1000]):
            return said.last, f'"{look.line(said.last)}"'
    return None


CERTIFICATE_REQUIRED = "certificate_required"
_IN_WORDS = re.compile(
    r"client certificate|certificate (is )?required|(need|present|require|provide).{0,20}certificate", re.I
)


@check
def starttls_handshake_succeeds(seen: InboundHandshake) -> Iterator[Verdict]:
    """The handshake that follows STARTTLS succeeds."""
    failed, classical = seen.failed, seen.classical
    evidence = tuple(
        look.cite(look.session.secured) for look in (*failed, classical) if failure(look) and look
    )
    subject = str(seen.tls.endpoint)
    if seen.completed:
        if (first := failure(failed[0]) if failed else None) is not None and not first.put_off:
            once = f"fails in the TLS handshake ({_why(failed[0])})"
            yield StarttlsFlaps(subject=subject, once=once, evidence=evidence)
    elif classical is None:
        yield Undecided("STARTTLS was refused, so that there was no handshake", (seen.tls.cite,))
    elif failure(classical) is None:
        # Where it works, the size or the newness of our usual hello is to blame (checks.tls_hello).
        if not shaken(classical):
            because = f"failed once ({_why(failed[0])}), and the second look decided nothing"
            yield Undecided(because, (*evidence, *classical.doubt.evidence))
    elif because := next((why for look in (*failed, classical) if (why := _undecided(look))), ""):
        yield Undecided(because, evidence)
    elif not any(_demand(look) for look in (*failed, classical)):
        yield StarttlsHandshakeFails(
            subject=subject,
            why=_why(failed[0]),
            evidence=evidence,
            certainty=seen.tls.certainty if all(map(_answered, failed)) else Certainty.LIKELY,
            fix=settings(failed[0], **CERTIFICATE),
        )


def _undecided(look: Look) -> str:
    """Why a failure says nothing of the host; our hello is not to blame, as a small one failed too."""
    failed = failure(look)
    if failed is None:
        return ""
    if failed.put_off:
        return f'the host turns us away for now, in place of the handshake: "{visible(failed.put_off)}"'
    if failed.ours:
        return f"our own TLS library breaks off, and others may not: {failed.detail or failed.reason}"
    # Whoever is on the way can do that, on our side too.
    return {
        TlsTrouble.RESET: "the connection is reset in the handshake: by the host, or on the way",
        TlsTrouble.TIMED_OUT: "nothing comes after the go-ahead for TLS: by the host's fault, or on the way",
    }.get(failed.reason, "")


def _answered(look: Look) -> bool:
    """Whether the peer spoke: a close could come from something on the way as well."""
    failed = failure(look)
    return failed is not None and failed.reason is not TlsTrouble.CLOSED


def _why(look: Look) -> str:
    return handshake_words(failure(look))


@rule("smtp/ehlo-after-tls-fails", Severity.ERROR, Rfc(3207, "4.2"), since="1.0")
class EhloAfterTlsFails(Finding):
    """After encryption has begun, the mail host does not go on.

    ## Why it matters
    Senders must introduce themselves anew under TLS. Where that is refused, no encrypted mail gets in.

    ## How to fix
    Look into the server's log; often a proxy in front takes TLS and does not tell the server behind it.
    """

    message = "{subject} takes STARTTLS and then {what}."
    what: str


@check
def conversation_goes_on_under_tls(tls: InboundTls) -> Iterator[Verdict]:
    """EHLO is answered under TLS."""
    secured = [look for look in tls.tries if isinstance(look.session.handshake, Handshake)]
    broken = [look for look in secured if look.session.offer_tls is None]
    if len(broken) < len(secured) or not broken:
        return
    look = broken[0]
    refusals = [each for each in broken if _refusal(each) and not _demand(each)]
    if len(refusals) > 1:
        events = (each.session.ehlo_tls.cited for each in refusals if each.session.ehlo_tls)
        yield EhloAfterTlsFails(
            subject=str(tls.endpoint),
            what=_refusal(look) or "does not answer EHLO",
            evidence=tuple(each.cite(event) for each, event in zip(refusals, events, strict=True)),
            certainty=tls.certainty,
        )
    else:
        yield Undecided(look.doubt.because, look.doubt.evidence)


def _refusal(look: Look) -> str:
    """What came in place of a 250; empty where it says nothing of the host."""
    session, ehlo = look.session, look.session.ehlo_tls
    reply = ehlo.reply if ehlo is not None else None
    if ehlo is None or session.throttled is not None or (reply is not None and look.about_us(ehlo)):
        return ""
    if reply is not None and reply.kind == 5:
        return f'refuses EHLO: "{look.line(ehlo.last)}"'
    ended = session.closed in (Ending.BY_PEER, Ending.RESET, Ending.FAILED)
    return "closes the connection instead of answering EHLO" if reply is None and ended else ""


@rule(
    "smtp/starttls-command-injection",
    Severity.ERROR,
    Rfc(3207, "4.2"),
    Document("CVE-2011-0411", "https://nvd.nist.gov/vuln/detail/CVE-2011-0411"),
    since="1.0",
)
class StarttlsCommandInjection(Finding):
    """A mail host obeys, under TLS, commands that came in plain text before it.

    ## Why it matters
    Somebody on the way can put commands of his own before the encryption begins; the host takes them for
    the sender's. Mail, and on other ports passwords, can be led astray although TLS is in use.

    ## How to fix
    Update the mail server, or the proxy that takes TLS for it: this has been mended since 2011.
    """

    message = '{subject} obeyed a command under TLS that was sent in plain text before: "{line}".'
    line: str


@check
def nothing_from_before_tls_is_obeyed_under_it(injection: InboundInjection) -> Iterator[Finding]:
    """Commands sent in plain text are not obeyed under TLS."""
    if injection.obeyed:
        fix = settings(
            injection.look,
            Postfix="Postfix 2.5.12, 2.6.9, 2.7.3, 2.8.0 or any later release",
            Exim="a current release (4.95 or later), and no TLS proxy in front that keeps plain text",
        )
        yield StarttlsCommandInjection(
            subject=str(injection.endpoint), line=injection.line, evidence=(injection.cite,), fix=fix
        )


@rule("smtp/starttls-leftover", Severity.WARNING, Rfc(3207, "4.2"), since="1.0")
class StarttlsLeftover(Finding):
    """A mail host says more in plain text after it has agreed to encrypt.

    ## Why it matters
    Programs that mix up what came before and after the start of TLS can be made to believe things that
    nobody said to them. Such octets are a sign of that flaw here, or of somebody on the way.

    ## How to fix
    Update the mail server; look for a proxy in front that answers in its place.
    """

    message = '{subject} sends "{octets}" in plain text after it agreed to STARTTLS.'
    octets: str


@rule("smtp/starttls-offered-twice", Severity.NOTICE, Rfc(3207, "4.2"), since="1.0")
class StarttlsOfferedTwice(Finding):
    """A mail host offers STARTTLS again when TLS is there already.

    ## Why it matters
    It must not; it hints at a proxy that takes TLS for a server that does not know.

    ## How to fix
    Let the proxy tell the server that the connection is encrypted, or hide the keyword.
    """

    message = "{subject} offers STARTTLS again under TLS."


@check
def plain_text_ends_where_tls_begins(tls: InboundTls) -> Iterator[Finding]:
    """Nothing is sent in plain text once STARTTLS was agreed to, nor is it offered again."""
    for look in tls.tries:
        session = look.session
        if session.leftover and isinstance(session.handshake, Handshake):
            yield StarttlsLeftover(
                subject=str(tls.endpoint),
                octets=visible(session.leftover[:80]),
                evidence=(look.cite(session.secured),),
            )
        if session.ehlo_tls and session.offer_tls and session.offer_tls.offers("STARTTLS"):
            yield StarttlsOfferedTwice(
                subject=str(tls.endpoint), evidence=(look.cite(session.ehlo_tls.last),)
            )
