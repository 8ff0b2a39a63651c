"""What an IMAP server tells and offers beyond the login: nothing that fails today, and what is better otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Configure,
    Finding,
    ImapHeld,
    ImapInClear,
    ImapUnderTls,
    Rfc,
    Severity,
    as_cites,
    check,
    rule,
    with_keyword,
    with_login,
)

from .submission_mechanisms import outdated


@rule("imap/neither-tls-nor-login", Severity.NOTICE, Rfc(9051, "11.2"), Rfc(8314, "4.1"), since="1.0")
class NeitherTlsNorLogin(Finding):
    """An IMAP server on port 143 offers neither TLS nor a login.

    ## Why it matters
    Nobody's password is exposed, and nobody can read mail there either: mail programs that try this port fail.

    ## How to fix
    Give the service a certificate so that it offers STARTTLS, or close port 143 and keep port 993 only.
    """

    message = "{subject} offers neither STARTTLS nor a login."


@check
def imap_offers_a_way_to_a_login(clear: ImapInClear) -> Iterator[Finding]:
    """An IMAP server that takes no login before TLS offers TLS."""
    offer = clear.offer
    closed = offer.login_disabled and not offer.mechanisms and not clear.survey.session.preauth
    # What does not even say that it is IMAP is told of as that.
    if closed and offer.speaks_imap4 and not offer.offers("STARTTLS"):
        shown = as_cites(clear.lines(with_keyword("LOGINDISABLED")), clear.cites)
        yield NeitherTlsNorLogin(subject=clear.subject, evidence=shown)


@rule("imap/starttls-offered-twice", Severity.NOTICE, Rfc(9051, "6.2.1"), since="1.0")
class StarttlsOfferedTwice(Finding):
    """An IMAP server offers TLS inside of TLS.

    ## Why it matters
    A mail program that takes it up gets an error, or a connection that hangs. It is a sign that what ends TLS and
    what reads mail do not know of each other, as with a proxy whose server does not know that TLS is on.

    ## How to fix
    Tell the server behind the proxy that connections from it are secure, or update it.
    """

    message = "{subject} offers STARTTLS under TLS."


@check
def imap_server_offers_starttls_once(secure: ImapUnderTls) -> Iterator[Finding]:
    """An IMAP server does not offer TLS once TLS stands."""
    if secure.offer.offers("STARTTLS"):
        yield StarttlsOfferedTwice(subject=secure.subject, evidence=secure.lines(with_keyword("STARTTLS")))


@rule("imap/weak-mechanisms", Severity.NOTICE, Rfc(6331), Rfc(7677, "4"), Rfc(9051, "E"), since="1.0")
class WeakMechanisms(Finding):
    """An IMAP server offers ways to log in that are out of date.

    ## Why it matters
    Mail programs prefer them to a plain password under TLS, as they did when there was no TLS. For CRAM-MD5,
    DIGEST-MD5 and NTLM the server must keep every password in a form that is as good as the password itself to whoever
    steals it. SCRAM-SHA-1 does not ask that, but rests on a hash that is out of date.

    ## How to fix
    Offer PLAIN under TLS, and SCRAM-SHA-256 where the server can do it; switch the older ways off.
    """

    message = "{subject} offers {mechanisms}."
    mechanisms: str


@rule("imap/anonymous-login", Severity.WARNING, Rfc(4505), Rfc(9051, "11"), since="1.0")
class AnonymousLogin(Finding):
    """An IMAP server lets people log in without a name.

    ## Why it matters
    Everybody can read what the anonymous user may read. That is meant so for public archives, and hardly ever
    elsewhere.

    ## How to fix
    Take ANONYMOUS off the list of ways to log in, unless public folders are there on purpose.
    """

    message = "{subject} offers AUTH=ANONYMOUS."


@check
def imap_logins_are_up_to_date(secure: ImapUnderTls) -> Iterator[Finding]:
    """The ways to log in to an IMAP server under TLS are those of today."""
    offered = secure.offer.mechanisms
    fix = Configure(secure.host, "auth_mechanisms = plain login", "Dovecot")
    if "ANONYMOUS" in offered:
        shown = secure.lines(with_login("ANONYMOUS"))
        yield AnonymousLogin(subject=secure.subject, evidence=shown, fix=(fix,))
    if weak := outdated(offered):
        shown = secure.lines(with_login(*weak))
        yield WeakMechanisms(subject=secure.subject, mechanisms=", ".join(weak), evidence=shown, fix=(fix,))


@rule("imap/untagged-missing", Severity.NOTICE, Rfc(9051, "6.1.1"), since="1.0")
class UntaggedMissing(Finding):
    """An IMAP server answers the question for its capabilities without telling them.

    ## Why it matters
    Mail programs wait for a line that begins with `* CAPABILITY`. Where it is missing, they take the server for one
    that can do nothing, TLS included.

    ## How to fix
    Update the IMAP server, or look for a proxy in front of it that answers in its place.
    """

    message = "{subject} answers CAPABILITY without an untagged CAPABILITY line."


@check
def imap_server_tells_its_capabilities(held: ImapHeld) -> Iterator[Finding]:
    """An IMAP server that is asked for its capabilities tells them in a line of their own."""
    survey = held.survey
    for told in (survey.session.capabilities, survey.session.capabilities_tls):
        if told is not None and not told.untagged:
            yield UntaggedMissing(subject=survey.subject, evidence=survey.cite(told.event))
            return


@rule("imap/tag-altered", Severity.NOTICE, Rfc(9051, "2.2.1"), Rfc(9051, "2.2.2"), since="1.0")
class TagAltered(Finding):
    """An IMAP server answers with another tag than the one it was given.

    ## Why it matters
    By its tag a mail program knows which command has been answered. One that compares letter by letter, as most do,
    waits for its answer until it gives up.

    ## How to fix
    Update the IMAP server, or look for a proxy in front of it that rewrites what passes.
    """

    message = "{subject} answers with a tag that no command had."


@check
def imap_server_repeats_tags(held: ImapHeld) -> Iterator[Finding]:
    """An IMAP server answers each command with its tag."""
    survey = held.survey
    if (event := survey.session.strange_tag) is not None:
        yield TagAltered(subject=survey.subject, evidence=survey.cite(event))


@rule("imap/no-bye-on-logout", Severity.NOTICE, Rfc(9051, "6.1.3"), since="1.0")
class NoByeOnLogout(Finding):
    """An IMAP server does not say goodbye.

    ## Why it matters
    A mail program that leaves waits for a line that begins with `* BYE`; without it some report a lost connection.

    ## How to fix
    Update the IMAP server.
    """

    message = "{subject} answers LOGOUT without an untagged BYE."


@check
def imap_server_says_goodbye(held: ImapHeld) -> Iterator[Finding]:
    """An IMAP server answers LOGOUT with an untagged BYE."""
    survey = held.survey
    step = survey.session.logout
    if survey.session.left_without_bye and step is not None:
        yield NoByeOnLogout(subject=survey.subject, evidence=survey.cite(step.last))


@rule("imap/id-discloses", Severity.INFO, Rfc(2971, "3.3"), Rfc(2971, "7"), since="1.0")
class IdDiscloses(Finding):
    """An IMAP server tells strangers its version or its operating system.

    ## Why it matters
    Whoever looks for servers with a known hole finds this one without trying. It does no harm where updates come
    in time.

    ## How to fix
    Let the server tell its name only, or nothing.
    """

    message = "{subject} tells {told} to whoever asks."
    told: str


@check
def imap_server_keeps_its_version(held: ImapHeld) -> Iterator[Finding]:
    """An IMAP server tells no stranger its version or operating system."""
    survey = held.survey
    fields = {name: value for name, value in survey.session.identity.items() if name in _TELLING and value}
    if fields:
        yield IdDiscloses(
            subject=survey.subject,
            told=", ".join(f"{name} {value}" for name, value in fields.items()),
            evidence=survey.cite(survey.session.identity_event),
            fix=(Configure(survey.endpoint.host, 'imap_id_send = "name" *', "Dovecot 2.3"),),
        )


_TELLING = ("version", "os", "os-version")
"""Fields of RFC 2971 section 3.3."""
