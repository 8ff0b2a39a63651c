"""SPF: what the terms of the record say, and whom they let pass (RFC 7208 sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from diag.api import (
    Absent,
    Certainty,
    Configure,
    Finding,
    Fix,
    Many,
    Mechanism,
    Modifier,
    Outcome,
    Rfc,
    Routing,
    Severity,
    SpfEvaluation,
    SpfNode,
    SpfRecord,
    SpfRegistration,
    SpfStep,
    SpfTargetServers,
    Target,
    Term,
    Unavailable,
    Undecided,
    Verdict,
    check,
    rule,
)

from .spf_mend import MOST_TOLD, in_its_place, is_private, leaving_out, meant_by

WIDEST = {4: 16, 6: 32}
"""By IP version, the shortest prefix that passes without remark."""
STRANGERS = {4: 8, 6: 16}
"""By IP version, the longest prefix of a network that no single sender can have for himself."""


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


def _own(spf: SpfEvaluation, ill: Callable[[SpfStep], bool]) -> tuple[Mechanism, ...]:
    """The mechanisms of the domain's own record that share an ill: one alone would cure nothing."""
    steps = (step for step in spf.root.steps if step.reached and ill(step))
    return tuple(step.term for step in steps if isinstance(step.term, Mechanism))


@check
def spf_includes_have_a_record(spf: SpfEvaluation) -> Iterator[Finding]:
    """Every `include` and `redirect` leads to one SPF record."""
    leading_nowhere = ((node, step) for node, step in spf.walk() if step.outcome in _NOT_ONE_RECORD)
    for node, step in islice(leading_nowhere, MOST_TOLD):
        mine = node is spf.root and not isinstance(step.term, Modifier)
        fix = leaving_out(spf, *_own(spf, lambda each: each.outcome in _NOT_ONE_RECORD)) if mine else ()
        what = "no SPF record" if step.outcome is Outcome.NO_RECORD else "several SPF records"
        yield IncludeWithoutRecord(
            subject=spf.domain,
            term=step.text,
            target=step.target,
            what=what,
            evidence=step.evidence,
            fix=fix,
        )


_NOT_ONE_RECORD = (Outcome.NO_RECORD, Outcome.MANY_RECORDS)


@rule("spf/include-fails", Severity.ERROR, Rfc(7208, "2.6.6"), Rfc(7208, "4.4"), since="1.0")
class IncludeFails(Finding):
    """The servers of a name that the SPF record includes do not answer.

    ## Why it matters
    Receivers answer `temperror` and defer the mail, or let it count against you.

    ## How to fix
    Ask the service to mend its name servers; if you no longer use it, remove the term.
    """

    message = "SPF for {subject}: {term} cannot be evaluated, as no name server of {target} answers: {said}."
    term: str
    target: str
    said: str


@check
def spf_includes_can_be_looked_up(spf: SpfEvaluation, servers: Many[SpfTargetServers]) -> Iterator[Verdict]:
    """Every name that SPF includes can be looked up."""
    for target in servers.values():
        if target.all_fail:
            yield IncludeFails(
                subject=spf.domain,
                term=target.term,
                target=target.target,
                said=target.said,
                certainty=Certainty.LIKELY,
                evidence=target.asked,
            )
        else:
            why = "its own servers answer" if target.all_fail is False else target.said
            yield Undecided(f"{target.term} could not be looked up by our resolver; {why}", target.asked)


@rule("spf/target-domain-free", Severity.CRITICAL, Rfc(7208, "5.2"), Rfc(7208, "5.3"), since="1.0")
class TargetDomainFree(Finding):
    """The SPF record names a host or service in a domain that nobody has registered.

    ## Why it matters
    Whoever registers that domain can authorise himself to send as you.

    ## How to fix
    Remove the term now.
    """

    message = "SPF for {subject}: {term} names {free}, which anybody can register."
    term: str
    free: str


@check
def spf_names_lie_in_registered_domains(
    spf: SpfEvaluation, registrations: Many[SpfRegistration]
) -> Iterator[Verdict]:
    """The domains that SPF names are registered."""
    free = {name.name for name in registrations.values() if name.free}
    gone = _own(spf, lambda step: step.target in free)
    for name in registrations.values():
        if name.free is None:
            yield Undecided(f"whether {name.registrable} is registered could not be found out", name.asked)
        elif name.free:
            fix = leaving_out(spf, *gone) if any(term.text == name.term for term in gone) else ()
            # Registries also take names on hold out of their zone: what is missing there may have an owner.
            yield TargetDomainFree(
                subject=spf.domain,
                term=name.term,
                free=name.registrable,
                evidence=name.asked,
                certainty=Certainty.LIKELY,
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
    loops = ((node, step) for node, step in spf.walk() if step.outcome is Outcome.LOOP)
    for node, step in islice(loops, MOST_TOLD):
        mine = node is spf.root and not isinstance(step.term, Modifier)
        yield Loop(
            subject=spf.domain,
            term=step.text,
            domain=node.domain,
            target=step.target,
            evidence=node.evidence,
            fix=leaving_out(spf, *_own(spf, lambda each: each.outcome is Outcome.LOOP)) if mine else (),
        )


@rule("spf/passes-everyone", Severity.CRITICAL, Rfc(7208, "5.1"), Rfc(7208, "8.3"), since="1.0")
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
def spf_does_not_pass_everyone(
    spf: SpfEvaluation, routing: Routing | Absent | Unavailable
) -> Iterator[Finding]:
    """SPF does not let everybody pass."""
    doors = list(_open_doors(spf.root))
    for node, step in doors:
        fix = _closed(spf, [each.term for at, each in doors if at is spf.root], routing)
        yield PassesEveryone(
            subject=spf.domain,
            term=step.text,
            domain=node.domain,
            evidence=node.evidence or step.evidence,
            fix=fix if node is spf.root else (),
        )
        return


def _closed(
    spf: SpfEvaluation, doors: list[Term], routing: Routing | Absent | Unavailable
) -> tuple[Fix, ...]:
    """The record without its open doors; who sends by them today must not be refused for it at once."""
    closed = spf.record.without(*doors)
    if closed.all is None and closed.redirect is None:
        closed = closed.with_terms("~all")
    if not any(term.qualifier == "+" for term in closed.tested) and closed.redirect is None:
        if not isinstance(routing, Routing) or routing.implicit:
            start = f'{spf.owner}. 3600 IN TXT "v=spf1 <what sends for the domain> ~all"'
            return (Configure(spf.owner, start),)
        closed = SpfRecord.parse("v=spf1 -all") if routing.null else closed.with_terms("mx")
    return in_its_place(spf, closed)


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


@rule("spf/range-wide", Severity.WARNING, Rfc(9989, "11.1"), since="1.0")
class RangeWide(Finding):
    """The SPF record authorises a very large network.

    ## Why it matters
    Everybody who has an address in it can send as you: other customers of the same provider among them.

    ## How to fix
    Name only the addresses that send for you.
    """

    message = "SPF for {subject} authorises {count} addresses with {term}."
    term: str
    count: str


@rule("spf/range-of-strangers", Severity.ERROR, Rfc(9989, "11.1"), since="1.0")
class RangeOfStrangers(Finding):
    """The SPF record authorises a network so large that it belongs to many who have nothing to do with you.

    ## Why it matters
    No company has so many mail servers. Whoever rents any machine in it sends as you, and passes SPF and
    DMARC. Gmail refuses mail for suspicious entries in SPF (`550 5.7.24`), and does not say which those are.

    ## How to fix
    Name only the addresses that send for you. Often a digit of the prefix length is missing: `/8` for `/28`.
    """

    message = "SPF for {subject} authorises {count} addresses with {term}, most of them strangers'."
    term: str
    count: str


@check
def spf_names_no_wide_ranges(spf: SpfEvaluation, target: Target) -> Iterator[Finding]:
    """SPF names no more addresses than anybody needs."""
    for step in spf.root.steps:
        term = step.term
        if not step.reached or not isinstance(term, Mechanism) or term.qualifier != "+":
            continue
        for network in step.networks if term.name in ("ip4", "ip6") else ():
            wide = 0 < network.prefixlen < WIDEST[network.version]
            if wide and not is_private(network, target):
                kind = RangeOfStrangers if network.prefixlen <= STRANGERS[network.version] else RangeWide
                many = network.num_addresses
                count = f"{many:,}" if network.version == 4 else f"2^{128 - network.prefixlen}"
                yield kind(subject=spf.domain, term=term.text, count=count, evidence=spf.root.evidence)


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
    if not _end_is_known(spf.root):
        return  # that is the matter of spf_includes_have_a_record, and of those about syntax and failures
    if spf.final == "?":
        end = spf.record.all
        closed = spf.record.without(end) if end is not None else spf.record
        fix = in_its_place(spf, closed.with_terms("~all"))
        yield OpenEnded(
            subject=spf.domain,
            end=end.text if end is not None else "no all",
            evidence=spf.root.evidence,
            fix=fix if redirect is None else (),
        )


def _end_is_known(node: SpfNode) -> bool:
    """Whether the record, or the one it hands over to, could be read to its end."""
    errors = node.record.errors if node.record is not None else ()
    if any(text.lower().endswith("all") for error in errors for text in meant_by(error) or ()):
        return False
    handed = [step for step in node.steps if step.reached and isinstance(step.term, Modifier)]
    redirect = node.record.honoured_redirect if node.record is not None else None
    over = [step for step in handed if step.term is redirect]
    return all(step.inner is not None and _end_is_known(step.inner) for step in over)


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
        fix = in_its_place(spf, included)
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

    message = "SPF for {subject}: receivers stop at {end} and never look at {terms}."
    terms: str
    end: str


@rule("spf/leftovers-after-all", Severity.NOTICE, Rfc(7208, "5.1"), since="1.0")
class LeftoversAfterAll(Finding):
    """Terms that would change nothing stand behind the `all` of the SPF record.

    ## Why it matters
    They make the record longer, and whoever adds a server behind them finds that it does not pass.

    ## How to fix
    Remove them, so that `all` is the end of the record.
    """

    message = "SPF for {subject}: behind {end} the record goes on with {terms}, to no effect."
    terms: str
    end: str


@check
def spf_all_stands_last(spf: SpfEvaluation) -> Iterator[Finding]:
    """No mechanism stands behind `all`."""
    end, behind = spf.record.all, [term for term in spf.record.untested if term.name != "all"]
    if end is None or not behind:
        return
    lost = [term for term in behind if _adds(term, spf)]
    moved = spf.record.without(*spf.record.untested).with_terms(*(term.text for term in lost))
    kind = TermsAfterAll if lost else LeftoversAfterAll
    yield kind(
        subject=spf.domain,
        terms=", ".join(term.text for term in lost or behind),
        end=end.text,
        evidence=spf.root.evidence,
        fix=in_its_place(spf, moved),
    )


def _adds(term: Mechanism, spf: SpfEvaluation) -> bool:
    """Whether a term behind `all` would let somebody pass who does not pass already."""
    if term.qualifier != "+" or spf.final == "+":
        return False
    said = {_body(earlier) for earlier in spf.record.tested if earlier.qualifier == "+"}
    network = term.network
    inside = network is not None and any(
        wide.version == network.version and network.subnet_of(wide)  # type: ignore[arg-type]
        for _, _, wide in spf.networks()
    )
    return _body(term) not in said and not inside


def _body(term: Mechanism) -> str:
    return term.text.lstrip("+").lower()


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
    for node, step in spf.walk():
        if isinstance(step.term, Mechanism) and step.term.name == "ptr":
            yield Ptr(subject=spf.domain, term=step.text, domain=node.domain, evidence=node.evidence)
