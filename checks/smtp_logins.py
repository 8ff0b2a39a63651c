"""Port 25 of the MX hosts: logins, which belong to other ports."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    ClientContact,
    Finding,
    InboundOffer,
    Many,
    Rfc,
    Service,
    Severity,
    Target,
    check,
    rule,
    with_keyword,
    with_login,
)

from .smtp_commands import IN_CLEAR
from .smtp_settings import settings


@rule("smtp/auth-on-mx", Severity.NOTICE, Rfc(8314, "3.3"), Rfc(6409, "3.1"), since="1.0")
class AuthOnMx(Finding):
    """A mail host takes logins on the port for mail from other servers.

    ## Why it matters
    Passwords are guessed there all day, beside the ports that you watch for it. People whose programs are set to
    port 25 cannot send from networks that block it.

    ## How to fix
    Offer AUTH on ports 465 and 587 only.
    """

    message = "{subject} offers AUTH {mechanisms}."
    mechanisms: str


@rule("smtp/auth-challenge-before-tls", Severity.NOTICE, Rfc(4954, "4"), Rfc(8314, "4.1"), since="1.0")
class AuthChallengeBeforeTls(Finding):
    """A mail host takes logins before encryption, though none that show the password.

    ## Why it matters
    Who listens can try passwords against what was said, at home and without limit; and the mail that follows the
    login can be read on the way.

    ## How to fix
    Offer AUTH under TLS only; on port 25 better not at all.
    """

    message = "{subject} offers AUTH {mechanisms} before encryption."
    mechanisms: str


@rule("smtp/auth-legacy-syntax", Severity.INFO, Rfc(4954, "3"), since="1.0")
class AuthLegacySyntax(Finding):
    """A mail host offers logins in the old way as well.

    ## Why it matters
    The standard knows `AUTH` and a space alone; the form `AUTH=` was for mail programs of the last century. It harms
    nobody.

    ## How to fix
    Switch it off, unless somebody still uses such a program.
    """

    message = "{subject} offers {line}."
    line: str


@check
def logins_belong_to_other_ports(
    offer: InboundOffer, contacts: Many[ClientContact], target: Target
) -> Iterator[Finding]:
    """A mail host offers no login on port 25."""
    subject, look = str(offer.endpoint), offer.look
    clear, secure = offer.clear.mechanisms, offer.tls.mechanisms if offer.tls else ()
    shown = [name for name in clear if name in IN_CLEAR]  # graver, and told by itself
    off = settings(
        look,
        Postfix="in master.cf, for port 25: -o smtpd_sasl_auth_enable=no",
        Exim="auth_advertise_hosts = ${if and{{!eq{$received_port}{25}}{def:tls_in_cipher}}{*}}",
    )
    if clear and not shown and target.counts_as_public(offer.endpoint.address):
        lines = offer.in_clear(with_login(*clear))
        yield AuthChallengeBeforeTls(subject=subject, mechanisms=" ".join(clear), evidence=lines, fix=off)
    elif secure and not clear and _submission_works(contacts):
        lines = offer.under_tls(with_login(*secure))
        yield AuthOnMx(subject=subject, mechanisms=" ".join(secure), evidence=lines, fix=off)
    best = offer.tls or offer.clear
    legacy = next((each.line for each in best.offered if each.name == "AUTH="), None)
    if legacy is not None:
        fix = settings(look, Postfix="broken_sasl_auth_clients = no")
        lines = offer.in_the_end(with_keyword("AUTH="))
        yield AuthLegacySyntax(subject=subject, line=legacy, evidence=lines, fix=fix)


def _submission_works(contacts: Many[ClientContact]) -> bool:
    """Where it does not, port 25 is all there is: submission/only-port-25 tells of that."""
    return any(each.service is Service.SUBMISSION and each.state.connected for each in contacts.values())
