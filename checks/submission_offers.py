"""What a submission server offers: TLS before a login, a login at all, and on which ports."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    PLAINTEXT,
    UNOFFICIAL,
    ClientContact,
    Configure,
    Endpoint,
    Finding,
    InboundOffer,
    Lack,
    Many,
    Reached,
    Rfc,
    Service,
    ServiceRecords,
    Severity,
    SubmissionInClear,
    SubmissionUnderTls,
    Target,
    Undecided,
    Verdict,
    check,
    is_below,
    rule,
    with_login,
)

from .client_access import LackFinding
from .smtp_settings import submission_services


@rule("submission/no-starttls", Severity.ERROR, Rfc(8314, "4.1"), Rfc(3207, "4"), since="1.0")
class NoStarttls(LackFinding):
    """A submission server asks for a login and offers no TLS.

    ## Why it matters
    Passwords and mail cross the network readable by anyone on the way, above all in public wireless
    networks. Mail programs that insist on TLS cannot send at all.

    ## How to fix
    Give the server a certificate and require STARTTLS on port 587, or switch to port 465 with TLS
    from the first octet.
    """

    message = "{subject} asks for a login and does not offer STARTTLS."


@rule("submission/cleartext-2525", Severity.WARNING, Rfc(8314, "4.1"), since="1.0")
class Cleartext2525(LackFinding):
    """The spare port 2525 takes logins without any TLS.

    ## Why it matters
    Whoever was told to use this port sends the password readable by anyone on the way.

    ## How to fix
    Require STARTTLS on this port as on 587, or close it and tell people to use port 465.
    """

    message = "{subject} takes logins and does not offer STARTTLS."


@check
def submission_offers_starttls(clear: SubmissionInClear) -> Iterator[Verdict]:
    """A submission server that asks for a login offers STARTTLS."""
    survey = clear.survey
    if Lack.STARTTLS not in survey.look.lacks:
        return
    kind = Cleartext2525 if survey.endpoint.port == UNOFFICIAL else NoStarttls
    yield kind.twice(survey, Lack.STARTTLS, _starttls(survey.endpoint))


@rule("submission/auth-before-tls", Severity.ERROR, Rfc(4954, "4"), Rfc(8314, "4.1"), since="1.0")
class AuthBeforeTls(Finding):
    """A submission server invites a plain-text login before TLS.

    ## Why it matters
    A mail program that is set up carelessly, or one that an attacker keeps from using TLS, sends the
    password readable by anyone on the way.

    ## How to fix
    Offer `AUTH` only once TLS is up.
    """

    message = "{subject} offers {mechanisms} before TLS."
    mechanisms: str


@check
def submission_asks_for_a_login_only_under_tls(clear: SubmissionInClear) -> Iterator[Finding]:
    """A submission server offers plain-text logins only once TLS is up."""
    exposed = [each for each in clear.offer.mechanisms if each in PLAINTEXT]
    # Without STARTTLS the graver finding is that there is no TLS: one cause is told once.
    if exposed and clear.offer.offers("STARTTLS"):
        host = clear.host
        yield AuthBeforeTls(
            subject=clear.subject,
            mechanisms=", ".join(exposed),
            evidence=clear.lines(with_login(*exposed)),
            fix=(
                Configure(host, "smtpd_tls_auth_only = yes", "Postfix main.cf"),
                Configure(host, "auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}", "Exim"),
            ),
        )


@rule("submission/no-auth", Severity.ERROR, Rfc(6409, "4.3"), Rfc(4954, "3"), since="1.0")
class NoAuth(LackFinding):
    """A submission server offers no login.

    ## Why it matters
    People cannot prove who they are, so the server must either refuse their mail or take mail from
    anyone.

    ## How to fix
    Turn on SMTP AUTH for the service on this port.
    """

    message = "{subject} offers no AUTH under TLS."


@check
def submission_offers_a_login(secure: SubmissionUnderTls) -> Iterator[Verdict]:
    """A submission server offers a login under TLS."""
    endpoint = secure.survey.endpoint
    if Lack.LOGIN not in secure.survey.look.lacks:
        return
    fix = (
        *submission_services(endpoint, secure.survey.tls == "implicit"),
        Configure(
            endpoint.host,
            "auth_advertise_hosts = ${if def:tls_in_cipher {*}}\n"
            '# and below "begin authenticators" one that has a server_condition',
            "Exim",
        ),
    )
    yield NoAuth.twice(secure.survey, Lack.LOGIN, fix)


@rule("submission/only-port-25", Severity.WARNING, Rfc(8314, "3.3"), Rfc(6409, "3.1"), since="1.0")
class OnlyPort25(Finding):
    """Logins are offered on port 25, and the ports for mail programs are closed.

    ## Why it matters
    Most access providers block port 25 for their customers, so people cannot send from home or on the
    road.

    ## How to fix
    Open port 465, and 587 for older programs, and stop offering logins on port 25.
    """

    message = "{subject} offers logins, while ports 465 and 587 are closed."


@check
def logins_have_a_port_of_their_own(
    offers: Many[InboundOffer], contacts: Many[ClientContact], target: Target
) -> Iterator[Verdict]:
    """Where logins are offered on port 25, a port for mail programs answers too."""
    submission = [each for each in contacts.values() if each.service is Service.SUBMISSION]
    if any(each.state.connected and each.endpoint.port != UNOFFICIAL for each in submission):
        return
    for offer in offers.values():
        own = offer.endpoint.host == target.domain or is_below(offer.endpoint.host, target.domain)
        # A provider's customers hand mail in at another host of his, which nobody need have published.
        if not own or not (offer.tls or offer.clear).mechanisms:
            continue
        tried = [each for each in submission if each.endpoint.host == offer.endpoint.host]
        subject = str(offer.endpoint)
        if any(each.state is Reached.CLOSED for each in tried) and not any(each.shut for each in tried):
            logins = offer.in_the_end(with_login(*(offer.tls or offer.clear).mechanisms))
            evidence = (*logins, *(each.cite() for each in tried))
            yield OnlyPort25(subject=subject, evidence=evidence)
        else:
            yield Undecided("nothing answers on ports 465 and 587, closed or not", offer.cites, subject)


@rule("submission/no-implicit-tls", Severity.NOTICE, Rfc(8314, "3"), Rfc(8314, "3.3"), since="1.0")
class NoImplicitTls(Finding):
    """Submission works on port 587 only, where TLS begins with a request in plain text.

    ## Why it matters
    Where a mail program does not insist on TLS, an attacker on the way can strip that request; with TLS from the
    first octet, on port 465, there is nothing to strip. That is what the standard recommends.

    ## How to fix
    Open port 465 with the same service and publish `_submissions._tcp`.
    """

    message = "{subject} takes submissions on port 587 and not on 465."


@check
def submission_offers_implicit_tls(
    contacts: Many[ClientContact], records: Many[ServiceRecords], target: Target
) -> Iterator[Verdict]:
    """A host published for submission has port 465 open beside 587."""
    declined = records.get(f"_submissions._tcp.{target.domain}")
    if isinstance(declined, ServiceRecords) and declined.declined:
        return
    closed = {
        (each.endpoint.host, each.endpoint.address): each
        for each in contacts.values()
        if each.endpoint.port == 465 and each.state is Reached.CLOSED
    }
    hosts: dict[str, list[ClientContact]] = {}
    for contact in contacts.values():
        twin = closed.get((contact.endpoint.host, contact.endpoint.address))
        if contact.endpoint.port == 587 and contact.published and contact.state is Reached.OPEN and twin:
            hosts.setdefault(contact.endpoint.host, []).extend((contact, twin))
    for host, pair in hosts.items():
        evidence = tuple(each.cite(None if each.endpoint.port == 465 else each.begins_tls) for each in pair)
        if any(each.shut for each in pair):
            yield Undecided("port 465 is shut at our own end", evidence, host)
            continue
        yield NoImplicitTls(
            subject=host,
            evidence=evidence,
            fix=submission_services(pair[0].endpoint, True),
        )


def _starttls(endpoint: Endpoint) -> tuple[Configure, ...]:
    return (
        Configure(
            endpoint.host,
            "smtpd_tls_chain_files = /etc/ssl/mail/privkey.pem, /etc/ssl/mail/fullchain.pem\n"
            "smtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes",
            "Postfix main.cf",
        ),
        *submission_services(endpoint, False),
        Configure(
            endpoint.host,
            "tls_advertise_hosts = *\ntls_certificate = /etc/ssl/mail/fullchain.pem\n"
            "tls_privatekey = /etc/ssl/mail/privkey.pem",
            "Exim",
        ),
    )
