"""What a POP3 server tells and offers beyond the login: nothing that fails today, and what is better otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diag.api import (
    ApopOffered,
    Configure,
    Finding,
    Pop3Held,
    Pop3UnderTls,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
    with_keyword,
)

from .client_access import says


@rule("pop3/apop-offered", Severity.NOTICE, Rfc(1939, "7"), Rfc(6151, "2.1"), since="1.0")
class ApopOfferedByGreeting(Finding):
    """A POP3 server invites mail programs to log in by APOP.

    ## Why it matters
    APOP rests on MD5, which does not hold any more: an attacker on the way can find out the password. And the
    server must keep every password in clear to check it.

    ## How to fix
    Switch APOP off; the greeting then has no timestamp in it. Under TLS a plain login is the safer one.
    """

    message = "{subject} offers APOP: its greeting holds {timestamp}."
    timestamp: str


@rule("pop3/apop-replayable", Severity.WARNING, Rfc(1939, "7"), since="1.0")
class ApopReplayable(Finding):
    """A POP3 server invites mail programs to log in by APOP, with the same timestamp every time.

    ## Why it matters
    Who has listened to one login can repeat it and read the mail: nothing in it changes from one to the next.

    ## How to fix
    Switch APOP off. If it must stay, the timestamp in the greeting has to be another one in every connection.
    """

    message = "{subject} offers APOP with a timestamp that does not change: {timestamp}."
    timestamp: str


@check
def pop3_server_offers_no_apop(offered: ApopOffered) -> Iterator[Finding]:
    """A POP3 server does not invite mail programs to log in by APOP."""
    survey, timestamp = offered.survey, offered.timestamp
    greeted = survey.cite(survey.session.greeting.cited if survey.session.greeting else None)
    if offered.repeated is not None:
        yield ApopReplayable(
            subject=offered.subject, timestamp=timestamp, evidence=(*greeted, offered.repeated)
        )
    else:
        # Dovecot puts a timestamp into the greeting only where the mechanism is on.
        fix = Configure(survey.endpoint.host, "auth_mechanisms = plain login", "Dovecot")
        yield ApopOfferedByGreeting(
            subject=offered.subject, timestamp=timestamp, evidence=greeted, fix=(fix,)
        )


@rule("pop3/no-capa", Severity.NOTICE, Rfc(2449, "5"), since="1.0")
class NoCapa(Finding):
    """A POP3 server does not say what it can do.

    ## Why it matters
    Mail programs find out about TLS, about leaving mail on the server and about ways to log in by asking. Where
    they get no answer they must guess, and some guess that there is no TLS.

    ## How to fix
    Update the POP3 server, or the proxy in front of it: CAPA has been in the standard since 1998.
    """

    message = "{subject} refuses CAPA: {reply}."
    reply: str


@check
def pop3_server_answers_capa(held: Pop3Held) -> Iterator[Verdict]:
    """A POP3 server answers CAPA."""
    survey = held.survey
    if survey.session.capa_supported is not False:
        return
    refused = next(step for step in survey.session.exchanges if step.verb == "CAPA" and step.reply)
    if refused.reply is not None and refused.reply.known_code in _PASSING:
        yield Undecided(f"CAPA is put off: {says(refused.reply)}", survey.cite(refused.last), survey.subject)
    else:
        yield NoCapa(subject=survey.subject, reply=says(refused.reply), evidence=survey.cite(refused.last))


@rule("pop3/no-uidl-top", Severity.NOTICE, Rfc(1939, "7"), Rfc(2449, "6"), since="1.0")
class NoUidlTop(Finding):
    """A POP3 server lacks what mail programs need to leave mail on it.

    ## Why it matters
    Without UIDL a mail program cannot know which messages it has seen: people who leave mail on the server get
    all of it again and again. Without TOP they cannot look at headers before they load a large message.

    ## How to fix
    Switch UIDL and TOP on, or update the POP3 server.
    """

    message = "{subject} does not offer {lacking}."
    lacking: str


@check
def pop3_server_lets_mail_stay(secure: Pop3UnderTls) -> Iterator[Finding]:
    """A POP3 server offers UIDL and TOP, without which no mail can be left on it."""
    lacking = [name for name in ("UIDL", "TOP") if not secure.offer.offers(name)]
    if lacking:
        yield NoUidlTop(subject=secure.subject, lacking=" and ".join(lacking), evidence=secure.cites)


@rule("pop3/stls-offered-twice", Severity.NOTICE, Rfc(2595, "4"), since="1.0")
class StlsOfferedTwice(Finding):
    """A POP3 server offers TLS inside of TLS.

    ## Why it matters
    A mail program that takes it up gets an error, or a connection that hangs. It is a sign that what ends TLS and
    what reads mail do not know of each other, as with a proxy whose server does not know that TLS is on.

    ## How to fix
    Tell the server behind the proxy that connections from it are secure, or update it.
    """

    message = "{subject} offers STLS under TLS."


@check
def pop3_server_offers_stls_once(secure: Pop3UnderTls) -> Iterator[Finding]:
    """A POP3 server does not offer TLS once TLS stands."""
    if secure.offer.offers("STLS"):
        yield StlsOfferedTwice(subject=secure.subject, evidence=secure.lines(with_keyword("STLS")))


@rule("pop3/implementation-discloses", Severity.INFO, Rfc(2449, "6.9"), since="1.0")
class ImplementationDiscloses(Finding):
    """A POP3 server tells strangers its version.

    ## Why it matters
    Whoever looks for servers with a known hole finds this one without trying. It does no harm where updates come
    in time.

    ## How to fix
    Leave the version out of IMPLEMENTATION where the server can do that.
    """

    message = "{subject} says that it is {implementation}."
    implementation: str


@check
def pop3_server_keeps_its_version(held: Pop3Held) -> Iterator[Finding]:
    """A POP3 server does not tell its version."""
    survey = held.survey
    for told in (survey.session.capa_tls, survey.session.capa):
        said = " ".join(told.capabilities.get("IMPLEMENTATION", ())) if told is not None else ""
        if told is not None and _VERSION.search(said):
            shown = survey.look.lines(told, told.event, with_keyword("IMPLEMENTATION"))
            yield ImplementationDiscloses(subject=survey.subject, implementation=said, evidence=shown)
            return


# RFC 2449 section 8.1, RFC 3206 section 4.
_PASSING = ("SYS/TEMP", "IN-USE", "LOGIN-DELAY")
_VERSION = re.compile(r"[0-9]\.[0-9]|\bv?[0-9]{2,}\b")
