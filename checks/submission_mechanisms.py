"""The ways to log in that a submission server offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diag.api import (
    Finding,
    Rfc,
    Severity,
    SubmissionInClear,
    SubmissionUnderTls,
    check,
    rule,
    with_login,
)

from .client_access import PLAINTEXT

WEAK = ("CRAM-MD5", "DIGEST-MD5", "NTLM", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS")
"""Ways that rest on MD5, MD4 or SHA-1 (RFC 6331; RFC 7677 section 1)."""
STRONG = ("SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA3-512", "OAUTHBEARER", "XOAUTH2", "EXTERNAL")
"""Beside one of these a program need not use a weak one."""


def outdated(offered: Sequence[str]) -> list[str]:
    """The weak ways among those offered, where no strong one stands beside them."""
    strong = any(name.removesuffix("-PLUS") in STRONG for name in offered)
    return [] if strong else [name for name in offered if name in WEAK]


@rule("submission/weak-mechanisms", Severity.NOTICE, Rfc(6331), Rfc(7677, "4"), since="1.0")
class WeakMechanisms(Finding):
    """A submission server offers ways to log in that are out of date.

    ## Why it matters
    Mail programs prefer them to a plain password under TLS, as they did when there was no TLS. For CRAM-MD5,
    DIGEST-MD5 and NTLM the server must keep every password in a form that is as good as the password itself to whoever
    steals it. SCRAM-SHA-1 does not ask that, but rests on a hash that is out of date.

    ## How to fix
    Offer PLAIN under TLS, and SCRAM-SHA-256 where the server can do it; switch the older ways off.
    """

    message = "{subject} offers {mechanisms}."
    mechanisms: str


@rule("submission/anonymous-login", Severity.ERROR, Rfc(4505), Rfc(6409, "4.3"), since="1.0")
class AnonymousLogin(Finding):
    """A submission server lets people log in without a name.

    ## Why it matters
    Whoever has logged in may send. With ANONYMOUS that is everybody, spammers among them.

    ## How to fix
    Take ANONYMOUS off the list of ways to log in.
    """

    message = "{subject} offers AUTH ANONYMOUS."


@rule("submission/login-only", Severity.NOTICE, Rfc(4616), Rfc(4954, "4"), since="1.0")
class LoginOnly(Finding):
    """A submission server knows one way to log in only, and that one was never a standard.

    ## Why it matters
    Nearly all mail programs know LOGIN. Those that keep to the standards do not, and cannot send.

    ## How to fix
    Offer PLAIN as well, which hands over the same in one step.
    """

    message = "{subject} offers AUTH LOGIN and nothing else."


@check
def ways_to_log_in_are_up_to_date(secure: SubmissionUnderTls) -> Iterator[Finding]:
    """The ways to log in under TLS are those of today."""
    offered = secure.offer.mechanisms
    if "ANONYMOUS" in offered:
        yield AnonymousLogin(subject=secure.subject, evidence=secure.lines(with_login("ANONYMOUS")))
    if weak := outdated(offered):
        yield WeakMechanisms(
            subject=secure.subject, mechanisms=", ".join(weak), evidence=secure.lines(with_login(*weak))
        )
    if "LOGIN" in offered and set(offered) <= {"LOGIN", "NTLM", "ANONYMOUS"}:
        yield LoginOnly(subject=secure.subject, evidence=secure.lines(with_login("LOGIN")))


@rule("submission/plus-without-channel-binding", Severity.NOTICE, Rfc(5802, "6"), Rfc(9266, "2"), since="1.0")
class PlusWithoutChannelBinding(Finding):
    """A submission server offers a login that is tied to TLS where there is no TLS.

    ## Why it matters
    A mail program that picks it fails, and may not try another way.

    ## How to fix
    Offer the ways that end in `-PLUS` under TLS only.
    """

    message = "{subject} offers {mechanisms} in plain text."
    mechanisms: str


@rule("submission/challenge-before-tls", Severity.NOTICE, Rfc(4954, "4"), Rfc(8314, "4.1"), since="1.0")
class ChallengeBeforeTls(Finding):
    """A submission server takes logins before TLS, though none that show the password.

    ## Why it matters
    Who listens can try passwords against what was said, at home and without limit; and the mail that follows the
    login can be read on the way.

    ## How to fix
    Offer `AUTH` only once TLS is up.
    """

    message = "{subject} offers {mechanisms} before TLS."
    mechanisms: str


@rule("submission/neither-tls-nor-login", Severity.NOTICE, Rfc(8314, "4.1"), Rfc(6409, "4.3"), since="1.0")
class NeitherTlsNorLogin(Finding):
    """A submission server offers neither encryption nor a login.

    ## Why it matters
    Nobody's password is exposed, but nobody can send mail in a safe way either: the port takes mail from everybody,
    from some addresses, or from nobody.

    ## How to fix
    Set TLS and logins up on this port, or close it.
    """

    message = "{subject} offers neither STARTTLS nor AUTH."


@check
def before_tls_there_is_no_login_but_a_way_to_one(clear: SubmissionInClear) -> Iterator[Finding]:
    """Before TLS a submission server offers STARTTLS, and no login of any kind."""
    offered = clear.offer.mechanisms
    tls = clear.offer.offers("STARTTLS")
    if not tls and not offered:
        yield NeitherTlsNorLogin(subject=clear.subject, evidence=clear.cites)
    plus = [name for name in offered if name.endswith("-PLUS")]
    if plus:
        yield PlusWithoutChannelBinding(
            subject=clear.subject, mechanisms=", ".join(plus), evidence=clear.lines(with_login(*plus))
        )
    elif tls and offered and not any(name in PLAINTEXT for name in offered):
        yield ChallengeBeforeTls(
            subject=clear.subject, mechanisms=", ".join(offered), evidence=clear.lines(with_login(*offered))
        )
