"""SPF: what evaluating the record costs, and where receivers stop (RFC 7208 section 4.6.4)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    LOOKUP_LIMIT,
    MX_LIMIT,
    VOID_LIMIT,
    Certainty,
    Finding,
    Outcome,
    Rfc,
    Severity,
    SpfEvaluation,
    SpfStep,
    Undecided,
    Verdict,
    check,
    rule,
)

from .spf_mend import by_address, without_dead_terms


@rule("spf/too-many-lookups", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class TooManyLookups(Finding):
    """Evaluating the SPF record takes more than ten DNS look-ups.

    ## Why it matters
    Receivers stop at ten and answer `permerror`. DMARC then loses SPF altogether, and Gmail and Outlook.com refuse
    bulk mail that does not pass SPF, even with a good DKIM signature.

    ## How to fix
    Drop the `include:` of every service you no longer use; replace `a` and `mx` by `ip4`/`ip6`; ask
    a service for a shorter record; move a service to a subdomain of its own.
    """

    message = (
        "SPF for {subject} takes {more}{lookups} DNS look-ups; receivers stop at {limit}. Dearest: {dearest}."
    )
    lookups: int
    dearest: str
    limit: int = LOOKUP_LIMIT
    more: str = ""
    """"more than " where the tree was not followed to its end."""


@check
def spf_stays_within_ten_lookups(spf: SpfEvaluation) -> Iterator[Verdict]:
    """SPF can be evaluated within ten DNS look-ups."""
    if spf.lookups > LOOKUP_LIMIT:
        yield TooManyLookups(
            subject=spf.domain,
            lookups=spf.lookups,
            dearest=_dearest(spf),
            more="more than " if spf.cut_short else "",
            evidence=spf.asked,
            fix=without_dead_terms(spf) or by_address(spf),
        )
    else:
        yield from _unless_known(spf)


def _dearest(spf: SpfEvaluation) -> str:
    steps = sorted((s for s in spf.root.steps if s.reached and s.total), key=lambda s: -s.total)
    return ", ".join(f"{step.text} ({step.total})" for step in steps[:3])


def _unless_known(spf: SpfEvaluation) -> Iterator[Undecided]:
    """A branch that could not be looked up leaves what lies below it open."""
    for step in spf.failed():
        yield Undecided(f"{step.text} could not be looked up: {step.because}", step.evidence)
        return


@rule("spf/near-lookup-limit", Severity.WARNING, Rfc(7208, "4.6.4"), since="1.0")
class NearLookupLimit(Finding):
    """Evaluating the SPF record takes nine or ten DNS look-ups; ten are allowed.

    ## Why it matters
    The next service you add, or one that lengthens its own record without telling you, breaks SPF
    for all mail.

    ## How to fix
    Make room now: drop services you no longer use, replace `a` and `mx` by `ip4`/`ip6`.
    """

    message = "SPF for {subject} takes {lookups} of {limit} DNS look-ups."
    lookups: int
    limit: int = LOOKUP_LIMIT


@check
def spf_leaves_room_for_one_more(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF leaves room for another service."""
    if LOOKUP_LIMIT - 1 <= spf.lookups <= LOOKUP_LIMIT:
        yield NearLookupLimit(
            subject=spf.domain,
            lookups=spf.lookups,
            evidence=spf.asked,
            # Below what could not be looked up there may be more.
            certainty=Certainty.LIKELY if any(spf.failed()) else Certainty.CERTAIN,
            fix=by_address(spf),
        )


@rule("spf/too-many-voids", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class TooManyVoids(Finding):
    """More than two of the record's look-ups find nothing.

    ## Why it matters
    Receivers should stop at the third and answer `permerror`: SPF then fails for all mail that no
    earlier term matched.

    ## How to fix
    Remove the terms that name hosts which no longer exist.
    """

    message = (
        "SPF for {subject} makes {voids} look-ups that find nothing ({terms}); receivers stop after {limit}."
    )
    voids: int
    terms: str
    limit: int = VOID_LIMIT


@rule("spf/voids-for-one-family", Severity.WARNING, Rfc(7208, "4.6.4"), since="1.0")
class VoidsForOneFamily(Finding):
    """More than two look-ups find nothing for clients of one IP version.

    ## Why it matters
    The names have addresses, but not of both families. Strict evaluators count each missing AAAA (or A)
    record and answer `permerror` to clients of that family.

    ## How to fix
    Replace the `a:` terms by the `ip4:` and `ip6:` addresses that really send.
    """

    message = "SPF for {subject}: an IPv{family} client meets {voids} look-ups that find nothing ({terms})."
    family: int
    voids: int
    terms: str


@rule("spf/void-lookup", Severity.WARNING, Rfc(7208, "4.6.4"), since="1.0")
class VoidLookup(Finding):
    """A term of the SPF record names a host that does not exist.

    ## Why it matters
    It authorises nobody and uses up one of the two void look-ups receivers allow. Who registers or
    creates that name later may send as you.

    ## How to fix
    Remove the term.
    """

    message = "SPF for {subject}: {term}{where} finds nothing: {why}."
    term: str
    why: str
    where: str = ""


@check
def spf_lookups_find_something(spf: SpfEvaluation) -> Iterator[Verdict]:
    """The look-ups of SPF find something."""
    yield from _unless_known(spf)
    four, six = _counted(spf, 4), _counted(spf, 6)
    both = [step for step in four if step in six]
    if len(both) > VOID_LIMIT:
        yield TooManyVoids(
            subject=spf.domain,
            voids=len(both),
            terms=_texts(both),
            evidence=_cited(both),
            fix=without_dead_terms(spf),
        )
        return
    holders = {id(step): node for node, step in spf.walk()}
    for step in both:
        holder = holders[id(step)]
        if "%" not in step.text and step.outcome is Outcome.VOID:
            yield VoidLookup(
                subject=spf.domain,
                term=step.text,
                why=step.because,
                where="" if holder is spf.root else f" in the record of {holder.domain}",
                evidence=step.evidence,
                fix=without_dead_terms(spf),
            )
    family, voids = max(((4, four), (6, six)), key=lambda pair: len(pair[1]))
    if len(voids) > VOID_LIMIT:
        yield VoidsForOneFamily(
            subject=spf.domain,
            family=family,
            voids=len(voids),
            terms=_texts(voids),
            certainty=Certainty.LIKELY,
            evidence=_cited(voids),
            fix=by_address(spf),
        )


def _counted(spf: SpfEvaluation, version: int) -> list[SpfStep]:
    """The void look-ups met before the limit of ten ends the evaluation anyway."""
    met: list[SpfStep] = []
    voids, spent = set(map(id, spf.voids(version))), 0
    if not voids:
        return met
    for _, step in spf.walk():
        spent += step.cost
        if spent > LOOKUP_LIMIT:
            break
        if id(step) in voids and step.outcome is not Outcome.NO_RECORD:
            met.append(step)
    return met


def _texts(steps: list[SpfStep]) -> str:
    return ", ".join(dict.fromkeys(step.text for step in steps))


def _cited(steps: list[SpfStep]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(cite for step in steps for cite in step.evidence))


@rule("spf/mx-over-ten", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class MxOverTen(Finding):
    """An `mx` term asks about a domain with more than ten MX records.

    ## Why it matters
    Receivers answer `permerror`: SPF fails for every message that no earlier term matched.

    ## How to fix
    Replace the term by the addresses that really send.
    """

    message = "SPF for {subject}: {term} meets {count} MX records; receivers stop at {limit}."
    term: str
    count: int
    limit: int = MX_LIMIT


@check
def spf_mx_terms_stay_within_ten_hosts(spf: SpfEvaluation) -> Iterator[Finding]:
    """No `mx` term asks about more than ten MX records."""
    for _, step in spf.walk():
        if len(step.names) > MX_LIMIT:
            yield MxOverTen(subject=spf.domain, term=step.text, count=len(step.names), evidence=step.evidence)
