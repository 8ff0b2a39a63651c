"""Better SPF records, made from the one that is published."""

from __future__ import annotations

from collections.abc import Iterable

from diag.api import (
    Mechanism,
    Modifier,
    Network,
    Outcome,
    Replace,
    SpfEvaluation,
    SpfStep,
    Term,
)

MOST_WRITTEN_OUT = 8
"""Addresses that a fix writes out for one term; more would make a record nobody can read."""


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


def _dead(step: SpfStep) -> bool:
    """A top-level term that lets nobody pass and costs look-ups: nothing is lost with it."""
    if isinstance(step.term, Modifier) or not step.reached or not step.cost:
        return False
    return step.outcome in (Outcome.VOID, Outcome.NO_RECORD)


def without_dead_terms(spf: SpfEvaluation) -> tuple[Replace, ...]:
    dead = [step.term for step in spf.root.steps if _dead(step)]
    if not dead:
        return ()
    return (Replace(spf.domain, "TXT", spf.record.without(*dead).render(), old=spf.record.text),)


def by_address(spf: SpfEvaluation) -> tuple[Replace, ...]:
    """`a` and `mx` written out as addresses: the same hosts pass, and nothing is looked up."""
    spelt: dict[Mechanism, list[str]] = {}
    for step in spf.root.steps:
        if isinstance(step.term, Mechanism) and step.term.name in ("a", "mx") and step.reached:
            sign = "" if step.term.qualifier == "+" else step.term.qualifier
            if 0 < len(step.networks) <= MOST_WRITTEN_OUT:
                # Name servers turn their records round; what is told must not change with them.
                in_order = sorted(step.networks, key=lambda net: (net.version, net))
                spelt[step.term] = [f"{sign}ip{net.version}:{_short(net)}" for net in in_order]
    if not spelt:
        return ()
    addresses = dict.fromkeys(address for written in spelt.values() for address in written)
    record = spf.record.without(*spelt).with_terms(*addresses)
    return (Replace(spf.domain, "TXT", record.render(), old=spf.record.text),)


def rewritten(spf: SpfEvaluation, changes: Iterable[tuple[Term, str]]) -> tuple[Replace, ...]:
    """The record with these terms spelt otherwise, and without those whose new spelling is empty."""
    spelt = dict(changes)
    terms = (spelt.get(term, term.text) for term in spf.record.terms)
    text = " ".join((spf.record.text[:6], *filter(None, terms)))
    return (Replace(spf.domain, "TXT", text, old=spf.record.text),) if text != spf.record.text else ()


def _short(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)
