"""What the domain's SPF record comes to: the whole tree, what it costs, and whom it lets pass (RFC 7208)."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.model.knowing import Cite
from diag.records.spf import Mechanism, Modifier, SpfError, SpfRecord, Term

LOOKUP_LIMIT = 10
"""Terms that cause look-ups, in one evaluation (RFC 7208 section 4.6.4)."""
VOID_LIMIT = 2
"""Look-ups that find nothing, in one evaluation (RFC 7208 section 4.6.4)."""
MX_LIMIT = 10
"""MX names that one `mx` term may ask addresses of (RFC 7208 section 4.6.4)."""

Network = IPv4Network | IPv6Network


@frozen
class SpfPublished:
    """The TXT records at the domain that are SPF, or look as if they were meant to be."""

    domain: str
    records: tuple[str, ...]
    """Selected by version (RFC 7208 section 4.5): more than one is permerror."""
    near: tuple[str, ...]
    """Meant as SPF but not selected."""
    aliases: tuple[str, ...]
    """Where the domain itself is an alias: its targets."""
    other: tuple[str, ...]
    """The TXT records that have nothing to do with SPF."""
    name_exists: bool
    asked: tuple[Cite, ...]

    @property
    def owner(self) -> str:
        """The name that holds the records, or would: another one where the domain is an alias."""
        return self.aliases[-1] if self.aliases else self.domain


class Outcome(enum.StrEnum):
    """What became of a term's look-up."""

    NOT_NEEDED = "no look-up"
    FOUND = "found"
    VOID = "void"
    """NXDOMAIN or NODATA."""
    NO_RECORD = "no SPF record"
    """An include or redirect whose target has none: permerror (sections 5.2, 6.1)."""
    MANY_RECORDS = "several SPF records"
    LOOP = "loop"
    """The target is being evaluated already."""
    FAILED = "could not be looked up"
    """Servers were silent or answered SERVFAIL: temperror."""
    PER_MESSAGE = "depends on the message"
    """A macro decides per message what is asked."""
    TOO_DEEP = "not followed"
    """Beyond what a survey follows; the limit of ten is long passed."""


@frozen
class SpfStep:
    """One term as a receiver meets it."""

    term: Term
    text: str
    target: str
    """The name it asks for; empty where it asks for none or a macro decides."""
    cost: int
    """Its own look-up: 1 or 0."""
    outcome: Outcome
    inner: SpfNode | None
    """For include and an honoured redirect: what is evaluated there."""
    networks: tuple[Network, ...]
    """What it matches itself: addresses of `ip4`, `ip6`, `a` and `mx`."""
    names: tuple[str, ...]
    """For `mx`: the MX names asked."""
    void_ipv4: int
    """Void look-ups an IPv4 client meets here."""
    void_ipv6: int
    because: str
    evidence: tuple[Cite, ...]
    reached: bool = True
    """False for what stands after `all`, and for a redirect beside `all`: nobody evaluates it."""
    partly: str = ""
    """Why some of the addresses it names are not known, though others are; empty where nothing is missing."""

    @property
    def total(self) -> int:
        """Its look-up and those of everything evaluated below it."""
        return self.cost + (self.inner.lookups if self.inner is not None else 0)


@frozen
class SpfNode:
    """One record of the tree."""

    domain: str
    record: SpfRecord | None
    """None where the domain has not exactly one SPF record."""
    steps: tuple[SpfStep, ...]
    evidence: tuple[Cite, ...]
    alias_of: str = ""
    """Where the record really lives, if the domain is an alias; else empty."""

    @kept
    def lookups(self) -> int:
        """Look-ups of a message that matches nothing (RFC 7208 section 4.6.4); the record itself is free."""
        return sum(step.total for step in self.steps if step.reached)

    def walk(self) -> Iterator[tuple[SpfNode, SpfStep]]:
        """Every step that is evaluated, in the order of evaluation, with the record it stands in."""
        for step in self.steps:
            if not step.reached:
                continue
            yield self, step
            if step.inner is not None:
                yield from step.inner.walk()

    def nodes(self) -> Iterator[SpfNode]:
        """This record and every one evaluated below it, in order."""
        yield self
        for step in self.steps:
            if step.reached and step.inner is not None:
                yield from step.inner.nodes()


@frozen
class SpfEvaluation:
    """The evaluation of the domain's one SPF record for a sender that matches nothing."""

    domain: str
    root: SpfNode
    asked: tuple[Cite, ...]

    @property
    def record(self) -> SpfRecord:
        """The domain's own record."""
        assert self.root.record is not None
        return self.root.record

    @property
    def owner(self) -> str:
        """Where the domain's own record lives: another name where the domain is an alias."""
        return self.root.alias_of or self.domain

    def walk(self) -> Iterator[tuple[SpfNode, SpfStep]]:
        """Every step of the tree that is evaluated, with the record it stands in (SpfNode.walk)."""
        return iter(self._walked)

    @kept
    def _walked(self) -> tuple[tuple[SpfNode, SpfStep], ...]:
        # Here and not with the node, which would then hold itself.
        return tuple(self.root.walk())

    @kept
    def _passing(self) -> tuple[tuple[SpfNode, SpfStep, Network], ...]:
        return tuple(_passing(self.root))

    @property
    def lookups(self) -> int:
        """Terms that cause look-ups; more than ten is permerror."""
        return self.root.lookups

    @property
    def cut_short(self) -> bool:
        """Whether records of the tree were not followed, so that it takes more look-ups than were counted."""
        return any(
            step.outcome is Outcome.TOO_DEEP
            and isinstance(step.term, Mechanism | Modifier)
            and step.term.name in ("include", "redirect")
            for _, step in self.walk()
        )

    def voids(self, version: int) -> tuple[SpfStep, ...]:
        """The steps whose look-up is void for a client of IP version 4 or 6."""
        return self._voids_ipv4 if version == 4 else self._voids_ipv6

    @kept
    def _voids_ipv4(self) -> tuple[SpfStep, ...]:
        return tuple(step for _, step in self._walked if step.void_ipv4)

    @kept
    def _voids_ipv6(self) -> tuple[SpfStep, ...]:
        return tuple(step for _, step in self._walked if step.void_ipv6)

    def errors(self) -> Iterator[tuple[SpfNode, SpfError]]:
        """Syntax errors of the record and of every record reached: each is permerror (section 4.6)."""
        return iter(self._errors)

    @kept
    def _errors(self) -> tuple[tuple[SpfNode, SpfError], ...]:
        reached = ((node, node.record) for node in self.root.nodes())
        return tuple(
            (node, error) for node, record in reached if record is not None for error in record.errors
        )

    def failed(self) -> Iterator[SpfStep]:
        """Steps whose look-up could not be made: what lies below them is not known."""
        return iter(self._failed)

    @kept
    def _failed(self) -> tuple[SpfStep, ...]:
        return tuple(step for _, step in self._walked if step.outcome is Outcome.FAILED)

    def networks(self) -> Iterator[tuple[SpfNode, SpfStep, Network]]:
        """Every network that a passing term names, with the step that names it.

        What an include lets pass, its parent lets pass; what stands behind `-`, `~` or `?` does not.
        """
        return iter(self._passing)

    @property
    def passes_somebody(self) -> bool:
        """Whether any sender passes: False for `v=spf1 -all` and the like; macros count as somebody."""
        return bool(self._passing) or _open(self.root) or _by_macro(self)

    def passes(self, address: str) -> bool | None:
        """Whether mail from an address passes, whoever sends it; None where that depends on the message.

        None as well where part of the tree that decides could not be looked up, or any of it breaks the grammar.
        """
        if any(self.errors()):
            return None
        ends = _ends(self.root, ipaddress.ip_address(address))
        return ends.pop() if len(ends) == 1 else None

    @property
    def final(self) -> str:
        """The qualifier of the `all` that decides for whoever matches nothing; "?" where there is none."""
        return _final(self.root)


_SETTLED = frozenset({Outcome.NOT_NEEDED, Outcome.FOUND, Outcome.VOID})


def _by_client(step: SpfStep) -> bool:
    """Whether a term decides by more than the client's address."""
    return isinstance(step.term, Mechanism) and step.term.name in ("ptr", "exists")


def _ends(node: SpfNode, ip: IPv4Address | IPv6Address) -> set[bool]:
    """Whether a record lets an address pass: both where that is not known. The first term that matches decides."""
    ends: set[bool] = set()
    for step in node.steps:
        if not step.reached or not isinstance(step.term, Mechanism):
            continue
        matched = _matched(step, ip)
        if matched is not False:
            ends.add(step.term.qualifier == "+")
        if matched:
            return ends
    for step in node.steps:  # redirect comes last, wherever it stands (RFC 7208 section 6.1)
        if step.reached and isinstance(step.term, Modifier) and step.term.name == "redirect":
            return ends | (_ends(step.inner, ip) if step.inner is not None else {True, False})
    return ends | {False}


def _matched(step: SpfStep, ip: IPv4Address | IPv6Address) -> bool | None:
    """Whether a mechanism matches an address; None where that is not known."""
    if isinstance(step.term, Mechanism) and step.term.name == "all":
        return True
    if step.inner is not None:
        below = _ends(step.inner, ip)
        return below.pop() if len(below) == 1 else None
    if any(ip in network for network in step.networks):
        return True
    return False if step.outcome in _SETTLED and not step.partly and not _by_client(step) else None


def _passing(node: SpfNode) -> Iterator[tuple[SpfNode, SpfStep, Network]]:
    for step in node.steps:
        if not step.reached:
            continue
        if isinstance(step.term, Modifier):
            if step.inner is not None:
                yield from _passing(step.inner)
        elif isinstance(step.term, Mechanism) and step.term.qualifier == "+":
            yield from ((node, step, network) for network in step.networks)
            if step.inner is not None:
                yield from _passing(step.inner)


def _open(node: SpfNode) -> bool:
    """Whether `+all` is reached through passing terms only."""
    for step in node.steps:
        if not step.reached:
            continue
        passing = isinstance(step.term, Modifier) or (
            isinstance(step.term, Mechanism) and step.term.qualifier == "+"
        )
        if passing and isinstance(step.term, Mechanism) and step.term.name == "all":
            return True
        if passing and step.inner is not None and _open(step.inner):
            return True
    return False


def _by_macro(spf: SpfEvaluation) -> bool:
    """Whether a term that depends on the message could let somebody pass."""
    return any(
        isinstance(step.term, Mechanism)
        and step.term.qualifier == "+"
        and (step.outcome in (Outcome.PER_MESSAGE, Outcome.FAILED) or step.term.name in ("exists", "ptr"))
        for _, step in spf.walk()
    )


def _final(node: SpfNode) -> str:
    for step in node.steps:
        if not step.reached:
            continue
        if isinstance(step.term, Mechanism) and step.term.name == "all":
            return step.term.qualifier
        if isinstance(step.term, Modifier) and step.inner is not None:
            return _final(step.inner)
    return "?"


@frozen
class SpfRegistration:
    """Whether the domain of a name in SPF is registered; only asked where the name does not exist."""

    name: str
    term: str
    registrable: str
    free: bool | None
    """None: the servers of the parent zone could not be asked."""
    asked: tuple[Cite, ...]


@frozen
class SpfElsewhere:
    """SPF records at names where people put them by mistake; only looked for where the domain has none."""

    domain: str
    records: tuple[tuple[str, str], ...]
    """Name and record."""
    asked: tuple[Cite, ...]


@frozen
class SpfTargetServers:
    """What the name servers of an include's target say themselves, where our resolver got no answer."""

    target: str
    term: str
    all_fail: bool | None
    """True: every server failed. None: not all of them could be found or reached."""
    said: str
    asked: tuple[Cite, ...]
