"""SPF: what the terms of the record say, and whom they let pass (RFC 7208 sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Finding,
    Many,
    Mechanism,
    Modifier,
    Outcome,
    Replace,
    Rfc,
    Severity,
    SpfEvaluation,
    SpfNode,
    SpfRegistration,
    SpfStep,
    SpfTargetServers,
    Undecided,
    Verdict,
    check,
    rule,
)

WIDEST = {4: 16, 6: 32}
"""By IP version, the shortest prefix that passes without remark."""


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


@rule("spf/target-domain-free", Severity.CRITICAL, Rfc(7208, "11"), since="1.0")
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
    own = {step.text: step.term for step in spf.root.steps if not isinstance(step.term, Modifier)}
    for name in registrations.values():
        if name.free is None:
            yield Undecided(f"whether {name.registrable} is registered could not be found out", name.asked)
        elif name.free:
            term = own.get(name.term)
            fix = (
                (Replace(spf.domain, "TXT", spf.record.without(term).render(), old=spf.record.text),)
                if term is not None
                else ()
            )
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


@check
def spf_names_no_wide_ranges(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF names no more addresses than anybody needs."""
    for step in spf.root.steps:
        term = step.term
        if not step.reached or not isinstance(term, Mechanism) or term.qualifier != "+":
            continue
        for network in step.networks if term.name in ("ip4", "ip6") else ():
            if 0 < network.prefixlen < WIDEST[network.version]:
                many = network.num_addresses
                count = f"{many:,}" if network.version == 4 else f"2^{128 - network.prefixlen}"
                yield RangeWide(subject=spf.domain, term=term.text, count=count, evidence=spf.root.evidence)


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
