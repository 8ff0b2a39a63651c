"""What an IMAP server offers: TLS before a login, a login under TLS, and IMAP itself."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    PLAINTEXT,
    Absent,
    Configure,
    Endpoint,
    ImapInClear,
    ImapUnderTls,
    Lack,
    Rfc,
    Severity,
    Unavailable,
    Undecided,
    VantagePoint,
    Verdict,
    check,
    rule,
    with_login,
)

from .client_access import LackFinding, certificate_settings, dovecot


@rule("imap/no-starttls", Severity.ERROR, Rfc(9051, "11.2"), Rfc(8314, "4.1"), since="1.0")
class NoStarttls(LackFinding):
    """An IMAP server takes logins on port 143 and offers no TLS there.

    ## Why it matters
    Passwords and mail cross the network readable by anyone on the way, above all in public wireless
    networks.

    ## How to fix
    Give the server a certificate and require TLS, or close port 143 and keep port 993 only.
    """

    message = "{subject} takes logins and does not offer STARTTLS."


@rule("imap/login-before-tls", Severity.ERROR, Rfc(9051, "6.2.2"), Rfc(9051, "6.2.3"), since="1.0")
class LoginBeforeTls(LackFinding):
    """An IMAP server takes a plain-text login before TLS.

    ## Why it matters
    A mail program that is set up carelessly, or one that an attacker keeps from using TLS, sends the
    password readable by anyone on the way.

    ## How to fix
    Forbid plain-text logins without TLS; the server then announces `LOGINDISABLED`, and `AUTH=PLAIN` no longer.
    """

    message = "{subject} takes plain-text logins before TLS: {how}."
    how: str


@check
def imap_takes_logins_only_under_tls(
    clear: ImapInClear, vantage: VantagePoint | Absent | Unavailable
) -> Iterator[Verdict]:
    """An IMAP server offers STARTTLS, and takes plain-text logins only under it."""
    survey, lacks = clear.survey, clear.survey.look.lacks
    exposed = [each for each in clear.offer.mechanisms if each in PLAINTEXT]
    if Lack.STARTTLS in lacks:
        yield NoStarttls.twice(survey, Lack.STARTTLS, certificate_settings(survey.endpoint))
    elif survey.session.preauth or not (exposed or Lack.LOGINDISABLED in lacks):
        return
    elif isinstance(vantage, VantagePoint) and vantage.is_ours(survey.endpoint.address):
        # Dovecot takes a connection from its own address for a secure one.
        yield Undecided("we look from the server's own address", clear.cites, clear.subject)
    elif exposed:
        yield LoginBeforeTls(
            subject=clear.subject,
            how=f"it offers {', '.join(exposed)}",
            evidence=clear.lines(with_login(*exposed)),
            certainty=survey.certainty,
            fix=_secure_logins(survey.endpoint),
        )
    else:
        # A mechanism that is offered is seen; that LOGINDISABLED is missing must be seen twice.
        fix = _secure_logins(survey.endpoint)
        yield LoginBeforeTls.twice(survey, Lack.LOGINDISABLED, fix, how="LOGINDISABLED is missing")


@rule("imap/logindisabled-under-tls", Severity.ERROR, Rfc(9051, "6.2.3"), since="1.0")
class LogindisabledUnderTls(LackFinding):
    """An IMAP server offers no way to log in, even under TLS.

    ## Why it matters
    No mail program can open the mailbox: the server forbids `LOGIN` and offers nothing in its place.

    ## How to fix
    Enable a mechanism for logins under TLS. Behind a proxy that ends TLS, tell the server that
    connections from the proxy are secure.
    """

    message = "{subject} forbids LOGIN under TLS and offers no other mechanism."


@check
def imap_takes_logins_under_tls(secure: ImapUnderTls) -> Iterator[Verdict]:
    """An IMAP server takes logins under TLS."""
    if Lack.LOGIN not in secure.survey.look.lacks:
        return
    fix = dovecot(
        secure.survey.endpoint,
        "auth_mechanisms = plain login\nlogin_trusted_networks = ADDRESS-OF-THE-PROXY",
        # Since 2.4 trusted networks are held secure only where TLS is not required of everybody.
        "auth_mechanisms = plain login\nlogin_trusted_networks = ADDRESS-OF-THE-PROXY\nssl = yes",
    )
    yield LogindisabledUnderTls.twice(secure.survey, Lack.LOGIN, fix)


@rule("imap/no-base-capability", Severity.ERROR, Rfc(9051, "7.2.2"), Rfc(3501, "7.2.1"), since="1.0")
class NoBaseCapability(LackFinding):
    """An IMAP server does not say that it speaks IMAP4rev1 or IMAP4rev2.

    ## Why it matters
    Mail programs take a server without it for one too old to use, and refuse.

    ## How to fix
    Put `IMAP4rev1` back into the capabilities; usually a setting that replaces the list has lost it.
    """

    message = "{subject} offers neither IMAP4rev1 nor IMAP4rev2."


@check
def imap_says_that_it_is_imap_before_tls(clear: ImapInClear) -> Iterator[Verdict]:
    """An IMAP server says before TLS that it speaks IMAP4rev1 or IMAP4rev2."""
    # Where the same is missing under TLS, it is told once, by the check on that.
    if clear.survey.session.capabilities_tls is None and Lack.IMAP in clear.survey.look.lacks:
        yield _no_base(clear)


@check
def imap_says_that_it_is_imap(secure: ImapUnderTls) -> Iterator[Verdict]:
    """An IMAP server says under TLS that it speaks IMAP4rev1 or IMAP4rev2."""
    if Lack.IMAP in secure.survey.look.lacks:
        yield _no_base(secure)


def _no_base(told: ImapInClear | ImapUnderTls) -> Verdict:
    # Empty, the setting means: what the server knows it can do.
    fix = Configure(told.survey.endpoint.host, "imap_capability =", "Dovecot 2.3")
    return NoBaseCapability.twice(told.survey, Lack.IMAP, (fix,))


def _secure_logins(endpoint: Endpoint) -> tuple[Configure, ...]:
    return dovecot(
        endpoint,
        "ssl = required\ndisable_plaintext_auth = yes",
        "ssl = required\nauth_allow_cleartext = no",
    )
