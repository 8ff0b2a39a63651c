"""Why a client that verifies refuses a certificate: the root cause to mend first, and the rest, in words."""

from __future__ import annotations

import enum
from datetime import datetime

from diag.model.frozen import frozen
from diag.model.knowing import Absent, Unavailable
from diag.tls.chain import ChainVerdict, Trust, rank
from diag.tls.names import matches, nearly_matches
from diag.tls.path import Fault, Flaw

from .certificates import ServedCertificate
from .clock import by_other_clocks, clock_doubt
from .vantage import OurClock

LONGEST_LABEL = 80
"""Characters of a certificate's own words that a sentence takes."""


class Cause(enum.StrEnum):
    """What a reader is told; every cause has one rule for each consequence."""

    PLACEHOLDER = "placeholder"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    UNTRUSTED_ROOT = "untrusted-root"
    MISSING_INTERMEDIATE = "missing-intermediate"
    UNKNOWN_ISSUER = "unknown-issuer"
    """One of the two above: the issuer was not sent and, for the moment, could not be had."""
    WILDCARD_MISUSE = "wildcard-misuse"
    COMMON_NAME_ONLY = "common-name-only"
    NAME_MISMATCH = "name-mismatch"
    WRONG_EKU = "wrong-eku"
    KNOWN_KEY = "known-key"
    """Strangers have the private key, or can work it out. No client looks: nobody refuses for that."""
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

CHAIN = frozenset({Cause.MISSING_INTERMEDIATE, Cause.UNKNOWN_ISSUER})
"""Causes that a new certificate does not cure: the chain that a server sends is set up apart from it."""
TRUST = frozenset({Cause.SELF_SIGNED, Cause.UNTRUSTED_ROOT}) | CHAIN
"""Causes that only a trust store can tell."""


@frozen
class Reason:
    """One cause, and a predicate that says it of the certificate: "expired on 2026-11-20"."""

    cause: Cause
    what: str


@frozen
class Refusal:
    """Why a client that verifies refuses."""

    reasons: tuple[Reason, ...]
    """Those to tell: the root cause first; a second one only where it needs a cure of its own."""
    besides: tuple[Reason, ...]
    """What is wrong as well and goes away with the cure."""
    undecided: str
    """What nobody can say from here; empty where all could be judged."""

    @property
    def refused(self) -> tuple[Reason, ...]:
        """All for which a client that verifies refuses, the root cause first."""
        return tuple(
            reason for reason in (*self.reasons, *self.besides) if reason.cause is not Cause.KNOWN_KEY
        )

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
    verdict = served.whole
    causes = tuple(dict.fromkeys(_cause(word, verdict) for word in _ranked(served)))
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
    if served.known_key:
        # Before anything else: a certificate that is renewed for the same key would be no better.
        causes = (Cause.KNOWN_KEY, *causes)
    reasons = [Reason(cause, _said(cause, served)) for cause in causes]
    chain = [reason for reason in reasons if reason.cause in CHAIN]
    own = [reason for reason in reasons if reason not in chain]
    told = {*own[:1], *chain}
    return Refusal(
        reasons=tuple(reason for reason in reasons if reason in told),
        besides=tuple(reason for reason in reasons if reason not in told and not _implied(reason, causes)),
        undecided="; ".join(undecided),
    )


def _ranked(served: ServedCertificate) -> tuple[str, ...]:
    """The reasons in the words of `rank`; those that only fetched certificates show come last."""
    sent = (_trust(served) if word == Trust.MISSING_INTERMEDIATE else word for word in rank(served.verdict))
    further = rank(served.completed) if served.completed is not None else ()
    words = dict.fromkeys((*sent, *(word for word in further if word not in set(Trust))))
    return tuple(word for word in words if word != Trust.UNDECIDED)


def _trust(served: ServedCertificate) -> str:
    """What ails a chain that ends below an issuer that was not sent."""
    if served.lacks is not None:
        return Cause.MISSING_INTERMEDIATE
    unheard = served.fetched and served.fetched[-1].passing
    return Cause.UNKNOWN_ISSUER if unheard else Cause.UNTRUSTED_ROOT


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
        if any(nearly_matches(pattern, name.reference) for name in verdict.names):
            return pattern
    return ""


def _by_common_name(served: ServedCertificate, reference: str) -> bool:
    return any(matches(name, reference) for name in served.leaf.common_names)


def _said(cause: Cause, served: ServedCertificate) -> str:
    """The cause as a predicate of "the certificate"."""
    verdict = served.whole
    match cause:
        case Cause.PLACEHOLDER:
            return f"is a default one, made for no host in particular: {verdict.placeholder}"
        case Cause.EXPIRED:
            return _dated(verdict, Fault.EXPIRED, "expired on")
        case Cause.NOT_YET_VALID:
            return _dated(verdict, Fault.NOT_YET_VALID, "is not valid before")
        case Cause.SELF_SIGNED:
            return "is signed by its own key and by no CA"
        case Cause.UNTRUSTED_ROOT if verdict.trust is Trust.MISSING_INTERMEDIATE:
            return f"comes from {_short(verdict.missing)}, which is neither sent nor in the trust store{_sought(served)}"
        case Cause.UNTRUSTED_ROOT:
            return f"comes from {_short(_highest(verdict))}, which is not in the trust store ({served.store})"
        case Cause.MISSING_INTERMEDIATE:
            where = f", to be had at {_short(served.lacks.url)}" if served.lacks is not None else ""
            return f"is sent without that of its issuer, {_short(served.verdict.missing)}{where}"
        case Cause.UNKNOWN_ISSUER:
            return f"is sent without that of its issuer, {_short(verdict.missing)}, which cannot be had{_sought(served)}"
        case Cause.WILDCARD_MISUSE:
            return f'names "{_short(_nearly_covered(verdict))}", a wildcard that clients pass over'
        case Cause.COMMON_NAME_ONLY:
            named = next(each for each in served.references if _by_common_name(served, each))
            return f"names {named} as its common name only, which most programs pass over"
        case Cause.NAME_MISMATCH:
            return f"is for {_names(served)}, not for {' or '.join(served.references)}"
        case Cause.WRONG_EKU:
            return f"is not made for servers: {_detail(verdict, Fault.WRONG_USAGE)}"
        case Cause.KNOWN_KEY:
            return f"has a key that is no secret: {served.known_key}"
        case Cause.WEAK_KEY:
            return f"has a key that can be broken: {_detail(verdict, Fault.WEAK_KEY)}"
        case Cause.WEAK_SIGNATURE:
            return f"has a signature that can be forged: {_detail(verdict, Fault.WEAK_SIGNATURE)}"
        case Cause.INVALID_CHAIN:
            return _invalid(verdict)


def _sought(served: ServedCertificate) -> str:
    """Where an issuer was looked for in vain, as the end of a sentence."""
    last = served.fetched[-1] if served.fetched else None
    return f" ({_short(last.url)} {_short(last.trouble)})" if last is not None and last.trouble else ""


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
