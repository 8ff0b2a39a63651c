"""Building the evaluation tree of an SPF record from the answers collected: pure, and in a receiver's order."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping

from diag.facts.spf import MX_LIMIT, Network, Outcome, SpfNode, SpfStep
from diag.model.knowing import Cite, Unavailable
from diag.names.parsed import plain
from diag.records.spf import Mechanism, Modifier, SpfError, SpfRecord, Term, is_spf

from .dns import Found, Looked, NoRecord

Answers = Mapping[tuple[str, str], Looked]

MOST_LOOKUPS = 200
"""Look-ups followed in one tree; the limit of ten is long passed."""
MOST_STEPS = 20_000
"""Terms of one tree after which no further record is gone into: one of 64 KiB may be included again and again."""


def the_record(looked: Looked | None) -> SpfRecord | Outcome:
    """The one SPF record among the TXT records at a name, or why there is not exactly one (section 4.5)."""
    if looked is None:
        return Outcome.TOO_DEEP
    if isinstance(looked, Unavailable):
        return Outcome.FAILED
    records = [text for text in looked.texts() if is_spf(text)] if isinstance(looked, Found) else []
    if len(records) == 1:
        return SpfRecord.parse(records[0])
    return Outcome.MANY_RECORDS if records else Outcome.NO_RECORD


_TOO_MANY = "the record has more mx terms than any receiver evaluates"


class Tree:
    """Builds nodes; one Tree counts the look-ups and terms of one evaluation."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._followed = 0
        self._steps = 0

    def node(self, domain: str, above: tuple[str, ...] = ()) -> SpfNode:
        """The record at a name with everything evaluated below it; `above` are the names being evaluated."""
        txt = self._answers.get((domain, "TXT"))
        evidence = txt.evidence if txt is not None else ()
        record = the_record(txt)
        if not isinstance(record, SpfRecord):
            return SpfNode(domain, None, (), evidence)
        path = (*above, domain)
        self._steps += len(record.terms)
        tested, redirect = set(map(id, record.tested)), record.honoured_redirect
        steps = []
        for term in record.terms:
            reached = isinstance(term, SpfError) or id(term) in tested or term is redirect
            reached = reached or (isinstance(term, Modifier) and term.name != "redirect")
            steps.append(self._step(term, domain, path) if reached else _idle(term, reached=False))
        if redirect is not None:  # it is evaluated last, wherever it stands (section 6.1)
            steps.sort(key=lambda step: step.term is redirect)
        alias_of = txt.owner if isinstance(txt, Found) and txt.aliases else ""
        return SpfNode(domain, record, tuple(steps), evidence, alias_of)

    def _step(self, term: Term, domain: str, path: tuple[str, ...]) -> SpfStep:
        if isinstance(term, SpfError):
            return _idle(term)
        if isinstance(term, Modifier):
            if term.name != "redirect":
                return _idle(term)  # exp costs nothing (section 4.6.4)
            return self._record_below(term, term.macros.name or "", path)
        if term.name in ("ip4", "ip6"):
            return _idle(term, networks=(term.network,) if term.network is not None else ())
        if term.name == "all":
            return _idle(term)
        target = domain if term.domain_spec is None else term.domain_spec.name or ""
        if term.name == "ptr" or not target:
            self._followed += 1
            return _looked(term, target, Outcome.PER_MESSAGE)
        if term.name == "include":
            return self._record_below(term, target, path)
        self._followed += 1
        return {"a": self._a, "mx": self._mx, "exists": self._exists}[term.name](term, target)

    def _record_below(self, term: Term, target: str, path: tuple[str, ...]) -> SpfStep:
        self._followed += 1
        if not target:
            return _looked(term, "", Outcome.PER_MESSAGE)
        if target in path:
            return _looked(term, target, Outcome.LOOP)
        looked = self._answers.get((target, "TXT"))
        if self._followed > MOST_LOOKUPS or self._steps > MOST_STEPS or looked is None:
            return _looked(term, target, Outcome.TOO_DEEP)
        record = the_record(looked)
        if isinstance(record, Outcome):
            void = int(isinstance(looked, NoRecord))
            return _looked(term, target, record, looked, void_ipv4=void, void_ipv6=void)
        return _looked(term, target, Outcome.FOUND, looked, inner=self.node(target, path))

    def _a(self, term: Mechanism, target: str) -> SpfStep:
        four, six = self._answers.get((target, "A")), self._answers.get((target, "AAAA"))
        return _looked(
            term,
            target,
            _both(four, six),
            four,
            six,
            networks=(*_networks(four, term), *_networks(six, term)),
            void_ipv4=int(isinstance(four, NoRecord)),
            void_ipv6=int(isinstance(six, NoRecord)),
        )

    def _mx(self, term: Mechanism, target: str) -> SpfStep:
        mx = self._answers.get((target, "MX"))
        if not isinstance(mx, Found):
            void = int(isinstance(mx, NoRecord))
            return _looked(term, target, _one(mx), mx, void_ipv4=void, void_ipv6=void)
        names = tuple(plain(rdata.exchange) for rdata in mx.rdatas)  # type: ignore[attr-defined]
        hosts = [name for name in names if name != "."]
        addresses = [self._answers.get((name, rdtype)) for name in hosts for rdtype in ("A", "AAAA")]
        # Of over ten names none is asked for, and none counts (section 4.6.4).
        unasked = None in addresses and len(names) <= MX_LIMIT
        networks = tuple(network for looked in addresses for network in _networks(looked, term))
        # Whether an address look-up inside mx can be void is not settled; like most receivers we count none.
        found = _looked(term, target, Outcome.FOUND, mx, *addresses, networks=networks, names=names)
        return dataclasses.replace(found, partly=found.partly or _TOO_MANY) if unasked else found

    def _exists(self, term: Mechanism, target: str) -> SpfStep:
        looked = self._answers.get((target, "A"))  # only ever A, whatever the client (section 5.7)
        void = int(isinstance(looked, NoRecord))
        return _looked(term, target, _one(looked), looked, void_ipv4=void, void_ipv6=void)


def _idle(term: Term, *, networks: tuple[Network, ...] = (), reached: bool = True) -> SpfStep:
    return SpfStep(term, term.text, "", 0, Outcome.NOT_NEEDED, None, networks, (), 0, 0, "", (), reached)


def _looked(
    term: Term,
    target: str,
    outcome: Outcome,
    *looked: Looked | None,
    inner: SpfNode | None = None,
    networks: tuple[Network, ...] = (),
    names: tuple[str, ...] = (),
    void_ipv4: int = 0,
    void_ipv6: int = 0,
) -> SpfStep:
    evidence: dict[Cite, None] = {}
    because = ""
    for answer in looked:
        if answer is not None:
            evidence.update(dict.fromkeys(answer.evidence))
            if isinstance(answer, NoRecord | Unavailable) and not because:
                because = answer.because
    return SpfStep(
        term,
        term.text,
        target,
        1,
        outcome,
        inner,
        networks,
        names,
        void_ipv4,
        void_ipv6,
        because,
        tuple(evidence),
        partly=next((each.because for each in looked if isinstance(each, Unavailable)), "")
        if outcome is Outcome.FOUND
        else "",
    )


def _one(looked: Looked | None) -> Outcome:
    if looked is None:
        return Outcome.TOO_DEEP
    if isinstance(looked, Unavailable):
        return Outcome.FAILED
    return Outcome.FOUND if isinstance(looked, Found) else Outcome.VOID


def _both(four: Looked | None, six: Looked | None) -> Outcome:
    """Of an address term: found if either family is, void if neither, failed where that is not known."""
    outcomes = {_one(four), _one(six)}
    for outcome in (Outcome.FOUND, Outcome.FAILED, Outcome.TOO_DEEP):
        if outcome in outcomes:
            return outcome
    return Outcome.VOID


def _networks(looked: Looked | None, term: Mechanism) -> tuple[Network, ...]:
    """The networks an `a` or `mx` term makes of addresses with its prefix lengths (section 5.6)."""
    if not isinstance(looked, Found):
        return ()
    prefixes = {4: term.cidr4, 6: term.cidr6}
    found = [ipaddress.ip_address(str(rdata)) for rdata in looked.rdatas]
    return tuple(ipaddress.ip_network(f"{ip}/{prefixes[ip.version]}", strict=False) for ip in found)
