"""One domain from target to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import anyio
import anyio.to_thread

from diag.facts import receivers
from diag.facts.moment import RunMoment
from diag.facts.providers import providers
from diag.facts.second_opinion import SecondOpinions
from diag.lab.consent import Polite
from diag.lab.followed import Followed
from diag.lab.once import Once
from diag.model.finding import Finding, Severity
from diag.model.frozen import frozen
from diag.model.plugin import Check
from diag.model.report import Report, Result, Waiver
from diag.model.target import Target
from diag.probes.probe import Impact, Lab

from . import bulk
from .plan import Plan, plan, without
from .prove import proven, untried
from .registry import BadPlugin, Registry
from .runner import Gathering, judge
from .waivers import waive

QUIET_AFTER = 0.2
"""Seconds after which most questions have been asked and conversations are waited for."""


@frozen
class Options:
    """What is asked of a run beside its target."""

    only: tuple[str, ...] = ()
    """Areas or rules to judge; empty: all."""
    skip: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    required: tuple[str, ...] = ("dns",)
    deadline: float | None = None
    proposed: str = ""
    as_bulk_sender: bool = False
    """Weigh what large receivers insist on as it weighs for whoever sends them mail in bulk."""


class Diagnosis:
    """A run on one domain; `stop` ends it early and leaves a partial report."""

    def __init__(self, registry: Registry, target: Target, lab: Lab, options: Options | None = None) -> None:
        self._registry = registry
        self._target = target
        self._options = options or Options()
        most = Impact.PASSIVE if target.dns_only else Impact.POLITE
        shared = lab if isinstance(lab, Once) else None
        self.lab = Followed(lab if target.intrusive else Polite(lab, most=most), shared)
        """Everything asked for this domain, and what came back."""
        self._gathering = Gathering(_to_gather(registry, self._options), target, self.lab)
        self._asking = anyio.CancelScope()
        self._proving = anyio.CancelScope()
        self._stopped = ""

    def stop(self, reason: str) -> None:
        """End the run now, whatever it is at; the report says that it is partial, and why."""
        self._stopped = self._stopped or reason
        self._gathering.stop(reason)
        self._asking.cancel()
        self._proving.cancel()

    async def run(self) -> Report:
        """Gather, judge, and try every fix before it is told."""
        began = anyio.current_time()
        facts = await self._gathered()
        if self._target.second_opinion and not self._gathering.stopped:
            facts[SecondOpinions] = await self._second_opinions(began)
        plan = plan_for(self._registry, self._options)
        results = tuple(judge(plan, facts, self._target))
        results, unproven = await self._proven(results, plan, began)
        severities = dict(self._options.severities)
        if self._options.as_bulk_sender:
            severities = {**bulk.turned_up(self._registry), **severities}
            results = bulk.could(results, self._registry, severities)
        moment = facts[RunMoment]
        at = moment.at if isinstance(moment, RunMoment) else datetime.fromtimestamp(0, UTC)
        results, waived = waive(results, self._options.waivers, at)
        return Report(
            target=self._target,
            moment=at,
            real_moment=moment.ran if isinstance(moment, RunMoment) else None,
            results=results,
            evidence=dict(self.lab.seen),
            facts=facts,
            versions=dict(_versions()),
            partial=self._gathering.stopped or self._stopped,
            severities=severities,
            waived=waived,
            seconds=anyio.current_time() - began,
            required=self._options.required,
            proposed=self._options.proposed,
            as_bulk_sender=self._options.as_bulk_sender,
            unproven=unproven,
            round_trips=self.lab.round_trips,
        )

    async def _gathered(self) -> dict[type, Any]:
        if not self._registry.later or self._registry.in_hand:
            return await self._gathering.run(self._options.deadline)
        self._registry.in_hand = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._complete)
            facts = await self._gathering.run(self._options.deadline)
            tasks.cancel_scope.cancel()
        return facts

    async def _second_opinions(self, began: float) -> SecondOpinions:
        """What others say, within what is left of the deadline."""
        from .second_opinion import second_opinions  # two libraries that only this wants

        if self._options.deadline is not None:
            self._asking.deadline = began + self._options.deadline
        with self._asking:
            return await second_opinions(self.lab, self._target.domain)
        return SecondOpinions((), (self._stopped or "the deadline was reached",))

    async def _complete(self) -> None:
        """Get ready to judge while conversations are waited for, but not beside the first burst of questions."""
        await anyio.sleep(QUIET_AFTER)
        await anyio.to_thread.run_sync(plan_for, self._registry, self._options)
        for prepared in (_versions, receivers.table, providers):
            await anyio.to_thread.run_sync(prepared)

    async def _proven(
        self, results: tuple[Result, ...], plan: Plan, began: float
    ) -> tuple[tuple[Result, ...], tuple[Finding, ...]]:
        """Every fix on trial, within what is left of the deadline; where that ends, none untried is told."""
        if self._gathering.stopped:
            return untried(results), ()
        if self._options.deadline is not None:
            self._proving.deadline = began + self._options.deadline
        with self._proving:
            # A fix on trial looks into the world again, but tries nothing on anybody.
            quiet = Polite(self.lab, self.lab.seen)
            return await proven(results, plan, self._target, quiet)
        self._stopped = self._stopped or "the deadline was reached while fixes were tried"
        return untried(results), ()


def _to_gather(registry: Registry, options: Options) -> Plan:
    """The plan of facts to gather; while our own checks are still to be imported, all of them, as the report wants."""
    if options.only or options.skip or not registry.later:
        return plan_for(registry, options)
    if None not in registry.plans:
        registry.plans[None] = _planned(registry, (), None)
    made: Plan = registry.plans[None]
    return made


def plan_for(registry: Registry, options: Options) -> Plan:
    """The plan for the checks chosen; where nothing was chosen, every fact is gathered for the report, and where
    areas are left out, every one but theirs.

    A run over many domains plans once. Raises BadPlugin.
    """
    choice = (options.only, options.skip)
    if choice not in registry.plans:
        chosen = tuple(check for check in registry.checks if _chosen(check, options))
        registry.plans[choice] = _planned(registry, chosen, _also(registry, chosen, options))
    made: Plan = registry.plans[choice]
    return made


def _also(registry: Registry, chosen: tuple[Check, ...], options: Options) -> tuple[type, ...] | None:
    """The facts to gather beside what the checks chosen need; None: all."""
    if options.only:
        return (RunMoment,)
    if not options.skip:
        return None
    dropped = tuple(check for check in registry.checks if check not in chosen)
    return (RunMoment, *without(dropped, chosen, registry.facts))


def _planned(registry: Registry, checks: tuple[Check, ...], also: tuple[type, ...] | None) -> Plan:
    try:
        return plan(checks, registry.facts, also)
    except BadPlugin as error:
        raise registry.blamed(error) from None


def _chosen(check: Check, options: Options) -> bool:
    names = {check.area, *(rule.id for rule in check.rules)}
    rules = [rule.id for rule in check.rules]
    if options.only and not names & set(options.only):
        return False
    return check.area not in options.skip and not all(rule in options.skip for rule in rules)


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """The versions that took part: reading them takes longer than judging a domain."""
    import importlib.metadata

    return tuple(
        (name, importlib.metadata.version(name))
        for name in ("maildiag", "dnspython", "cryptography", "pyopenssl")
    )
