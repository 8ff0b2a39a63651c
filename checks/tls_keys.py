"""How keys are agreed on, and by what a server signs: finite fields, groups, hashes."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    TLS12,
    TLS13,
    Document,
    Finding,
    FullTls,
    Rfc,
    Severity,
    Suite,
    Undecided,
    Verdict,
    WeakTls,
    check,
    doubt,
    group,
    rule,
    scheme,
    suite,
)

from .tls_settings import tls_settings, without
from .tls_suites import AcceptedSuites, usual

LOGJAM = Document("CVE-2015-4000 (Logjam)", "https://nvd.nist.gov/vuln/detail/CVE-2015-4000")
ENOUGH = 2048
"""Bits of a prime that do (RFC 9325 section 4.5); OpenSSL refuses less by itself."""
LITTLE = 1024
"""Bits of a prime below which it was broken in public; of 1024, by whoever can pay for it."""


@rule("tls/dhe", Severity.NOTICE, Rfc(10015, "3"), Rfc(7919), since="1.0")
class Dhe(AcceptedSuites):
    """A server agrees on keys by Diffie-Hellman over a prime.

    ## Why it matters
    Clients cannot tell whether the prime is a good one, servers spend much on it, and flaws keep being found
    (Raccoon, D(HE)at). It is forbidden under TLS 1.2 since 2026; everybody knows elliptic curves.

    ## How to fix
    Take the suites with DHE from the list. Under TLS 1.3 nothing has to be done.
    """


class SmallPrime(Finding):
    """What both rules hold."""

    bits: int


@rule("tls/dh-too-small", Severity.ERROR, LOGJAM, Rfc(9325, "4.5"), since="1.0")
class DhTooSmall(SmallPrime):
    """A server agrees on keys over a prime that is too small.

    ## Why it matters
    Clients of today refuse it ("dh key too small") and cannot connect, or deliver in plain text. Those that
    take it can be listened to (Logjam).

    ## How to fix
    Take the suites with DHE from the list; everybody knows ECDHE. Where they have to stay, use the prime ffdhe3072.
    """

    message = "{subject} agrees on keys by Diffie-Hellman over a prime of {bits} bits."


@rule("tls/dh-too-small-as-last-resort", Severity.WARNING, LOGJAM, Rfc(9325, "4.5"), since="1.0")
class DhTooSmallAsLastResort(SmallPrime):
    """To clients that know nothing better, a server offers keys over a prime that is too small.

    ## Why it matters
    Clients of today get elliptic curves and never meet it. Old ones that do can be listened to (Logjam), or
    refuse.

    ## How to fix
    Take the suites with DHE from the list; everybody knows ECDHE.
    """

    message = (
        "{subject} agrees on keys by Diffie-Hellman over a prime of {bits} bits, though not with clients that "
        "know elliptic curves."
    )


def _over_a_prime(suite: Suite) -> bool:
    return suite.finite_field and not suite.anonymous


def _over_curves(suite: Suite) -> bool:
    return suite.made.kx == "ECDHE"


@check
def keys_are_agreed_on_over_large_primes(asked: WeakTls) -> Iterator[Verdict]:
    """Diffie-Hellman over a prime is refused, or the prime is large."""
    survey, endpoint = asked.survey, asked.survey.endpoint
    over = {
        tried: answer.dh_bits
        for tried, answer in survey.taken
        if answer.dh_bits and not suite(answer.suite).export
    }
    smallest = min(over.values(), default=ENOUGH)
    spoken = asked.taken(_over_a_prime)
    fix = without(endpoint, ("kDHE",), spoken.suites)
    if smallest < ENOUGH:
        preferred = smallest < LITTLE or _met(asked)
        kind = DhTooSmall if preferred else DhTooSmallAsLastResort
        cites = tuple(tried.cite for tried, bits in over.items() if bits == smallest)
        yield kind(subject=asked.subject, bits=smallest, evidence=cites, fix=fix)
        return
    taken = asked.taken(_over_a_prime, (TLS12,))
    if taken.suites:
        yield Dhe(subject=asked.subject, suites=taken.names, evidence=taken.verdict.cites, fix=fix)
    elif because := doubt(taken.verdict):
        yield Undecided(f"whether keys are agreed on over a prime: {because}")


def _met(asked: WeakTls) -> bool:
    """Whether clients that offer elliptic curves too come to a finite field."""
    made = usual(asked.survey)
    if made is not None:
        return made.finite_field
    # OpenSSL breaks off when it is shown a small prime, so that there was no usual handshake.
    return not asked.taken(_over_curves).suites


class ChosenGroup(Finding):
    """What both rules hold."""

    message = "{subject} agrees on keys in {groups}."
    groups: str


@rule("tls/weak-group", Severity.WARNING, Rfc(8422, "5.1.1"), Rfc(9325, "4.5"), since="1.0")
class WeakGroup(ChosenGroup):
    """A server agrees on keys in a weak elliptic curve.

    ## Why it matters
    Curves below 224 bits can be broken by whoever can pay for it; those over binary fields were withdrawn.
    Nobody needs them: clients of the last fifteen years know better ones.

    ## How to fix
    Allow X25519, P-256 and P-384 alone.
    """


@rule("tls/uncommon-group", Severity.NOTICE, Rfc(8422, "5.1.1"), since="1.0")
class UncommonGroup(ChosenGroup):
    """A server agrees on keys in a curve that no standard for TLS recommends any more.

    ## Why it matters
    It is not known to be weak. But what nobody uses nobody looks after, and no authority lists it.

    ## How to fix
    Allow X25519, P-256 and P-384 alone.
    """


@check
def keys_are_agreed_on_in_strong_groups(asked: FullTls) -> Iterator[Finding]:
    """Weak elliptic curves are refused."""
    found = {
        group(answer.group): tried.cite for tried, answer in asked.survey.taken if answer.group is not None
    }
    weak = tuple(each for each in found if each.weak)
    rare = tuple(each for each in found if each.name == "secp256k1")
    for kind, groups in ((WeakGroup, weak), (UncommonGroup, rare)):
        if groups:
            yield kind(
                subject=asked.subject,
                groups=", ".join(map(str, groups)),
                evidence=tuple(found[each] for each in groups),
                fix=tls_settings(
                    asked.survey.endpoint,
                    Postfix="tls_eecdh_auto_curves = X25519 prime256v1 secp384r1",
                    Dovecot="ssl_curve_list = X25519:P-256:P-384",
                    **{"Exim 4.97 with OpenSSL": "tls_eccurve = X25519:P-256:P-384"},
                ),
            )


@rule("tls/no-pq-group", Severity.INFO, Rfc(10024, "4"), since="1.0")
class NoPqGroup(Finding):
    """A server agrees on keys in no way that withstands quantum computers.

    ## Why it matters
    What is recorded today can be opened once there are such computers. Large senders and all browsers offer
    X25519MLKEM768 first and get it where the server knows it, without further ado.

    ## How to fix
    Update the TLS library (OpenSSL 3.5 of 2025 brought it), and name X25519MLKEM768 first where groups are listed.
    """

    message = "{subject} knows no post-quantum group: it refused {offered}."
    offered: str


@check
def keys_withstand_quantum_computers(asked: FullTls) -> Iterator[Finding]:
    """Under TLS 1.3 keys can be agreed on in a post-quantum group."""
    if not asked.survey.version(TLS13).yes:
        return  # TLS 1.2 has none, and that is told
    for tried in asked.refusals(
        lambda offer, _: TLS13 in offer.versions and all(group(n).post_quantum for n in offer.groups)
    )[:1]:
        offered = ", ".join(group(number).name for number in tried.offer.groups)
        yield NoPqGroup(
            subject=asked.subject,
            offered=offered,
            evidence=(tried.cite,),
            fix=tls_settings(
                asked.survey.endpoint,
                **{
                    # Left empty, what OpenSSL itself prefers counts: that is X25519MLKEM768 first.
                    "Postfix 3.10 with OpenSSL 3.5": "tls_eecdh_auto_curves =\ntls_ffdhe_auto_groups =",
                    "Exim 4.97 with OpenSSL 3.5": "tls_eccurve = X25519MLKEM768:X25519:P-256:P-384",
                    "Dovecot with OpenSSL 3.5": "ssl_curve_list = X25519MLKEM768:X25519:P-256:P-384",
                },
            ),
        )


class WeakSignature(Finding):
    """What both rules hold."""

    scheme: str


@rule("tls/sha1-signature", Severity.WARNING, Rfc(9155), since="1.0")
class Sha1Signature(WeakSignature):
    """A server proves who it is by a hash that has been broken, although it was offered better ones.

    ## Why it matters
    Signatures over SHA-1 and MD5 can be forged at a price that falls every year. Systems of today refuse them:
    their handshakes fail.

    ## How to fix
    Update the TLS library. Where a device before the server takes TLS for it, update that one.
    """

    message = "{subject} signs with {scheme} although SHA-2 was offered."


@rule("tls/sha1-signature-on-request", Severity.NOTICE, Rfc(9155), since="1.0")
class Sha1SignatureOnRequest(WeakSignature):
    """A server proves who it is by a hash that has been broken, where a client asks for that alone.

    ## Why it matters
    Only clients that know nothing better come to it. The standards forbid it since 2021.

    ## How to fix
    Raise the TLS library's level of security (OpenSSL: `@SECLEVEL=2`), or update it.
    """

    message = "{subject} signs with {scheme} where nothing better is offered."


@check
def signatures_rest_on_sha2(asked: WeakTls) -> Iterator[Finding]:
    """The server does not sign with SHA-1 or MD5."""
    signed = [
        (tried, scheme(answer.scheme)) for tried, answer in asked.survey.taken if answer.scheme is not None
    ]
    weak = [(tried, each) for tried, each in signed if each.weak_hash]
    although = [
        (tried, each) for tried, each in weak if not all(scheme(n).weak_hash for n in tried.offer.schemes)
    ]
    kind = Sha1Signature if although else Sha1SignatureOnRequest
    for tried, each in (although or weak)[:1]:
        yield kind(subject=asked.subject, scheme=each.name, evidence=(tried.cite,))
