"""ManageSieve (RFC 5804): whether passwords for mail filters travel under TLS, and TLS is set up as clients expect."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    PLAINTEXT,
    Absent,
    Configure,
    Finding,
    Lack,
    Reached,
    Rfc,
    Severity,
    SieveHeld,
    SieveInClear,
    SieveSurvey,
    Unavailable,
    Undecided,
    VantagePoint,
    Verdict,
    check,
    rule,
    with_login,
)

from .client_access import (
    LackFinding,
    LeftoverFinding,
    TlsFailsFinding,
    TlsFirstFinding,
    certificate_settings,
    dovecot,
)


@rule("managesieve/greeting-malformed", Severity.ERROR, Rfc(5804, "1.7"), Rfc(5804, "1.8"), since="1.0")
class GreetingMalformed(Finding):
    """What comes first from the ManageSieve port is no list of capabilities.

    ## Why it matters
    Programs that manage mail filters hang up at once: people can change neither their filters nor their
    out-of-office replies.

    ## How to fix
    Look at what listens on this port. A ManageSieve server begins by telling its capabilities in plain text;
    TLS is asked for after that.
    """

    message = "{subject} does not begin with the capabilities of a ManageSieve server."


@rule("managesieve/tls-on-4190", Severity.ERROR, Rfc(5804, "1.7"), Rfc(5804, "2.2"), since="1.0")
class TlsOn4190(TlsFirstFinding):
    """The ManageSieve port waits for TLS from the first octet.

    ## Why it matters
    Programs that manage mail filters wait there for capabilities in plain text, which never come, and give up after
    minutes.

    ## How to fix
    Turn TLS from the first octet off for the listener on this port: it is asked for by STARTTLS there.
    """

    message = "{subject} waits for TLS instead of telling its capabilities; clients expect STARTTLS there."


@check
def managesieve_begins_with_capabilities(survey: SieveSurvey) -> Iterator[Verdict]:
    """A ManageSieve server begins by telling its capabilities."""
    session = survey.session
    shown = survey.cite(session.greeting.cited if session.greeting and session.greeting.reply else None)
    kind = {Reached.MALFORMED: GreetingMalformed, Reached.SPEAKS_TLS: TlsOn4190}.get(session.state)
    if kind is not None:
        yield kind(subject=survey.subject, evidence=survey.cite(session.because), fix=(_listener(survey),))
    elif session.state is not Reached.OPEN:
        yield Undecided(session.inconclusive, shown, survey.subject)


@rule("managesieve/no-starttls", Severity.ERROR, Rfc(5804, "1.7"), Rfc(5804, "2.2"), since="1.0")
class NoStarttls(LackFinding):
    """A ManageSieve server takes passwords and offers no TLS.

    ## Why it matters
    It is the password of the mailbox that is sent here, readable by anyone on the way.

    ## How to fix
    Give the server a certificate and require TLS, or close the port to strangers.
    """

    message = "{subject} takes passwords and does not offer STARTTLS."


@rule("managesieve/plaintext-auth", Severity.ERROR, Rfc(5804, "2.1"), Rfc(5804, "1.7"), since="1.0")
class PlaintextAuth(Finding):
    """A ManageSieve server takes a plain-text login before TLS.

    ## Why it matters
    A program that is set up carelessly, or one that an attacker keeps from using TLS, sends the password of the
    mailbox readable by anyone on the way.

    ## How to fix
    Forbid plain-text logins without TLS; the list of mechanisms before TLS then holds none of them, and may be empty.
    """

    message = "{subject} offers {mechanisms} before TLS."
    mechanisms: str


@check
def managesieve_takes_passwords_only_under_tls(
    clear: SieveInClear, vantage: VantagePoint | Absent | Unavailable
) -> Iterator[Verdict]:
    """A ManageSieve server offers STARTTLS, and plain-text logins only under it."""
    survey = clear.survey
    exposed = [each for each in clear.offer.mechanisms if each in PLAINTEXT]
    if Lack.STARTTLS in survey.look.lacks:
        yield NoStarttls.twice(survey, Lack.STARTTLS, certificate_settings(survey.endpoint))
    elif exposed and isinstance(vantage, VantagePoint) and vantage.is_ours(survey.endpoint.address):
        # Dovecot takes a connection from its own address for a secure one.
        yield Undecided("we look from the server's own address", clear.cites, clear.subject)
    elif exposed:
        fix = dovecot(
            survey.endpoint,
            "ssl = required\ndisable_plaintext_auth = yes",
            "ssl = required\nauth_allow_cleartext = no",
        )
        shown = clear.lines(with_login(*exposed))
        yield PlaintextAuth(subject=clear.subject, mechanisms=", ".join(exposed), evidence=shown, fix=fix)


@rule("managesieve/tls-fails", Severity.ERROR, Rfc(5804, "2.2"), Rfc(5804, "1.7"), since="1.0")
class TlsFails(TlsFailsFinding):
    """TLS cannot be set up on a ManageSieve port that offers it.

    ## Why it matters
    Programs refuse to send a password without TLS, so nobody can change filters or out-of-office replies.

    ## How to fix
    Look into the server's log for the handshake that failed. Usually the certificate or its key cannot
    be read, do not belong together, or all TLS versions in common use are switched off.
    """


@check
def managesieve_sets_up_tls(survey: SieveSurvey) -> Iterator[Verdict]:
    """TLS can be set up on a ManageSieve port that offers it."""
    return TlsFails.told_of(survey, certificate_settings(survey.endpoint))


@rule("managesieve/starttls-leftover", Severity.WARNING, Rfc(5804, "2.2"), since="1.0")
class StarttlsLeftover(LeftoverFinding):
    """A ManageSieve server sends plain text after its go-ahead for TLS.

    ## Why it matters
    Whoever can put text there can make a program believe it came under TLS. Careful programs break the
    connection off.

    ## How to fix
    Update the ManageSieve server, and look for a proxy in front of it that answers in its place.
    """


@check
def managesieve_is_silent_before_the_handshake(held: SieveHeld) -> Iterator[Finding]:
    """A ManageSieve server says nothing between its go-ahead for TLS and the handshake."""
    return StarttlsLeftover.told_of(held.survey)


@rule("managesieve/no-capabilities-after-tls", Severity.NOTICE, Rfc(5804, "2.2"), since="1.0")
class NoCapabilitiesAfterTls(Finding):
    """A ManageSieve server does not tell its capabilities again once TLS stands.

    ## Why it matters
    The standard has the server speak first after the handshake. Programs that wait for it hang until they give
    up, and people cannot change their filters.

    ## How to fix
    Update the ManageSieve server.
    """

    message = "{subject} says nothing once TLS stands; clients wait for its capabilities there."


@check
def managesieve_tells_its_capabilities_again(survey: SieveSurvey) -> Iterator[Verdict]:
    """A ManageSieve server tells its capabilities unasked once TLS stands."""
    session = survey.session
    if session.resent is False:
        asked = next(step for step in session.exchanges if step.verb == "CAPABILITY")
        yield NoCapabilitiesAfterTls(
            subject=survey.subject, evidence=survey.cite(session.secured, asked.asked)
        )
    elif session.resent is None and session.inconclusive:
        yield Undecided(session.inconclusive, survey.cite(session.because), survey.subject)


def _listener(survey: SieveSurvey) -> Configure:
    setting = (
        "service managesieve-login {\n"
        f"  inet_listener sieve {{\n    port = {survey.endpoint.port}\n    ssl = no\n  }}\n}}"
    )
    return Configure(survey.endpoint.host, setting, "Dovecot")
