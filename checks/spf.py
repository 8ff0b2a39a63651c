"""SPF: whether the record can be evaluated at all, and what that costs (RFC 7208)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    LOOKUP_LIMIT,
    MX_LIMIT,
    VOID_LIMIT,
    Certainty,
    Configure,
    Finding,
    Mechanism,
    Modifier,
    Network,
    Outcome,
    Replace,
    Rfc,
    SendingDomain,
    Severity,
    SpfEvaluation,
    SpfNode,
    SpfPublished,
    SpfStep,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

MOST_WRITTEN_OUT = 8
"""Addresses that a fix writes out for one term; more would make a record nobody can read."""


@rule("spf/missing", Severity.ERROR, Rfc(7208, "4.5"), since="1.0")
class Missing(Finding):
    """The domain sends mail but publishes no SPF record.

    ## Why it matters
    Receivers cannot tell your servers from a stranger's. Gmail, Yahoo and Microsoft ask every bulk
    sender for SPF and refuse or junk mail without it.

    ## How to fix
    Publish one TXT record that lists the servers and services that send for the domain and ends in
    `~all` or `-all`.
    """

    message = "{subject} publishes no SPF record."


@check
def an_spf_record_is_published(published: SpfPublished, sending: SendingDomain) -> Iterator[Finding]:
    """A domain that sends mail publishes an SPF record."""
    if published.name_exists and not published.records and not published.near:
        start = Configure(
            published.domain,
            f'{published.domain}. 3600 IN TXT "v=spf1 mx <include: of each service that sends for you> ~all"',
        )
        yield Missing(subject=published.domain, evidence=published.asked, fix=(start,))


@rule("spf/multiple-records", Severity.ERROR, Rfc(7208, "3.2"), Rfc(7208, "4.5"), since="1.0")
class MultipleRecords(Finding):
    """The domain publishes more than one SPF record.

    ## Why it matters
    Receivers must answer `permerror` then: SPF fails for every message, whichever record was meant.

    ## How to fix
    Merge them into one record: the terms of all, one `v=spf1` in front, one `all` at the end.
    """

    message = "{subject} publishes {count} SPF records; receivers accept exactly one."
    count: int


@check
def spf_records_are_not_doubled(published: SpfPublished) -> Iterator[Finding]:
    """There is at most one SPF record."""
    if len(published.records) > 1:
        kept, *others = sorted(set(published.records), key=len, reverse=True) or [""]
        terms = [term for record in published.records for term in record.split()[1:]]
        ends = [term for term in terms if term.lstrip("+-~?").lower() == "all"]
        merged = [term for term in dict.fromkeys(terms) if term not in ends]
        end = next((term for term in ("~all", "-all", "?all") if term in ends), ends[0] if ends else "~all")
        away = tuple(Withdraw(published.domain, "TXT", other) for other in others)
        one = Replace(published.domain, "TXT", " ".join(["v=spf1", *merged, end]), old=kept)
        yield MultipleRecords(
            subject=published.domain, count=len(published.records), evidence=published.asked, fix=(*away, one)
        )


@rule("spf/near-record", Severity.ERROR, Rfc(7208, "4.5"), since="1.0")
class NearRecord(Finding):
    """A TXT record looks like SPF, but receivers do not take it for one.

    ## Why it matters
    The version must be `v=spf1`, then a space or the end. Anything else in front and the record is
    ignored: the domain has no SPF.

    ## How to fix
    Publish the record with `v=spf1` as its very first characters, followed by a space.
    """

    message = "{subject} publishes {record!r}, which receivers do not recognise as SPF."
    record: str


@check
def what_looks_like_spf_is_spf(published: SpfPublished) -> Iterator[Finding]:
    """What looks like an SPF record is recognised as one."""
    if published.records:
        return
    for record in published.near:
        mended = _mended(record)
        fix = (Replace(published.domain, "TXT", mended, old=record),) if mended else ()
        yield NearRecord(subject=published.domain, record=record, evidence=published.asked, fix=fix)


def _mended(record: str) -> str:
    """The record as it was probably meant, or nothing where that is a guess."""
    bare = record.strip(" \t\"'\u201c\u201d\ufeff\u00a0")
    lowered = bare.lower()
    for wrong in ("v=spf1;", "v=spf 1", "v=spf1,", "v=spf1:"):
        if lowered.startswith(wrong):
            return ("v=spf1 " + bare[len(wrong) :].strip(" ;")).strip()
    if lowered.startswith("spf1 "):
        return f"v={bare}"
    return bare if lowered.startswith("v=spf1 ") or lowered == "v=spf1" else ""


@rule("spf/syntax", Severity.ERROR, Rfc(7208, "4.6"), Rfc(7208, "12"), since="1.0")
class Syntax(Finding):
    """A term of the SPF record breaks the grammar.

    ## Why it matters
    One bad term anywhere makes the whole record a `permerror`, even if an earlier term matches: SPF
    fails for all mail.

    ## How to fix
    Correct the term, or remove it. Terms are separated by spaces only.
    """

    message = "The SPF record of {domain} has a bad term {term!r}: {reason}."
    domain: str
    term: str
    reason: str


@check
def spf_terms_are_well_formed(spf: SpfEvaluation) -> Iterator[Finding]:
    """Every term of the SPF record, and of the records it includes, is well formed."""
    for node, error in spf.errors():
        fix: tuple[Replace, ...] = ()
        if node is spf.root and len(spf.record.errors) == 1 and error in spf.record.terms:
            fix = (Replace(spf.domain, "TXT", spf.record.without(error).render(), old=spf.record.text),)
        yield Syntax(
            subject=spf.domain,
            domain=node.domain,
            term=error.text,
            reason=error.reason,
            evidence=node.evidence,
            fix=fix,
        )


@rule("spf/too-many-lookups", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class TooManyLookups(Finding):
    """Evaluating the SPF record takes more than ten DNS look-ups.

    ## Why it matters
    Receivers stop at ten and answer `permerror`. DMARC then loses SPF altogether, and bulk mail
    without a good DKIM signature is refused.

    ## How to fix
    Drop the `include:` of every service you no longer use; replace `a` and `mx` by `ip4`/`ip6`; ask
    a service for a shorter record; move a service to a subdomain of its own.
    """

    message = "SPF for {subject} takes {lookups} DNS look-ups; receivers stop at {limit}. Dearest: {dearest}."
    lookups: int
    dearest: str
    limit: int = LOOKUP_LIMIT


@check
def spf_stays_within_ten_lookups(spf: SpfEvaluation) -> Iterator[Verdict]:
    """SPF can be evaluated within ten DNS look-ups."""
    if spf.lookups > LOOKUP_LIMIT:
        yield TooManyLookups(
            subject=spf.domain,
            lookups=spf.lookups,
            dearest=_dearest(spf),
            evidence=spf.asked,
            fix=_without_dead_terms(spf) or _by_address(spf),
        )
    else:
        yield from _unless_known(spf)


def _dearest(spf: SpfEvaluation) -> str:
    steps = sorted((s for s in spf.root.steps if s.reached and s.total), key=lambda s: -s.total)
    return ", ".join(f"{step.text} ({step.total})" for step in steps[:3])


def _dead(step: SpfStep) -> bool:
    """A top-level term that lets nobody pass and costs look-ups: nothing is lost with it."""
    if isinstance(step.term, Modifier) or not step.reached or not step.cost:
        return False
    return step.outcome in (Outcome.VOID, Outcome.NO_RECORD)


def _without_dead_terms(spf: SpfEvaluation) -> tuple[Replace, ...]:
    dead = [step.term for step in spf.root.steps if _dead(step)]
    if not dead:
        return ()
    return (Replace(spf.domain, "TXT", spf.record.without(*dead).render(), old=spf.record.text),)


def _by_address(spf: SpfEvaluation) -> tuple[Replace, ...]:
    """`a` and `mx` written out as addresses: the same hosts pass, and nothing is looked up."""
    spelt: dict[Mechanism, list[str]] = {}
    for step in spf.root.steps:
        if isinstance(step.term, Mechanism) and step.term.name in ("a", "mx") and step.reached:
            sign = "" if step.term.qualifier == "+" else step.term.qualifier
            if 0 < len(step.networks) <= MOST_WRITTEN_OUT:
                spelt[step.term] = [f"{sign}ip{net.version}:{_short(net)}" for net in step.networks]
    if not spelt:
        return ()
    addresses = dict.fromkeys(address for written in spelt.values() for address in written)
    record = spf.record.without(*spelt).with_terms(*addresses)
    return (Replace(spf.domain, "TXT", record.render(), old=spf.record.text),)


def _short(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


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
            subject=spf.domain, lookups=spf.lookups, evidence=spf.asked, fix=_by_address(spf)
        )


@rule("spf/too-many-voids", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class TooManyVoids(Finding):
    """More than two of the record's look-ups find nothing.

    ## Why it matters
    Receivers may stop at the third and answer `permerror`: SPF then fails for all mail that no
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

    message = "SPF for {subject}: {term} finds nothing: {why}."
    term: str
    why: str


@check
def spf_lookups_find_something(spf: SpfEvaluation) -> Iterator[Finding]:
    """The look-ups of SPF find something."""
    four, six = _counted(spf, 4), _counted(spf, 6)
    both = [step for step in four if step in six]
    if len(both) > VOID_LIMIT:
        yield TooManyVoids(
            subject=spf.domain,
            voids=len(both),
            terms=_texts(both),
            evidence=_cited(both),
            fix=_without_dead_terms(spf),
        )
        return
    for step in both:
        if "%" not in step.text and step.outcome is Outcome.VOID:
            yield VoidLookup(
                subject=spf.domain,
                term=step.text,
                why=step.because,
                evidence=step.evidence,
                fix=_without_dead_terms(spf),
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
            fix=_by_address(spf),
        )


def _counted(spf: SpfEvaluation, version: int) -> list[SpfStep]:
    """The void look-ups met before the limit of ten ends the evaluation anyway."""
    voids, spent = set(map(id, spf.voids(version))), 0
    met = []
    for _, step in spf.root.walk():
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
    for _, step in spf.root.walk():
        if len(step.names) > MX_LIMIT:
            yield MxOverTen(subject=spf.domain, term=step.text, count=len(step.names), evidence=step.evidence)


@rule("spf/include-without-record", Severity.ERROR, Rfc(7208, "5.2"), Rfc(7208, "6.1"), since="1.0")
class IncludeWithoutRecord(Finding):
    """The SPF record includes or redirects to a name that has no SPF record, or several.

    ## Why it matters
    Receivers answer `permerror`: SPF fails for every message that no earlier term matched.

    ## How to fix
    Remove the term, or correct the name to the one the service gives in its manual.
    """

    message = "SPF for {subject}: {term} leads to {target}, which has {what}."
    term: str
    target: str
    what: str


@check
def spf_includes_have_a_record(spf: SpfEvaluation) -> Iterator[Finding]:
    """Every `include` and `redirect` leads to one SPF record."""
    for node, step in spf.root.walk():
        if step.outcome in (Outcome.NO_RECORD, Outcome.MANY_RECORDS):
            mine = node is spf.root and not isinstance(step.term, Modifier)
            fix = (
                (Replace(spf.domain, "TXT", spf.record.without(step.term).render(), old=spf.record.text),)
                if mine
                else ()
            )
            what = "no SPF record" if step.outcome is Outcome.NO_RECORD else "several SPF records"
            yield IncludeWithoutRecord(
                subject=spf.domain,
                term=step.text,
                target=step.target,
                what=what,
                evidence=step.evidence,
                fix=fix,
            )


@rule("spf/loop", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")
class Loop(Finding):
    """The SPF record includes itself, directly or through others.

    ## Why it matters
    Receivers go round until ten look-ups are spent and answer `permerror`.

    ## How to fix
    Remove the term that leads back.
    """

    message = "SPF for {subject}: {term} in {domain} leads back to {target}."
    term: str
    domain: str
    target: str


@check
def spf_does_not_lead_back_to_itself(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF never leads back to a record that is being evaluated."""
    for node, step in spf.root.walk():
        if step.outcome is Outcome.LOOP:
            mine = node is spf.root and not isinstance(step.term, Modifier)
            fix = (
                (Replace(spf.domain, "TXT", spf.record.without(step.term).render(), old=spf.record.text),)
                if mine
                else ()
            )
            yield Loop(
                subject=spf.domain,
                term=step.text,
                domain=node.domain,
                target=step.target,
                evidence=node.evidence,
                fix=fix,
            )


@rule("spf/passes-everyone", Severity.CRITICAL, Rfc(7208, "5.1"), Rfc(7208, "11.4"), since="1.0")
class PassesEveryone(Finding):
    """The SPF record lets everybody on the internet send as this domain.

    ## Why it matters
    Any stranger's mail in your name passes SPF, and with it DMARC.

    ## How to fix
    End the record with `-all` or `~all`, and remove ranges that cover the whole internet.
    """

    message = "SPF for {subject} passes every sender: {term} in the record of {domain}."
    term: str
    domain: str


@check
def spf_does_not_pass_everyone(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF does not let everybody pass."""
    for node, step in _open_doors(spf.root):
        fix: tuple[Replace, ...] = ()
        if node is spf.root:
            closed = spf.record.without(step.term)
            if closed.all is None and closed.redirect is None:
                closed = closed.with_terms("-all")
            fix = (Replace(spf.domain, "TXT", closed.render(), old=spf.record.text),)
        yield PassesEveryone(
            subject=spf.domain,
            term=step.text,
            domain=node.domain,
            evidence=node.evidence or step.evidence,
            fix=fix,
        )
        return


def _open_doors(node: SpfNode) -> Iterator[tuple[SpfNode, SpfStep]]:
    """Passing terms that match every client of a family, in the order a receiver meets them."""
    for step in node.steps:
        if not step.reached:
            continue
        if isinstance(step.term, Mechanism):
            if step.term.qualifier != "+":
                if step.term.name == "all":
                    return
                continue
            whole = step.term.name == "all" or any(network.prefixlen == 0 for network in step.networks)
            if whole or (step.term.name == "exists" and step.outcome is Outcome.FOUND):
                yield node, step
        if step.inner is not None:
            yield from _open_doors(step.inner)


@rule("spf/open-ended", Severity.WARNING, Rfc(7208, "4.7"), since="1.0")
class OpenEnded(Finding):
    """The SPF record says nothing about servers it does not list.

    ## Why it matters
    Without `~all` or `-all` at the end the result for a stranger is `neutral`: as good as no SPF.

    ## How to fix
    End the record with `~all`, or `-all` when you are sure that it lists everybody.
    """

    message = "SPF for {subject} ends without saying no to others ({end})."
    end: str


@check
def spf_ends_with_a_no(spf: SpfEvaluation) -> Iterator[Verdict]:
    """The SPF record says no to whom it does not list."""
    redirect = spf.record.honoured_redirect
    if redirect is not None:
        step = next(step for step in spf.root.steps if step.term is redirect)
        if step.inner is None or step.inner.record is None:
            return  # that is the matter of spf_includes_have_a_record
    if spf.final == "?":
        end = spf.record.all
        closed = spf.record.without(end) if end is not None else spf.record
        fix = (Replace(spf.domain, "TXT", closed.with_terms("~all").render(), old=spf.record.text),)
        yield OpenEnded(
            subject=spf.domain,
            end=end.text if end is not None else "no all",
            evidence=spf.root.evidence,
            fix=fix if redirect is None else (),
        )


@rule("spf/redirect-ignored", Severity.WARNING, Rfc(7208, "6.1"), since="1.0")
class RedirectIgnored(Finding):
    """The SPF record has both `all` and `redirect`.

    ## Why it matters
    Beside an `all`, wherever it stands, `redirect` is ignored: the servers listed there are not
    authorised.

    ## How to fix
    Use `include:` instead of `redirect=`, or remove the `all`.
    """

    message = "SPF for {subject}: {term} is ignored because the record has {end}."
    term: str
    end: str


@check
def spf_redirect_is_honoured(spf: SpfEvaluation) -> Iterator[Finding]:
    """A `redirect` is not made void by an `all`."""
    redirect, end = spf.record.redirect, spf.record.all
    if redirect is not None and end is not None:
        included = spf.record.without(redirect).with_terms(f"include:{redirect.value}")
        fix = (Replace(spf.domain, "TXT", included.render(), old=spf.record.text),)
        yield RedirectIgnored(
            subject=spf.domain, term=redirect.text, end=end.text, evidence=spf.root.evidence, fix=fix
        )


@rule("spf/terms-after-all", Severity.WARNING, Rfc(7208, "5.1"), since="1.0")
class TermsAfterAll(Finding):
    """Terms stand behind the `all` of the SPF record.

    ## Why it matters
    Nothing behind `all` is ever looked at: the servers named there are not authorised.

    ## How to fix
    Move `all` to the end of the record.
    """

    message = "SPF for {subject}: {terms} stand behind {end} and are never looked at."
    terms: str
    end: str


@check
def spf_all_stands_last(spf: SpfEvaluation) -> Iterator[Finding]:
    """No mechanism stands behind `all`."""
    end = spf.record.all
    behind = [term for term in spf.record.untested if term.name != "all"]
    if end is not None and behind:
        moved = spf.record.without(*spf.record.untested).with_terms(*(term.text for term in behind))
        fix = (Replace(spf.domain, "TXT", moved.render(), old=spf.record.text),)
        yield TermsAfterAll(
            subject=spf.domain,
            terms=", ".join(term.text for term in behind),
            end=end.text,
            evidence=spf.root.evidence,
            fix=fix,
        )


@rule("spf/ptr", Severity.WARNING, Rfc(7208, "5.5"), since="1.0")
class Ptr(Finding):
    """The SPF record uses `ptr`.

    ## Why it matters
    The term is slow, unreliable and should not be used (the standard says so); large receivers skip it
    or count it against you.

    ## How to fix
    Replace it by the addresses (`ip4:`, `ip6:`) or host names (`a:`) that send.
    """

    message = "SPF for {subject} uses {term} in the record of {domain}."
    term: str
    domain: str


@check
def spf_does_without_ptr(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF does without `ptr`."""
    for node, step in spf.root.walk():
        if isinstance(step.term, Mechanism) and step.term.name == "ptr":
            yield Ptr(subject=spf.domain, term=step.text, domain=node.domain, evidence=node.evidence)
