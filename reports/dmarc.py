"""DMARC as it is found and what it comes to: the walk name by name, the policy for each kind of name, and where
receivers of the standard before (RFC 7489) come to something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.api import Report
from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy, DmarcStep, SuffixListDomain
from diag.names.organizational import ends_walk
from diag.records.dmarc import DmarcRecord, Kind, Policy

from . import states

Applies = tuple[DmarcRecord, Kind] | None
"""The record that decides, and as which kind of name; None where none does."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One name of the walk (RFC 9989 section 4.10)."""

    name: str
    """The name asked, `_dmarc.` included."""
    shown: states.Shown
    marks: tuple[str, ...]
    """What it is in the outcome: "the policy comes from here"."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is asked of receivers for mail that fails, under one kind of name."""

    names: str
    """Whose mail: "names below it that do not exist"."""
    policy: str
    """Of today's standard, with the tag that says so: "reject (np)"."""
    before: str
    """The same for receivers of RFC 7489; empty where they come to the same."""


@dataclass(frozen=True, slots=True)
class View:
    """The walk and its outcome."""

    stops: tuple[Stop, ...]
    fates: tuple[Fate, ...]
    """None where no record applies, or nobody could find out."""
    differing: tuple[str, ...]
    """Why receivers of RFC 7489 come to something else: a sentence each."""


def view(report: Report) -> View | None:
    """What to show; None where the walk was not taken."""
    walk, policy = report.fact(DmarcDiscovery), report.fact(DmarcPolicy)
    if not isinstance(walk, DmarcDiscovery):
        return None
    if not isinstance(policy, DmarcPolicy):
        return View(tuple(_stops(walk, None)), (), ())
    before = _Before(walk, policy, report.fact(SuffixListDomain))
    own, found = (policy.record, policy.kind), record_below(walk, policy)
    below = found[0] if found is not None else None
    kinds = {
        "the domain itself": (own, before.own()),
        "names below it": (_as(below, Kind.SUBDOMAIN), before.below()),
        "names below it that do not exist": (_as(below, Kind.NONEXISTENT), before.below()),
    }
    fates = tuple(_fate(names, *each) for names, each in kinds.items())
    differing = tuple(before.reasons(below)) if any(fate.before for fate in fates) else ()
    return View(tuple(_stops(walk, policy)), fates, differing)


def record_below(walk: DmarcDiscovery, policy: DmarcPolicy) -> tuple[DmarcRecord, str] | None:
    """The record for names below the domain that have none, and whose it is: not the domain's own where that
    of the Organizational Domain stands above it (RFC 9989 section 4.10.1). None where that is open.
    """
    if not walk.organizational:
        return None
    own = walk.steps[0]
    if own.record is not None and own.psd == "y":  # a walk from below meets it as a public suffix
        return own.record, own.name
    record = _record_at(walk, walk.organizational)
    return (record, walk.organizational) if record is not None else (policy.record, policy.found_at)


def deciding_tag(record: DmarcRecord, kind: Kind) -> str:
    """The tag that speaks for a kind of name: np falls back to sp, sp to p (RFC 9989 section 4.7)."""
    if kind is Kind.NONEXISTENT and record.np:
        return "np"
    return "sp" if kind is not Kind.DOMAIN and record.sp else "p"


def _as(record: DmarcRecord | None, kind: Kind) -> Applies:
    return (record, kind) if record is not None else None


def _record_at(walk: DmarcDiscovery, name: str) -> DmarcRecord | None:
    return next((step.record for step in walk.steps if step.name == name), None)


def _stops(walk: DmarcDiscovery, policy: DmarcPolicy | None) -> Iterator[Stop]:
    for step in walk.walked:
        marks = []
        if policy is not None and step.name == policy.found_at:
            marks.append("the policy comes from here")
        if step.name == walk.organizational:
            marks.append("the Organizational Domain")
        if ends_walk(step.psd):
            marks.append(f"psd={step.psd} ends the walk")
        yield Stop(f"_dmarc.{step.name}", _had(step), tuple(marks))


def _had(step: DmarcStep) -> states.Shown:
    if step.unknown:
        return states.unknown(f"could not be looked up: {step.unknown}")
    if len(step.records) > 1:
        return states.Shown("!", f"{len(step.records)} records: all are discarded", "warn")
    return states.good("a record") if step.record is not None else states.mute("no record")


class _Before:
    """A receiver that still reads DMARC by RFC 7489: Public Suffix List, no np, no t, pct obeyed."""

    def __init__(self, walk: DmarcDiscovery, policy: DmarcPolicy, listed: object) -> None:
        self._walk = walk
        self._policy = policy
        # Where the list was not asked it could not say otherwise than the walk; where it knows nothing, nor do we.
        said = listed.organizational if isinstance(listed, SuffixListDomain) else ""
        self._organizational = said or walk.organizational

    def own(self) -> Applies:
        """What it finds for the domain itself (RFC 7489 section 6.6.3)."""
        at_domain = self._walk.steps[0].record
        if at_domain is not None:
            return at_domain, Kind.DOMAIN
        return self.below()

    def below(self) -> Applies:
        """What it finds for a name below the domain, which it does not ask to exist."""
        return _as(_record_at(self._walk, self._organizational), Kind.SUBDOMAIN)

    def reasons(self, below: DmarcRecord | None) -> Iterator[str]:
        """Why it may come to something else."""
        if self._organizational != self._walk.organizational:
            yield (
                f"By the Public Suffix List they take {self._organizational} for the Organizational Domain, "
                f"not {self._walk.organizational}."
            )
        if self._policy.inherited and self._policy.record.psd == "y":
            yield f"They do not know psd, and pass over the record of {self._policy.found_at}."
        records = [self._policy.record, *([below] if below is not None else [])]
        if any(record.np not in (None, record.published_policy(Kind.SUBDOMAIN)) for record in records):
            yield "They do not know np, and judge a name that does not exist like any other below."
        if any(record.is_testing for record in records):
            yield "They do not know t=y, and take the policy as it is written."
        sampled = next((r.pct for r in records if r.pct is not None and r.pct < 100), None)
        if sampled is not None:
            yield f"They obey pct={sampled}: the policy is for {sampled} % of the mail that fails."


def _fate(names: str, today: Applies, before: Applies) -> Fate:
    if today is None:
        return Fate(names, "could not be determined", "")
    record, kind = today
    policy = record.policy_for(kind)
    tag = deciding_tag(record, kind) if record.is_in_force else "no valid policy"
    said = f"{policy} ({tag}{', lowered by t=y' if record.is_testing else ''})"
    then = _then(before)
    return Fate(names, said, then if then != str(policy) else "")


def _then(applies: Applies) -> str:
    """The policy as the older standard reads it, and of how much of the mail."""
    if applies is None:
        return "no policy"
    record, kind = applies
    policy = record.published_policy(kind)
    sampled = record.pct is not None and record.pct < 100 and policy is not Policy.NONE
    return f"{policy}, for {record.pct} % of it" if sampled else str(policy)
