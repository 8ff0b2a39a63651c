"""A login without TLS: tried only where the user asks for it, with a login of his own."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Certainty, ClearLogin, Configure, Finding, Rfc, Severity, check, rule


@rule("submission/auth-accepted-in-clear", Severity.CRITICAL, Rfc(8314, "4.1"), Rfc(4954, "4"), since="1.0")
class AuthAcceptedInClear(Finding):
    """A submission server lets people log in without encryption.

    ## Why it matters
    A mail program that is set up wrongly sends its password in clear, and it works, so that nobody notices.
    Whoever listens on the way, such as in a hotel's network, reads the password and sends in your name.

    ## How to fix
    Let the server take logins only under TLS. Then change the password that this test sent in clear, as
    well as those of people whose programs were set up that way.
    """

    message = "{subject} took a login without encryption: the password can be read on the way."


@check
def nobody_logs_in_without_tls(port: ClearLogin) -> Iterator[Finding]:
    """A submission server takes no login without TLS."""
    if port.accepted:
        host = port.endpoint.host
        yield AuthAcceptedInClear(
            subject=str(port.endpoint),
            evidence=(port.cite,),
            certainty=Certainty.CERTAIN,
            fix=(
                Configure(host, "smtpd_tls_auth_only = yes", "Postfix main.cf"),
                Configure(host, "auth_advertise_hosts = ${if def:tls_in_cipher {*}}", "Exim"),
                Configure(host, "auth_allow_cleartext = no", "Dovecot 2.4"),
                Configure(host, "disable_plaintext_auth = yes", "Dovecot 2.3"),
            ),
        )
