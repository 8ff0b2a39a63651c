"""What a POP3 server offers: TLS before a login, told in an answer that ends."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    Endpoint,
    Finding,
    Lack,
    Pop3Held,
    Pop3InClear,
    Pop3Survey,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

from .client_access import LackFinding, certificate_settings, dovecot


@rule("pop3/no-stls", Severity.ERROR, Rfc(2595, "4"), Rfc(8314, "4.1"), since="1.0")
class NoStls(LackFinding):
    """A POP3 server takes logins on port 110 and offers no TLS there.

    ## Why it matters
    Passwords and mail cross the network readable by anyone on the way, above all in public wireless
    networks.

    ## How to fix
    Give the server a certificate and require TLS, or close port 110 and keep port 995 only.
    """

    message = "{subject} takes logins and does not offer STLS."


@rule("pop3/user-before-tls", Severity.ERROR, Rfc(2595, "2.3"), Rfc(8314, "4.1"), since="1.0")
class UserBeforeTls(Finding):
    """A POP3 server invites a plain-text login before TLS.

    ## Why it matters
    A mail program that is set up carelessly, or one that an attacker keeps from using TLS, sends the
    password readable by anyone on the way.

    ## How to fix
    Forbid plain-text logins without TLS. Servers that list `USER` and refuse it before TLS should
    stop listing it.
    """

    message = "{subject} offers {how} before TLS."
    how: str


@check
def pop3_takes_logins_only_under_tls(clear: Pop3InClear) -> Iterator[Verdict]:
    """A POP3 server offers STLS, and plain-text logins only under it."""
    if Lack.STARTTLS in clear.survey.look.lacks:
        yield _no_stls(clear.survey)
    elif clear.offer.plain_logins:
        # Some servers list USER and refuse it all the same; only trying would tell (trap 33).
        yield UserBeforeTls(
            subject=clear.subject,
            how=", ".join(clear.offer.plain_logins),
            evidence=clear.lines(lambda line: bool(line.plain_logins)),
            certainty=Certainty.LIKELY,
            fix=_secure_logins(clear.survey.endpoint),
        )


@check
def pop3_server_without_capa_takes_stls(held: Pop3Held) -> Iterator[Verdict]:
    """A POP3 server that does not know CAPA takes STLS all the same."""
    survey = held.survey
    if survey.session.capa_supported is False and Lack.STARTTLS in survey.look.lacks:
        yield _no_stls(survey)


def _no_stls(survey: Pop3Survey) -> Verdict:
    return NoStls.twice(survey, Lack.STARTTLS, certificate_settings(survey.endpoint))


@rule("pop3/multiline-unterminated", Severity.ERROR, Rfc(1939, "3"), since="1.0")
class MultilineUnterminated(LackFinding):
    """A POP3 server does not end an answer of several lines with the dot that ends it.

    ## Why it matters
    Mail programs wait for the end until they give up, and fetch no mail.

    ## How to fix
    Update the POP3 server, or take away the filter in front of it that swallows the line.
    """

    message = "{subject} does not end its answer to CAPA with a lone dot."


@check
def pop3_answers_end(survey: Pop3Survey) -> Iterator[Verdict]:
    """A POP3 server ends an answer of several lines with a lone dot."""
    if survey.session.capa_unterminated is None:
        if survey.session.inconclusive:
            yield Undecided(survey.session.inconclusive, survey.cite(survey.session.because), survey.subject)
        return
    if Lack.END not in survey.look.lacks:
        yield Undecided(survey.session.inconclusive, survey.cite(survey.session.because), survey.subject)
        return
    yield MultilineUnterminated.twice(survey, Lack.END)


def _secure_logins(endpoint: Endpoint) -> tuple[Configure, ...]:
    return dovecot(
        endpoint,
        "ssl = required\ndisable_plaintext_auth = yes",
        "ssl = required\nauth_allow_cleartext = no",
    )
