"""SPF: what receivers read as it is meant, and what misleads whoever keeps the record."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from diag.api import (
    Configure,
    Finding,
    Mechanism,
    Modifier,
    Network,
    Replace,
    Rfc,
    Severity,
    SpfEvaluation,
    SpfPublished,
    SpfRecord,
    SpfStep,
    Target,
    Withdraw,
    check,
    rule,
)

from .spf_mend import MOST_TOLD, is_private, rewritten

LONGEST_RECORD = 450
"""Octets of a record that leave room for the rest of an answer (RFC 7208 section 3.4)."""
LONGEST_ANSWER = 512
"""Octets that DNS over UDP carries everywhere (RFC 7208 section 3.4)."""
_MESSAGE = 12 + 4 + 11
"""Octets of an answer beside names and records: header, end of the question, OPT (RFC 1035 section 4, RFC 6891)."""
_RECORD = 2 + 10
"""Octets of one record before its data, its name compressed (RFC 1035 section 4.1)."""


@rule("spf/unknown-modifier", Severity.NOTICE, Rfc(7208, "6"), since="1.0")
class UnknownModifier(Finding):
    """The SPF record holds a modifier that does not exist.

    ## Why it matters
    Receivers pass over it. Where `=` was written instead of `:`, the servers that were meant are not
    authorised.

    ## How to fix
    Write `include:`, `a:` or `ip4:` with a colon; remove what means nothing.
    """

    message = "SPF for {subject}: {term} means nothing to receivers{hint}."
    term: str
    hint: str


@check
def spf_modifiers_are_known(spf: SpfEvaluation) -> Iterator[Finding]:
    """Every modifier in the SPF record exists."""
    meant = {term: _meant(term) for term in spf.record.unknown_modifiers}
    fix = rewritten(spf, meant.items())
    for term, text in islice(meant.items(), MOST_TOLD):
        yield UnknownModifier(
            subject=spf.domain,
            term=term.text,
            hint=f"; perhaps {text} was meant" if text else "",
            evidence=spf.root.evidence,
            fix=fix,
        )


def _meant(term: Modifier) -> str:
    """The mechanism that an unknown modifier probably was to be; empty where there is none."""
    text = f"{term.meant}:{term.value}" if term.meant not in (None, "all", "redirect", "exp") else ""
    return text if text and not SpfRecord.parse(f"v=spf1 {text}").errors else ""


@rule("spf/version-case", Severity.INFO, Rfc(7208, "12"), since="1.0")
class VersionCase(Finding):
    """The version of the SPF record is not written in lower case.

    ## Why it matters
    Receivers must read it in any case. Some tools look for `v=spf1` as it stands and miss the record.

    ## How to fix
    Write `v=spf1`.
    """

    message = "SPF for {subject} begins with {version} instead of v=spf1."
    version: str


@check
def spf_version_is_in_lower_case(spf: SpfEvaluation) -> Iterator[Finding]:
    """The version of the SPF record is in lower case."""
    version, rest = spf.record.text[:6], spf.record.text[6:]
    if version != version.lower():
        fix = (Replace(spf.owner, "TXT", version.lower() + rest, old=spf.record.text),)
        yield VersionCase(subject=spf.domain, version=version, evidence=spf.root.evidence, fix=fix)


@rule("spf/senderid-left", Severity.NOTICE, Rfc(6686, "6"), since="1.0")
class SenderIdLeft(Finding):
    """A record of Sender ID is still published.

    ## Why it matters
    Sender ID was given up: hardly anybody evaluates `spf2.0/` records any more. They make the answer longer, and
    whoever keeps the zone may take them for SPF.

    ## How to fix
    Remove the record.
    """

    message = "{subject} still publishes a Sender ID record ({record})."
    record: str


@check
def sender_id_is_gone(published: SpfPublished) -> Iterator[Finding]:
    """No record of Sender ID is left."""
    left = [record for record in published.other if record[:7].lower() == "spf2.0/"]
    away = tuple(Withdraw(published.owner, "TXT", record) for record in left)
    for record in left:
        yield SenderIdLeft(subject=published.domain, record=record, evidence=published.asked, fix=away)


@rule("spf/macro-misuse", Severity.NOTICE, Rfc(7208, "7.2"), Rfc(7208, "7.3"), since="1.0")
class MacroMisuse(Finding):
    """The SPF record uses the macro `p`.

    ## Why it matters
    For `%{p}` receivers look up the reverse name of every client. It is slow and unreliable, and the
    standard says not to publish it; many receivers put `unknown` in its place.

    ## How to fix
    Name the servers (`ip4:`, `ip6:`, `a:`), or use `%{ir}` (the address, reversed) instead. The HELO name `%{h}` is
    no substitute: the client says what it likes there.
    """

    message = "SPF for {subject} uses the macro p in {term} of the record of {domain}."
    term: str
    domain: str


@check
def spf_does_without_the_macro_p(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF does without the macro `p`."""
    for node, step in spf.walk():
        if "p" in _letters(step):
            yield MacroMisuse(subject=spf.domain, term=step.text, domain=node.domain, evidence=node.evidence)


def _letters(step: SpfStep) -> frozenset[str]:
    term = step.term
    macros = term.domain_spec if isinstance(term, Mechanism) else None
    if isinstance(term, Modifier) and term.is_known:
        macros = term.macros
    return macros.letters if macros is not None else frozenset()


@rule("spf/duplicate-include", Severity.NOTICE, Rfc(7208, "4.6.4"), since="1.0")
class DuplicateInclude(Finding):
    """The SPF record reaches the same record twice.

    ## Why it matters
    The second time authorises nobody new and costs its look-ups once more, of the ten that receivers
    make.

    ## How to fix
    Remove the `include:` that another one brings along.
    """

    message = "SPF for {subject} evaluates {target} {times} times; {term} alone costs {cost} of its look-ups."
    target: str
    times: int
    term: str
    cost: int


@check
def spf_reaches_every_record_once(spf: SpfEvaluation) -> Iterator[Finding]:
    """SPF evaluates no record twice."""
    own = [
        step for step in spf.root.steps if step.reached and step.inner and isinstance(step.term, Mechanism)
    ]
    reached = [step.target for _, step in spf.walk() if step.inner is not None]
    for target in dict.fromkeys(step.target for step in own if reached.count(step.target) > 1):
        spare = [step for step in own if step.target == target][-1]  # only what stands in this record can go
        yield DuplicateInclude(
            subject=spf.domain,
            target=target,
            times=reached.count(target),
            term=spare.text,
            cost=spare.total,
            evidence=spf.root.evidence + spare.evidence,
            fix=rewritten(spf, [(spare.term, "")]) if _only_adds(spf) else (),
        )


def _only_adds(spf: SpfEvaluation) -> bool:
    """Whether every term but `all` lets somebody pass, so that their order makes no difference."""
    return all(
        step.term.qualifier == "+" or step.term.name == "all"
        for _, step in spf.walk()
        if isinstance(step.term, Mechanism)
    )


@rule("spf/overlap", Severity.INFO, Rfc(7208, "5.6"), since="1.0")
class Overlap(Finding):
    """An address of the SPF record lies within another one that it authorises already.

    ## Why it matters
    It changes nothing and makes the record longer. It may be a leftover, or the wider range a slip.

    ## How to fix
    Remove the narrower term, or the wider one if that was not meant.
    """

    message = "SPF for {subject}: {inner} adds nothing, as {outer} is authorised already."
    inner: str
    outer: str


@check
def spf_names_every_address_once(spf: SpfEvaluation) -> Iterator[Finding]:
    """No address range of the SPF record lies within another one."""
    if not _only_adds(spf):
        return  # an exception before a range is there on purpose
    known: list[tuple[SpfStep, Network]] = [
        (step, network) for _, step, network in spf.networks() if _is_range(step)
    ]
    first: dict[Network, int] = {}
    for at, (_, net) in enumerate(known):
        first.setdefault(net, at)
    prefixes = {(net.version, net.prefixlen) for net in first if net.prefixlen}
    own = set(map(id, spf.root.steps))
    idle: dict[Mechanism, tuple[SpfStep, SpfStep]] = {}
    for at, (inner, net) in enumerate(known):
        if id(inner) not in own or not net.prefixlen:
            continue
        wider = (net.supernet(new_prefix=p) for v, p in prefixes if v == net.version and p < net.prefixlen)
        around = [first[wide] for wide in wider if wide in first]
        if first[net] < at and known[first[net]][0].term not in idle:
            around.append(first[net])
        if around:
            assert isinstance(inner.term, Mechanism)
            idle[inner.term] = (inner, known[min(around)][0])
    fix = rewritten(spf, dict.fromkeys(idle, "").items())
    for inner, outer in islice(idle.values(), MOST_TOLD):
        yield Overlap(
            subject=spf.domain,
            inner=inner.text,
            outer=outer.text,
            evidence=spf.root.evidence,
            fix=fix,
        )


def _is_range(step: SpfStep) -> bool:
    return isinstance(step.term, Mechanism) and step.term.name in ("ip4", "ip6")


@rule("spf/host-bits", Severity.INFO, Rfc(7208, "5.6"), since="1.0")
class HostBits(Finding):
    """An address range of the SPF record begins with an address in its midst.

    ## Why it matters
    Receivers cut the address to the length that follows, so `192.0.2.9/24` is all of 192.0.2.0 to
    192.0.2.255: perhaps more than was meant.

    ## How to fix
    Write the first address of the range; or leave the length out if one address was meant.
    """

    message = "SPF for {subject}: {term} authorises all of {network}."
    term: str
    network: str


@check
def spf_ranges_begin_with_their_first_address(spf: SpfEvaluation) -> Iterator[Finding]:
    """Address ranges in the SPF record begin with their first address."""
    slack = {
        term: term.network
        for term in spf.record.tested
        if term.network is not None and term.address != term.network.network_address
    }
    for term, network in slack.items():
        exact: dict[Mechanism, str] = {each: _with_network(each, net) for each, net in slack.items()}
        yield HostBits(
            subject=spf.domain,
            term=term.text,
            network=str(network),
            evidence=spf.root.evidence,
            fix=rewritten(spf, exact.items()),
        )


def _with_network(term: Mechanism, network: Network) -> str:
    sign = "" if term.qualifier == "+" else term.qualifier
    return f"{sign}{term.name}:{network}"


@rule("spf/range-not-public", Severity.NOTICE, Rfc(6890), since="1.0")
class RangeNotPublic(Finding):
    """The SPF record authorises addresses that nobody on the internet has.

    ## Why it matters
    No receiver ever sees mail from a private address. The term is of no use, shows how your network
    is built, and often stands where the public address of the server was meant.

    ## How to fix
    Remove the term; name the public address that the server's mail leaves with.
    """

    message = "SPF for {subject} authorises {terms}, which no receiver ever meets."
    terms: str


@check
def spf_names_public_addresses(spf: SpfEvaluation, target: Target) -> Iterator[Finding]:
    """SPF names addresses that strangers can have."""
    idle: dict[Mechanism, str] = {
        term: ""
        for term in spf.record.tested
        if term.network is not None and term.qualifier == "+" and is_private(term.network, target)
    }
    if idle:
        yield RangeNotPublic(
            subject=spf.domain,
            terms=", ".join(term.text for term in idle),
            evidence=spf.root.evidence,
            fix=rewritten(spf, idle.items()),
        )


@rule("spf/long-record", Severity.NOTICE, Rfc(7208, "3.4"), since="1.0")
class LongRecord(Finding):
    """The SPF record, or all TXT records of the domain together, are longer than advised.

    ## Why it matters
    Answers over 512 octets need EDNS or TCP. Nearly every receiver has both; old firewalls break them.

    ## How to fix
    Shorten the record; move what belongs to no mail, such as `…-verification=` records of services
    that are set up, out of the domain's TXT records.
    """

    message = "{subject} has an SPF record of {record} octets in an answer of about {answer}."
    record: int
    answer: int


@check
def spf_fits_into_a_small_answer(spf: SpfEvaluation, published: SpfPublished) -> Iterator[Finding]:
    """The SPF record, and the answer it comes in, are short."""
    texts = (*published.records, *published.near, *published.other)
    answer = _MESSAGE + len(published.domain) + 2 + sum(_RECORD + _stored(len(text)) for text in texts)
    if len(spf.record.text) > LONGEST_RECORD or answer > LONGEST_ANSWER:
        shorter = Configure(published.domain, "remove TXT records that no service asks for any more")
        yield LongRecord(
            subject=published.domain,
            record=len(spf.record.text),
            answer=answer,
            evidence=published.asked,
            fix=(shorter,),
        )


def _stored(octets: int) -> int:
    """A text with the length octets of its strings, as short as they come (RFC 1035 section 3.3)."""
    return octets + max(1, -(-octets // 255))
