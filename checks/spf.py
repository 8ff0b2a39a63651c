"""SPF: whether a record is published that receivers can read (RFC 7208 sections 3 and 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from diag.api import (
    Absent,
    Configure,
    Finding,
    Fix,
    Publish,
    Replace,
    Rfc,
    SendingDomain,
    Severity,
    SpfElsewhere,
    SpfError,
    SpfEvaluation,
    SpfNode,
    SpfProblem,
    SpfPublished,
    SpfRecord,
    Term,
    Withdraw,
    check,
    rule,
)

from .spf_mend import MOST_TOLD, corrected, leaving_out, mended


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
def an_spf_record_is_published(
    published: SpfPublished, elsewhere: SpfElsewhere | Absent, sending: SendingDomain
) -> Iterator[Finding]:
    """A domain that sends mail publishes an SPF record."""
    misplaced = isinstance(elsewhere, SpfElsewhere) and any(_misplaced(elsewhere))
    if published.name_exists and not published.records and not published.near and not misplaced:
        start = Configure(
            published.owner,
            f'{published.owner}. 3600 IN TXT "v=spf1 mx <include: of each service that sends for you> ~all"',
        )
        yield Missing(subject=published.domain, evidence=published.asked, fix=(start,))


@rule("spf/wrong-place", Severity.ERROR, Rfc(7208, "3"), since="1.0")
class WrongPlace(Finding):
    """The SPF record stands at a name where no receiver looks.

    ## Why it matters
    Receivers ask at the domain itself and nowhere else: the domain has no SPF.

    ## How to fix
    Publish the record at the domain itself.
    """

    message = "{subject} has no SPF record, but {name} has one."
    name: str


@check
def spf_stands_at_the_domain_itself(elsewhere: SpfElsewhere, sending: SendingDomain) -> Iterator[Finding]:
    """The SPF record stands at the domain itself."""
    for name, record in _misplaced(elsewhere):
        here: tuple[Fix, ...] = (Publish(elsewhere.domain, "TXT", record),)
        if any(
            term.name in ("a", "mx") and term.domain_spec is None for term in SpfRecord.parse(record).tested
        ):
            # At the domain itself such a term means another host.
            here = (Configure(elsewhere.domain, f'{elsewhere.domain}. 3600 IN TXT "v=spf1 … ~all"'),)
        yield WrongPlace(subject=elsewhere.domain, name=name, evidence=elsewhere.asked, fix=here)
        return


def _misplaced(elsewhere: SpfElsewhere) -> Iterator[tuple[str, str]]:
    """The records that were meant for the domain: one that lets nobody pass is right where it stands."""
    for name, text in elsewhere.records:
        record = SpfRecord.parse(text)
        if record.redirect is not None or any(term.qualifier == "+" for term in record.tested):
            yield name, text


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
        kept, *others = sorted(set(published.records), key=lambda each: (len(each), each), reverse=True) or [
            ""
        ]
        # Beside an "all", and a second time, redirect= counts for nothing (RFC 7208 section 6.1).
        terms = [
            _REDIRECT.sub("include:", term)
            for record in sorted(published.records)
            for term in record.split()[1:]
        ]
        ends = [term for term in terms if term.lstrip("+-~?").lower() == "all"]
        merged = [term for term in dict.fromkeys(terms) if term not in ends]
        said = [term.lower() for term in ends]
        end = next((term for term in ("~all", "-all", "?all") if term in said), "~all")
        away = tuple(Withdraw(published.owner, "TXT", other) for other in others)
        one = Replace(published.owner, "TXT", " ".join(["v=spf1", *merged, end]), old=kept)
        yield MultipleRecords(
            subject=published.domain, count=len(published.records), evidence=published.asked, fix=(*away, one)
        )


_REDIRECT = re.compile("^redirect=", re.IGNORECASE)


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


@rule("spf/near-record-left", Severity.NOTICE, Rfc(7208, "4.5"), since="1.0")
class NearRecordLeft(Finding):
    """Beside the SPF record stands another one, which receivers do not take for SPF.

    ## Why it matters
    Whoever it lets pass does not pass. If somebody corrects its version one day, there are two SPF
    records, and SPF fails for all mail.

    ## How to fix
    Move what is missing from it into the SPF record, then remove it.
    """

    message = "{subject} publishes {record!r} beside its SPF record; receivers pass over it."
    record: str


@check
def what_looks_like_spf_is_spf(published: SpfPublished) -> Iterator[Finding]:
    """What looks like an SPF record is recognised as one."""
    away = tuple(Withdraw(published.owner, "TXT", record) for record in published.near)
    for record in published.near:
        if published.records:
            yield NearRecordLeft(subject=published.domain, record=record, evidence=published.asked, fix=away)
            continue
        meant = mended(record)
        fix = (Replace(published.owner, "TXT", meant, old=record),) if meant else ()
        yield NearRecord(subject=published.domain, record=record, evidence=published.asked, fix=fix)


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
    broken: dict[tuple[str, SpfError], SpfNode] = {}
    for node, error in spf.errors():
        if error.kind is not SpfProblem.REPEATED_MODIFIER:
            broken.setdefault((node.domain, error), node)  # a record that is reached twice is wrong once
    fix = corrected(spf) if broken else ()
    for (domain, error), node in islice(broken.items(), MOST_TOLD):
        yield Syntax(
            subject=spf.domain,
            domain=domain,
            term=error.text,
            reason=error.reason,
            evidence=node.evidence,
            fix=fix if node is spf.root else (),
        )


@rule("spf/modifier-twice", Severity.ERROR, Rfc(7208, "6"), since="1.0")
class ModifierTwice(Finding):
    """The SPF record has `redirect` or `exp` twice.

    ## Why it matters
    Receivers must answer `permerror`: SPF fails for all mail.

    ## How to fix
    Keep one of them.
    """

    message = "The SPF record of {domain} has {term} although the modifier stands there already."
    domain: str
    term: str


@check
def spf_modifiers_stand_once(spf: SpfEvaluation) -> Iterator[Finding]:
    """`redirect` and `exp` stand at most once in a record."""
    alone = len(spf.record.errors) == 1
    again = ((node, error) for node, error in spf.errors() if error.kind is SpfProblem.REPEATED_MODIFIER)
    for node, error in islice(again, MOST_TOLD):
        fix = leaving_out(spf, *_at(error.position, spf.record)) if node is spf.root and alone else ()
        yield ModifierTwice(
            subject=spf.domain, domain=node.domain, term=error.text, evidence=node.evidence, fix=fix
        )


def _at(position: int, record: SpfRecord) -> Iterator[Term]:
    return (term for term in record.terms if term.position == position)
