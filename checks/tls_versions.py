"""The versions of SSL and TLS that a server speaks; whether any modern one is among them, see checks.tls."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    VERSION_NAMES,
    Document,
    Finding,
    FullTls,
    Handshake,
    Rfc,
    Severity,
    SpokenTls,
    Undecided,
    Verdict,
    WeakTls,
    check,
    doubt,
    rule,
    suite,
)

from .tls_settings import EXIM_GNUTLS, EXIM_OPENSSL, MODERN, tls_settings

DROWN = Document("CVE-2016-0800 (DROWN)", "https://nvd.nist.gov/vuln/detail/CVE-2016-0800")


@rule("tls/ssl2", Severity.ERROR, Rfc(6176), DROWN, since="1.0")
class Ssl2(Finding):
    """A server speaks SSL 2.0.

    ## Why it matters
    It was broken in 1995. Whoever records connections of any server with the same key, TLS 1.2 included,
    can open them with the help of this one (DROWN).

    ## How to fix
    Update the mail server and its TLS library, and switch SSL off. Then make a new key.
    """

    message = "{subject} speaks SSL 2.0 ({kinds})."
    kinds: str


@rule("tls/ssl2-without-ciphers", Severity.WARNING, Rfc(6176), DROWN, since="1.0")
class Ssl2WithoutCiphers(Finding):
    """A server answers SSL 2.0, and has no cipher for it.

    ## Why it matters
    Nobody can use it as it is. Old libraries that answer so have been talked into ciphers that were switched
    off (CVE-2015-3197).

    ## How to fix
    Update the mail server and its TLS library, and switch off the protocol too, not its ciphers alone.
    """

    message = "{subject} answers SSL 2.0, though without a cipher."


@check
def ssl2_is_not_spoken(asked: WeakTls) -> Iterator[Finding]:
    """SSL 2.0 is not spoken."""
    for tried in asked.answers(lambda _, answer: answer.ssl2)[:1]:
        fix = tls_settings(asked.survey.endpoint, **MODERN)
        kinds = ", ".join(suite(number).name for number in asked.ssl2_kinds)
        if kinds:
            yield Ssl2(subject=asked.subject, kinds=kinds, evidence=(tried.cite,), fix=fix)
        else:
            yield Ssl2WithoutCiphers(subject=asked.subject, evidence=(tried.cite,), fix=fix)


@rule("tls/ssl3", Severity.ERROR, Rfc(7568), since="1.0")
class Ssl3(Finding):
    """A server for mail programs speaks SSL 3.0.

    ## Why it matters
    Somebody on the way can make an old program fall back to it, and then read passwords bit by bit (POODLE).

    ## How to fix
    Allow TLS 1.2 and 1.3 alone; no program of the last ten years needs anything older.
    """

    message = "{subject} speaks SSL 3.0."


@rule("tls/ssl3-on-25", Severity.WARNING, Rfc(7568), Rfc(7435), since="1.0")
class Ssl3On25(Finding):
    """An MX host speaks SSL 3.0.

    ## Why it matters
    It protects from nobody who tries, and authorities and some testers hold it against the domain. Senders
    that know nothing newer are hardly left.

    ## How to fix
    Allow TLS 1.2 and 1.3 alone. A sender that knows neither would deliver in plain text, which is not much worse.
    """

    message = "{subject} speaks SSL 3.0."


@check
def ssl3_is_not_spoken(asked: WeakTls) -> Iterator[Verdict]:
    """SSL 3.0 is not spoken."""
    spoken = asked.survey.version(SSL3)
    if spoken.yes:
        kind = Ssl3 if asked.client_port else Ssl3On25
        fix = tls_settings(asked.survey.endpoint, **MODERN)
        yield kind(subject=asked.subject, evidence=spoken.cites, fix=fix)
    elif because := doubt(spoken):
        yield Undecided(f"whether SSL 3.0 is spoken: {because}")


class OldVersions(Finding):
    """What both rules say and hold."""

    message = "{subject} speaks {versions} beside what is newer."
    versions: str


@rule("tls/tls10-or-11", Severity.WARNING, Rfc(8996), Rfc(9325, "3.1.1"), since="1.0")
class Tls10Or11(OldVersions):
    """A server for mail programs speaks TLS 1.0 or 1.1.

    ## Why it matters
    Nobody may use these versions since 2021: they rest on SHA-1 and on ciphers that have been broken. Audits
    fail on them. Programs that need them have had no update since about 2013.

    ## How to fix
    Allow TLS 1.2 and 1.3 alone; look into the log first, for who still comes with an older one.
    """


@rule("tls/tls10-or-11-on-25", Severity.NOTICE, Rfc(8996), Rfc(9325, "3.1.1"), Rfc(7435), since="1.0")
class Tls10Or11On25(OldVersions):
    """An MX host speaks TLS 1.0 or 1.1.

    ## Why it matters
    The standards forbid these versions, and testers hold them against the domain. On this port there is
    another side to it: a sender that knows nothing newer delivers in plain text once they are gone.

    ## How to fix
    Look into the log for who still comes with an old version. Where nobody does, allow TLS 1.2 and 1.3 alone.
    """


@check
def old_versions_of_tls_are_refused(asked: WeakTls) -> Iterator[Verdict]:
    """TLS 1.0 and 1.1 are not spoken."""
    survey = asked.survey
    seen = {number: survey.version(number) for number in (TLS10, TLS11)}
    if not (survey.version(TLS12).yes or survey.version(TLS13).yes):
        return  # checks.tls tells that there is nothing newer
    if spoken := [number for number, verdict in seen.items() if verdict.yes]:
        kind = Tls10Or11 if asked.client_port else Tls10Or11On25
        yield kind(
            subject=asked.subject,
            versions=" and ".join(VERSION_NAMES[number] for number in spoken),
            evidence=tuple(cite for number in spoken for cite in seen[number].cites),
            fix=tls_settings(survey.endpoint, **MODERN),
        )
    elif because := next(filter(None, map(doubt, seen.values())), ""):
        yield Undecided(f"whether TLS 1.0 or 1.1 is spoken: {because}")


@rule("tls/no-tls13", Severity.NOTICE, Rfc(9325, "3.1.1"), Rfc(8446), since="1.0")
class NoTls13(Finding):
    """A server speaks TLS 1.2 and not 1.3.

    ## Why it matters
    TLS 1.2 is still safe where it is set up well. TLS 1.3 takes a round trip less, hides the certificate from
    listeners, and alone can withstand quantum computers; authorities begin to demand it.

    ## How to fix
    Update the TLS library (OpenSSL 1.1.1 of 2018 brought it), and see that the newest version is not shut out.
    """

    message = "{subject} chooses TLS 1.2 although TLS 1.3 was offered."


@check
def tls_13_is_spoken(spoken: SpokenTls) -> Iterator[Finding]:
    """TLS 1.3 is spoken."""
    survey = spoken.survey
    # Where the usual handshake fails, it may be for the size of the hello or the offer itself (checks.tls_hello).
    newest = survey.version(TLS13)
    if isinstance(survey.handshake, Handshake) and newest.no and survey.version(TLS12).yes:
        yield NoTls13(
            subject=str(survey.endpoint), evidence=newest.cites, fix=tls_settings(survey.endpoint, **_WITH_13)
        )


_WITH_13 = {product: MODERN[product] for product in ("Postfix", EXIM_OPENSSL, EXIM_GNUTLS)}
"""Where a setting can be what shuts it out."""


@rule("tls/no-fallback-scsv", Severity.INFO, Rfc(7507), Rfc(8996), since="1.0")
class NoFallbackScsv(Finding):
    """A server lets itself be talked down to an old version of TLS.

    ## Why it matters
    Old clients try again with an older version when a handshake fails, and somebody on the way can make it
    fail. They say that they do so, and this server does not mind.

    ## How to fix
    Switch TLS 1.0 and 1.1 off: with 1.2 and 1.3 alone nothing is gained by talking a client down.
    """

    message = "{subject} takes {version} from a client that says it has fallen back, and speaks {newest} too."
    version: str
    newest: str


@check
def nobody_is_talked_down(asked: FullTls) -> Iterator[Finding]:
    """A client that has fallen back to an older version is warned."""
    spoken = asked.survey.versions
    if not spoken or spoken[0] >= TLS12:
        return  # between the versions that are left, nothing is gained by it (RFC 8996 section 1)
    for tried, answer in asked.survey.taken:
        if tried.offer.fallback and answer.version < spoken[-1]:
            taken, newest = VERSION_NAMES[answer.version], VERSION_NAMES[spoken[-1]]
            yield NoFallbackScsv(subject=asked.subject, version=taken, newest=newest, evidence=(tried.cite,))
            return
