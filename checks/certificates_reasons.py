"""Why a verifying client refuses a certificate: the one cause to tell, in words, and what cures it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from diag.api import (
    Absent,
    ChainVerdict,
    Configure,
    Fault,
    Finding,
    Flaw,
    OurClock,
    ServedCertificate,
    Trust,
    Unavailable,
    rank,
)

from .clock import by_other_clocks, clock_doubt
from .known_keys import known_key_words

LONGEST_LABEL = 80
"""Characters of a certificate's own words that a sentence takes."""


class CertificateFinding(Finding):
    """What all rules about refused certificates say and hold."""

    message = "The certificate at {subject} {what}{also}."
    what: str
    """The cause, as a predicate of the certificate."""
    also: str = ""
    """What else is wrong with it, as the end of the sentence; empty where nothing is."""


class Cause(enum.StrEnum):
    """What a reader is told; every cause has one rule for each consequence."""

    PLACEHOLDER = "placeholder"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    UNTRUSTED_ROOT = "untrusted-root"
    MISSING_INTERMEDIATE = "missing-intermediate"
    WILDCARD_MISUSE = "wildcard-misuse"
    COMMON_NAME_ONLY = "common-name-only"
    NAME_MISMATCH = "name-mismatch"
    WRONG_EKU = "wrong-eku"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    INVALID_CHAIN = "invalid-chain"
    """Anything else for which clients refuse: a CA that may not be one, an unreadable certificate."""


_OF_RANK = {
    Fault.EXPIRED: Cause.EXPIRED,
    Fault.NOT_YET_VALID: Cause.NOT_YET_VALID,
    Fault.WRONG_USAGE: Cause.WRONG_EKU,
    Fault.WEAK_KEY: Cause.WEAK_KEY,
    Fault.WEAK_SIGNATURE: Cause.WEAK_SIGNATURE,
    **{cause.value: cause for cause in Cause},
}
"""By the words of `rank`, as far as they do not mean INVALID_CHAIN."""

TRUST = frozenset({Cause.SELF_SIGNED, Cause.UNTRUSTED_ROOT, Cause.MISSING_INTERMEDIATE})
"""Causes that only a trust store can tell."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, and a predicate that says it of the certificate: "expired on 2026-11-20"."""

    cause: Cause
    what: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client that verifies refuses."""

    reasons: tuple[Reason, ...]
    """Those to tell: the root cause first; a second one only where it needs a cure of its own."""
    besides: tuple[Reason, ...]
    """What is wrong as well and goes away with the cure."""
    undecided: str
    """What nobody can say from here; empty where all could be judged."""

    @property
    def told(self) -> tuple[tuple[Reason, str], ...]:
        """The reasons to tell, each with how its sentence ends: the first one's names the rest."""
        rest = ending(self.besides)
        return tuple((reason, "" if at else rest) for at, reason in enumerate(self.reasons))


def ending(rest: tuple[Reason, ...]) -> str:
    """Up to two more reasons as the end of a sentence."""
    told = [reason.what for reason in rest[:2]]
    return f"; besides, it {' and '.join(told)}" if told else ""


def refusal(served: ServedCertificate, clock: OurClock | Absent | Unavailable) -> Refusal:
    """Why a client refuses this certificate; without reasons where it would not.

    Dates that hold by our clock and not by others', or the other way round, are no reason and leave it open.
    """
    verdict = served.verdict
    ranked = rank(verdict)
    causes = tuple(dict.fromkeys(_cause(word, verdict) for word in ranked if word != Trust.UNDECIDED))
    undecided: list[str] = []
    if served.distrust:
        undecided.append(served.distrust)
        causes = tuple(cause for cause in causes if cause not in TRUST)
    elif verdict.trust is Trust.UNDECIDED:
        undecided.append("the certificates can be put together in too many ways to try them all")
    ours = _out_of_date(verdict, verdict.moment)
    if hanging := ours ^ _out_of_date(verdict, by_other_clocks(verdict.moment, clock)):
        what = (
            " and ".join(_said(cause, served) for cause in causes if cause in hanging)
            or "is within its dates by our clock"
        )
        undecided.append(f"the certificate {what}; {clock_doubt(clock)}")
        causes = tuple(cause for cause in causes if cause not in hanging)
    if served.listed:
        # Before anything else: a certificate that is renewed for the same key would be no better.
        causes = tuple(dict.fromkeys((Cause.WEAK_KEY, *causes)))
    reasons = [Reason(cause, _said(cause, served)) for cause in causes]
    # The chain that the server sends is set up apart from the certificate: renewing does not cure it.
    chain = [reason for reason in reasons if reason.cause is Cause.MISSING_INTERMEDIATE]
    own = [reason for reason in reasons if reason not in chain]
    told = {*own[:1], *chain}
    return Refusal(
        reasons=tuple(reason for reason in reasons if reason in told),
        besides=tuple(reason for reason in reasons if reason not in told and not _implied(reason, causes)),
        undecided="; ".join(undecided),
    )


def _out_of_date(verdict: ChainVerdict, moment: datetime) -> set[Cause]:
    """Which of the two faults of time any certificate of the path has at a moment."""
    now = moment.replace(microsecond=0)  # notAfter's second still belongs to the validity
    over = {Cause.EXPIRED for each in verdict.path if now > each.not_after}
    return over | {Cause.NOT_YET_VALID for each in verdict.path if now < each.not_before}


def _implied(reason: Reason, causes: tuple[Cause, ...]) -> bool:
    """Whether nobody would expect anything else of a default certificate."""
    return Cause.PLACEHOLDER in causes and reason.cause in TRUST | {Cause.NAME_MISMATCH}


def _cause(word: str, verdict: ChainVerdict) -> Cause:
    if word == Cause.NAME_MISMATCH and _nearly_covered(verdict):
        return Cause.WILDCARD_MISUSE
    return _OF_RANK.get(word, Cause.INVALID_CHAIN)


def _nearly_covered(verdict: ChainVerdict) -> str:
    """The wildcard that would cover a reference if it were allowed to; empty where none would."""
    for pattern in verdict.misused_wildcards:
        end = pattern.lower().rpartition("*")[2]
        if any(name.reference.lower().endswith(end) for name in verdict.names):
            return pattern
    return ""


def _said(cause: Cause, served: ServedCertificate) -> str:
    """The cause as a predicate of "the certificate"."""
    verdict = served.verdict
    match cause:
        case Cause.PLACEHOLDER:
            return f"is a default one, made for no host in particular: {verdict.placeholder}"
        case Cause.EXPIRED:
            return _dated(verdict, Fault.EXPIRED, "expired on")
        case Cause.NOT_YET_VALID:
            return _dated(verdict, Fault.NOT_YET_VALID, "is not valid before")
        case Cause.SELF_SIGNED:
            return "is signed by its own key and by no CA"
        case Cause.UNTRUSTED_ROOT:
            return f"comes from {_short(_highest(verdict))}, which is not in the trust store ({served.store})"
        case Cause.MISSING_INTERMEDIATE:
            where = f", to be had at {_short(verdict.fetch_from[0])}" if verdict.fetch_from else ""
            return f"is sent without that of its issuer, {_short(verdict.missing)}{where}"
        case Cause.WILDCARD_MISUSE:
            return f'names "{_short(_nearly_covered(verdict))}", a wildcard that covers nothing'
        case Cause.COMMON_NAME_ONLY:
            return f"names {served.references[0]} as its common name only, which nobody reads"
        case Cause.NAME_MISMATCH:
            return f"is for {_names(served)}, not for {' or '.join(served.references)}"
        case Cause.WRONG_EKU:
            return f"is not made for servers: {_detail(verdict, Fault.WRONG_USAGE)}"
        case Cause.WEAK_KEY if served.listed:
            return f"has a key that is no secret: {known_key_words(served.listed)}"
        case Cause.WEAK_KEY:
            return f"has a key that can be broken: {_detail(verdict, Fault.WEAK_KEY)}"
        case Cause.WEAK_SIGNATURE:
            return f"has a signature that can be forged: {_detail(verdict, Fault.WEAK_SIGNATURE)}"
        case Cause.INVALID_CHAIN:
            return _invalid(verdict)


def _dated(verdict: ChainVerdict, fault: Fault, verb: str) -> str:
    flaw = verdict.of(fault)[0]
    certificate = verdict.path[flaw.depth]
    moment = certificate.not_after if fault is Fault.EXPIRED else certificate.not_before
    day = f"{moment:%Y-%m-%d %H:%M} UTC"
    return f"{verb} {day}" if flaw.depth == 0 else f"rests on {_short(flaw.label)}, which {verb} {day}"


def _detail(verdict: ChainVerdict, fault: Fault) -> str:
    flaw = verdict.of(fault)[0]
    return flaw.detail if flaw.depth == 0 else f"{flaw.detail}, in {_short(flaw.label)} above it"


_INVALID = {
    Fault.MALFORMED: "cannot be read",
    Fault.NOT_A_CA: "has signed a certificate and is no CA",
    Fault.CANNOT_SIGN: "has signed a certificate and may not",
    Fault.PATH_TOO_LONG: "may not have so many CAs below it",
    Fault.NAME_NOT_PERMITTED: "bears a name that its CA may not certify",
    Fault.UNKNOWN_CRITICAL: "demands something that no client knows",
}


def _invalid(verdict: ChainVerdict) -> str:
    if verdict.trust is Trust.UNREADABLE:
        return f"cannot be read: {_short(verdict.sent[0].problem)}"
    flaw = next(flaw for flaw in verdict.flaws if flaw.fault in _INVALID)
    return f"{'' if flaw.depth == 0 else f'rests on {_short(flaw.label)}, which '}{_told(flaw)}"


def _told(flaw: Flaw) -> str:
    return f"{_INVALID[flaw.fault]} ({_short(flaw.detail)})"


def _highest(verdict: ChainVerdict) -> str:
    """The root, or the issuer whose root was not sent."""
    return verdict.missing or verdict.path[-1].label


def _names(served: ServedCertificate) -> str:
    names = served.leaf.dns_names or served.leaf.addresses or (served.leaf.label,)
    more = f" and {len(names) - 3} more names" if len(names) > 3 else ""
    return ", ".join(_short(name) for name in names[:3]) + more


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def cure(served: ServedCertificate, cause: Cause) -> tuple[Configure, ...]:
    """What to do at the host, in the words of certbot and of the mail servers that are met most."""
    host = served.endpoint.host
    name = next((one for one in served.references if one == host), host)
    reload = _reload(served.endpoint.port)
    match cause:
        case Cause.MISSING_INTERMEDIATE:
            return chain_settings(served)
        case Cause.EXPIRED:
            command = f'certbot renew --cert-name {name} --deploy-hook "{reload}"'
            return (Configure(host, command, "certbot"),)
        case Cause.NOT_YET_VALID:
            return (Configure(host, "timedatectl set-ntp true", "systemd"), _issue(host, reload))
        case Cause.WEAK_KEY:
            return (_issue(host, reload, "--key-type ecdsa --force-renewal "),)
        case _:
            return (_issue(host, reload), *chain_settings(served))


def _issue(host: str, reload: str, options: str = "") -> Configure:
    command = f'certbot certonly --standalone {options}-d {host} --deploy-hook "{reload}"'
    return Configure(host, command, "certbot")


def chain_settings(served: ServedCertificate) -> tuple[Configure, ...]:
    """Where the mail servers take the certificate with all its intermediates from."""
    host = served.endpoint.host
    folder = f"/etc/letsencrypt/live/{host}"
    return tuple(
        Configure(host, setting.format(folder=folder), product)
        for product, setting in _SETTINGS
        if product.startswith("Dovecot") == (served.endpoint.port in _ACCESS_PORTS)
    )


_ACCESS_PORTS = frozenset({110, 143, 993, 995})
_SETTINGS = (
    ("Postfix", "smtpd_tls_chain_files = {folder}/privkey.pem, {folder}/fullchain.pem"),
    ("Exim", "tls_certificate = {folder}/fullchain.pem\ntls_privatekey = {folder}/privkey.pem"),
    ("Dovecot 2.3", "ssl_cert = <{folder}/fullchain.pem\nssl_key = <{folder}/privkey.pem"),
    (
        "Dovecot 2.4",
        "ssl_server_cert_file = {folder}/fullchain.pem\nssl_server_key_file = {folder}/privkey.pem",
    ),
)
"""Key before certificates in Postfix; the leaf before its issuers in every such file.

A new certificate has a new key: both are named, or the server has a pair that does not fit."""


def _reload(port: int) -> str:
    return f"systemctl reload {'dovecot' if port in _ACCESS_PORTS else 'postfix'}"
