"""Better SPF records, made from the one that is published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from diag.api import (
    Configure,
    Fix,
    Mechanism,
    Modifier,
    Network,
    Outcome,
    Replace,
    SpfError,
    SpfEvaluation,
    SpfRecord,
    SpfStep,
    Target,
    Term,
    is_below,
    nearest_term,
)

MOST_WRITTEN_OUT = 8
"""Addresses that a fix writes out for one term; more would make a record nobody can read."""

MOST_MENDED = 8192
"""Octets of a record that a fix is spelt out for: nobody's mistake is longer, and each fix holds it twice."""
MOST_TOLD = 20
"""Defects of one kind that are told of one by one: a record of 64 KiB has room for thousands."""


def mended(record: str) -> str:
    """The record as it was probably meant, or nothing where that is a guess."""
    bare = record.strip(" \t\"'\u201c\u201d\ufeff\u00a0")
    lowered = bare.lower()
    for wrong in ("v=spf1;", "v=spf 1", "v=spf1,", "v=spf1:"):
        if lowered.startswith(wrong):
            return ("v=spf1 " + bare[len(wrong) :].strip(" ;")).strip()
    if lowered.startswith("spf1 "):
        return f"v={bare}"
    return bare if lowered.startswith("v=spf1 ") or lowered == "v=spf1" else ""


SHORTEST_PRIVATE = {4: 8, 6: 7}
"""By IP version, the prefix length of the largest private range (10.0.0.0/8, fc00::/7; RFC 6890)."""


def is_private(network: Network, target: Target) -> bool:
    """Whether nobody on the internet can have an address of this network."""
    small = network.prefixlen >= SHORTEST_PRIVATE[network.version]
    return small and not any(target.counts_as_public(str(network[at])) for at in (0, -1))


_ROUND = ",;.\"'\u201c\u201d"
"""What people write round a term: separators of other lists, quotes."""
_NAME = re.compile(r"[A-Za-z0-9-]+")
_ADDRESS_NAMES = {"ip", "ips", "ipv4", "ipv6", "ip-4", "ip-6"}


def corrected(spf: SpfEvaluation) -> tuple[Fix, ...]:
    """The domain's own record with every broken term as it was meant, and without those that name nobody.

    Where that is a guess, the terms are told instead: whoever a term was to let pass must not get lost.
    """
    if spf.record.repeated or len(spf.record.text) > MOST_MENDED:
        return ()
    meant = {error: meant_by(error) for error in spf.record.errors}
    doubt = [error.text for error, texts in meant.items() if texts is None]
    if doubt:
        what = f"write {', '.join(doubt)} as it was meant, or remove it if it lets nobody pass that sends for you"
        return (Configure(spf.owner, what),)
    return rewritten(spf, ((error, " ".join(texts or ())) for error, texts in meant.items()))


def meant_by(error: SpfError) -> tuple[str, ...] | None:
    """The terms that a broken one was meant as, none where it names nobody; None where that is a guess."""
    for texts in _spellings(error.text):
        if texts and not SpfRecord.parse(" ".join(("v=spf1", *texts))).errors:
            return tuple("~all" if text.lower() in ("all", "+all") else text for text in texts)
    return None if re.search("[0-9:=/.]", error.text) else ()


def _spellings(text: str) -> Iterator[tuple[str, ...]]:
    bare = text.strip(_ROUND)
    yield (bare,)
    yield tuple(part for part in re.split(r"[,;]+", bare) if part)
    sign = bare[:1] if bare[:1] in "+-~?" else ""
    body = bare[len(sign) :]
    if "=" in body:
        yield (body,)  # a modifier takes no qualifier
    name, colon, value = body.partition(":")
    if not colon:
        yield (f"{sign}ip4:{body}",)
    if name.lower() in {"a", "mx", "ip4", "ip6", *_ADDRESS_NAMES}:
        yield (f"{sign}ip4:{value}",)
        yield (f"{sign}ip6:{value}",)
    elif name.lower() not in ("include", "exists", "ptr", "all"):
        yield (f"{sign}ip6:{body}",)
    if name.lower() in ("ip4", "ip6", *_ADDRESS_NAMES) and re.search("[A-Za-z]", value) and "/" not in value:
        yield (f"{sign}a:{value}",)
    near = nearest_term(name) if _NAME.fullmatch(name) else None
    if near == "all" or (near in ("include", "exists") and colon):
        yield (f"{sign}{near}{colon}{value}",)


def _dead(step: SpfStep) -> bool:
    """A top-level term that lets nobody pass and costs look-ups: nothing is lost with it."""
    if isinstance(step.term, Modifier) or not step.reached or not step.cost:
        return False
    return step.outcome in (Outcome.VOID, Outcome.NO_RECORD)


def without_dead_terms(spf: SpfEvaluation) -> tuple[Fix, ...]:
    dead = [step.term for step in spf.root.steps if _dead(step)]
    if not dead:
        return ()
    return leaving_out(spf, *dead)


def in_its_place(spf: SpfEvaluation, record: SpfRecord) -> tuple[Fix, ...]:
    """This record instead of the domain's own, at the name where that really lives."""
    return (Replace(spf.owner, "TXT", record.render(), old=spf.record.text),)


def leaving_out(spf: SpfEvaluation, *terms: Term) -> tuple[Fix, ...]:
    """The domain's own record without these terms of it."""
    if len(spf.record.text) > MOST_MENDED:
        return ()
    return in_its_place(spf, spf.record.without(*terms))


def by_address(spf: SpfEvaluation) -> tuple[Fix, ...]:
    """`a` and `mx` of the domain's own hosts written out as addresses: the same pass, and nothing is looked up.

    Other people's hosts move without telling: they stay names.
    """
    spelt: dict[Mechanism, list[str]] = {}
    for step in spf.root.steps:
        if isinstance(step.term, Mechanism) and step.term.name in ("a", "mx") and step.reached:
            sign = "" if step.term.qualifier == "+" else step.term.qualifier
            own = all(
                name == spf.domain or is_below(name, spf.domain) for name in step.names or (step.target,)
            )
            if own and 0 < len(step.networks) <= MOST_WRITTEN_OUT and not step.partly:
                # Name servers turn their records round; what is told must not change with them.
                in_order = sorted(step.networks, key=lambda net: (net.version, net))
                spelt[step.term] = [f"{sign}ip{net.version}:{_short(net)}" for net in in_order]
    if not spelt or len(spf.record.text) > MOST_MENDED:
        return ()
    addresses = dict.fromkeys(address for written in spelt.values() for address in written)
    record = spf.record.without(*spelt).with_terms(*addresses)
    return in_its_place(spf, record)


def rewritten(spf: SpfEvaluation, changes: Iterable[tuple[Term, str]]) -> tuple[Fix, ...]:
    """The record with these terms spelt otherwise, and without those whose new spelling is empty."""
    if len(spf.record.text) > MOST_MENDED:
        return ()
    spelt = dict(changes)
    terms = (spelt.get(term, term.text) for term in spf.record.terms)
    text = " ".join((spf.record.text[:6], *filter(None, terms)))
    return (Replace(spf.owner, "TXT", text, old=spf.record.text),) if text != spf.record.text else ()


def _short(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)
