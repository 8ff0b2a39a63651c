"""The rule, and the check that raises it: no input or output, no wording beside the rule's."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Configure, Finding, Rfc, Severity, check, rule

from .facts import SieveEcho, SieveServer


@rule("sieve/no-starttls", Severity.ERROR, Rfc(5804, "1.7"), Rfc(5804, "2.2"), since="1.0")
class NoStarttls(Finding):
    """The server for mail filters offers no encryption.

    ## Why it matters
    Whoever listens on the way reads the mailbox password, which is the same one that opens the mail;
    careful programs refuse to log in at all.

    ## How to fix
    Give the server a certificate and switch TLS on for ManageSieve.
    """

    message = "The ManageSieve server {subject} ({implementation}) does not offer STARTTLS."
    implementation: str


@check
def sieve_offers_tls(server: SieveServer) -> Iterator[Finding]:
    """The server for mail filters offers encryption."""
    if not server.starttls:
        setting = Configure(server.host, "ssl = yes\nssl_cert = </path/to/chain.pem", "Dovecot")
        yield NoStarttls(
            subject=f"{server.host}:{server.port}",
            implementation=server.implementation or "unnamed",
            evidence=server.asked,
            fix=(setting,),
        )


@rule("sieve/tag-lost", Severity.NOTICE, Rfc(5804, "2.13"), since="1.0")
class TagLost(Finding):
    """The server for mail filters does not give back the tag of a NOOP.

    ## Why it matters
    Programs that lost count of the answers find their place again by it; here they must connect anew.

    ## How to fix
    Update the ManageSieve server.
    """

    message = "The ManageSieve server {subject} answers NOOP without its tag."


@check
def sieve_gives_tags_back(echo: SieveEcho) -> Iterator[Finding]:
    """The server for mail filters gives back the tag of a NOOP."""
    if not echo.given_back:
        yield TagLost(subject=f"{echo.host}:{echo.port}", evidence=echo.asked)
