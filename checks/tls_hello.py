"""Servers that mind how a client introduces itself: too large a ClientHello, or one that knows TLS 1.3."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    ON_THE_WAY,
    TLS12,
    TLS13,
    Accepted,
    Certainty,
    Declined,
    Document,
    Finding,
    InboundHandshake,
    Rfc,
    Severity,
    TlsFailure,
    TlsTrouble,
    Undecided,
    Verdict,
    WeakTls,
    check,
    failure,
    rule,
    shaken,
)


class MindsTheHello(Finding):
    """What both rules say and hold."""

    why: str
    """How the usual handshake fails, as a sentence."""


@rule(
    "tls/hello-size-intolerant",
    Severity.ERROR,
    Rfc(7685),
    Document("OpenSSL issue 27557", "https://github.com/openssl/openssl/issues/27557"),
    since="1.0",
)
class HelloSizeIntolerant(MindsTheHello):
    """A server agrees to encrypt, and then chokes on the large first message of a modern client.

    ## Why it matters
    Current TLS libraries open with about 1700 octets, in two packets, to be safe from quantum computers.
    Senders that were updated lately cannot encrypt to such a host: their mail comes in plain text, late or
    not at all; mail programs do not connect. With every update there are more of them.

    ## How to fix
    Update the mail server, its TLS library, and above all any firewall, proxy or load balancer before it
    that looks into TLS: it must wait for the whole ClientHello, however many packets that takes.
    """

    message = (
        "{subject} takes a small ClientHello and fails on one as large as those of modern clients: {why}."
    )


@rule("tls/version-intolerant", Severity.ERROR, Rfc(8446, "9.3"), Rfc(8446, "D.1"), since="1.0")
class VersionIntolerant(MindsTheHello):
    """A server fails as soon as a client so much as offers TLS 1.3.

    ## Why it matters
    A server that does not know TLS 1.3 has to choose an older version; this one breaks off. Almost everybody
    offers TLS 1.3 today: mail comes in plain text, late or not at all, and mail programs do not connect.

    ## How to fix
    Update the mail server, or the firewall or proxy before it that looks into TLS; such boxes are known
    for this fault. Until then, take the box out of the way.
    """

    message = "{subject} speaks TLS 1.2 and fails where TLS 1.3 is offered beside it: {why}."


@check
def every_client_hello_is_understood(seen: InboundHandshake) -> Iterator[Verdict]:
    """A handshake does not depend on how large or how modern the ClientHello is."""
    if seen.completed:
        return
    if not shaken(seen.classical) or seen.small is None:
        tried = [each for look in (*seen.failed, seen.classical) if (each := failure(look)) is not None]
        # Who answers every ClientHello with a no does not mind its size.
        if not tried or any(each.put_off or each.ours or each.reason in ON_THE_WAY for each in tried):
            evidence = tuple(look.cite(look.session.secured) for look in seen.failed)
            yield Undecided("no ClientHello led to a handshake", evidence or (seen.tls.cite,))
        return
    looks = (*seen.failed, *(look for look in (seen.classical, seen.small) if look is not None))
    evidence = tuple(look.cite(look.session.secured) for look in looks if look.session.handshake)
    if len(seen.failed) < 2:
        because = "the usual ClientHello failed once, and the second look decided nothing"
        yield Undecided(because, evidence)
    elif not shaken(seen.small) and failure(seen.small) is None:
        yield Undecided(seen.small.doubt.because, (*evidence, *seen.small.doubt.evidence))
    else:
        kind = HelloSizeIntolerant if shaken(seen.small) else VersionIntolerant
        yield kind(
            subject=str(seen.tls.endpoint),
            why=handshake_words(failure(seen.failed[0])),
            evidence=evidence,
            certainty=seen.tls.certainty,
        )


@check
def every_client_hello_of_mail_programs_is_understood(asked: WeakTls) -> Iterator[Verdict]:
    """A handshake of mail programs does not depend on how large or how modern the ClientHello is."""
    usual = asked.survey.handshake
    if not asked.client_port or not isinstance(usual, TlsFailure) or usual.reason not in ANSWERED:
        return
    tries = [each for each in asked.survey.tried if {TLS12, TLS13} <= set(each.offer.versions)]
    # Where it was taken once, of two looks, unlike machines take turns behind the address.
    mixed = next((each for each in tries if isinstance(each.answer, Accepted)), next(iter(tries), None))
    if mixed is None or not isinstance(mixed.answer, Accepted | Declined):
        return
    # What a small hello is given, by the very suites that were offered in the usual one.
    given = asked.answers(
        lambda offer, answer: (
            offer.plain
            and not offer.padded_to
            and answer.suite in mixed.offer.suites
            and answer.version >= TLS12
        )
    )
    if not given:
        return
    # The usual hello has failed once; the same in another form is the second look.
    again = asked.refusals(lambda offer, _: offer.padded_to)
    kind: type[MindsTheHello] = HelloSizeIntolerant
    if isinstance(mixed.answer, Declined):
        again, kind = (mixed,), VersionIntolerant
    evidence = (asked.survey.shown, *(tried.cite for tried in (*again[:1], given[0])))
    if again:
        why = handshake_words(usual)
        yield kind(subject=asked.subject, why=why, evidence=evidence, certainty=Certainty.LIKELY)
    else:
        yield Undecided("the usual ClientHello failed, and one as large that holds less did not", evidence)


ANSWERED = frozenset({TlsTrouble.ALERT, TlsTrouble.CLOSED})
"""How a server refuses by its own act. What our library breaks off by itself is told by other rules."""


TOO_LARGE = "the host sends more than TLS libraries take (OpenSSL: 100 KiB of certificates)"
"""How a handshake fails where the peer's message is beyond the measure of our library, and of those of most others."""


def handshake_words(failed: TlsFailure | None) -> str:
    """How a handshake failed, as the end of a sentence."""
    if failed is None:
        return ""
    if failed.reason is TlsTrouble.ALERT:
        return f"TLS alert {failed.alert}"
    if failed.too_large:
        return TOO_LARGE
    return {
        TlsTrouble.CLOSED: "the host closes the connection",
        TlsTrouble.RESET: "the connection is reset",
        TlsTrouble.TIMED_OUT: "the host is silent",
        TlsTrouble.NOT_TLS: "the host answers in plain text",
    }.get(failed.reason, failed.detail or "TLS error")
