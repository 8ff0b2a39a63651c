"""The run: gather the facts, all at once as their needs settle; then judge, purely."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import anyio
import anyio.lowlevel

from diag.lab.consent import NotAskedFor
from diag.model.finding import Finding, Undecided
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.report import Result, Status, failing
from diag.model.shown import LONGEST_TOLD, shortened
from diag.model.target import Target
from diag.probes.probe import Lab, NotRecorded
from diag.together import WAITED, Tasks, task_group

from .plan import Judgement, Plan, Step, Stops


@frozen
class Crashed(Unavailable):
    """A gatherer of ours failed: a bug, reported as such, which costs nothing but what needs it."""


TURNS = 12
"""Turns of the loop by which the longest road goes ahead: more than it has facts before its first connection."""


class Gathering:
    """One target's facts while they are gathered; `stop` ends it early with what there is."""

    def __init__(self, plan: Plan, target: Target, lab: Lab) -> None:
        self._plan = plan
        self._known: dict[type, Any] = {Target: target, Lab: lab}
        self._gone: dict[type, Absent | Unavailable] = {}
        """What of it is not known after all."""
        self._connects = target.dialogues
        self._lacking = dict(plan.order.lacking)
        self._scope = anyio.CancelScope()
        self._waited: dict[type, int] = {Target: 0, Lab: 0}
        self.stopped = ""

    def stop(self, reason: str) -> None:
        """End the gathering; what is not settled becomes unavailable for this reason."""
        self.stopped = self.stopped or reason
        self._scope.cancel()

    async def run(self, deadline: float | None = None) -> dict[type, Any]:
        """Gather every fact of the plan; within `deadline` seconds, if one is given."""
        self._scope.deadline = anyio.current_time() + deadline if deadline is not None else float("inf")
        order = self._plan.order
        with self._scope:
            async with task_group() as group:
                # Even a run that is stopped by now gets what waits for nothing.
                with anyio.CancelScope(shield=True):
                    road = await self._follow(order.first[: order.on_the_road], group)
                    group.start_soon(self._ask, road, group)
                    # What was asked ahead leads straight to the first connections; the burst of questions follows.
                    for _ in range(TURNS if self._connects else 0):
                        await anyio.lowlevel.checkpoint()
                    others = await self._follow(order.first[order.on_the_road :], group)
                    group.start_soon(self._ask, others, group)
        if self._scope.cancelled_caught:
            self.stopped = self.stopped or f"the deadline of {deadline:g} seconds was reached"
        unknown = Unavailable(self.stopped or "not gathered")
        return {step.gives: self._known.get(step.gives, unknown) for step in self._plan.steps}

    async def _follow(self, steps: Iterable[Step], group: Tasks) -> Step | None:
        """Give these facts, and those that waited for them alone; what asks the world does so in a task.

        Gives back the last of those, not begun: whoever is done with another fact goes on with it.
        """
        ready = list(steps)
        last: Step | None = None
        for step in ready:  # which grows on the way
            missing = step.needs.stops.missing(self._gone)
            self._waited[step.gives] = max(map(self._waited.__getitem__, step.needs.kinds), default=0)
            if missing is None and step.asks:
                if last is not None:
                    group.start_soon(self._ask, last, group)
                last = step
                continue
            self._settle(step, missing if missing is not None else await _value(step, self._known))
            ready += self._freed(step)
        return last

    def _settle(self, step: Step, value: Any) -> None:
        self._known[step.gives] = value
        if isinstance(value, _GONE):
            self._gone[step.gives] = value

    async def _ask(self, step: Step | None, group: Tasks) -> None:
        while step is not None:
            WAITED.set(self._waited[step.gives])
            self._settle(step, await _value(step, self._known))
            self._waited[step.gives] = WAITED.get()
            step = await self._follow(self._freed(step), group)

    def _freed(self, given: Step) -> list[Step]:
        """The steps that waited for this one and now for none."""
        freed = []
        for step in self._plan.order.after[given.gives]:
            lacking = self._lacking[step.gives] = self._lacking[step.gives] - 1
            if not lacking:
                freed.append(step)
        return freed


async def _value(step: Step, known: Mapping[type, Any]) -> Any:
    try:
        return await step.fact.function(**step.needs.arguments(known))
    except Exception as error:
        if (why := _why_unanswered(error)) is not None:
            return Unavailable(why)
        return Crashed(f"{step.fact.where} failed: {type(error).__name__}: {error}")


def judge(plan: Plan, facts: Mapping[type, Any], target: Target) -> list[Result]:
    """Run every check of the plan on the facts. Never raises: a failing check is `crashed`."""
    known = {**facts, Target: target}
    gone = {kind: value for kind, value in known.items() if isinstance(value, _GONE)}
    results: list[Result] = []
    missing: dict[Stops, Absent | Unavailable | None] = {}
    for judgement in plan.judgements:
        over = judgement.over
        spread = known.get(over.kind) if over is not None else None
        if over is None or not isinstance(spread, Many):
            stops = judgement.needs.stops
            if stops not in missing:
                missing[stops] = stops.missing(gone)
            _judge_one(judgement, known, missing[stops], target.domain, results)
        elif not len(spread):
            results.append(
                _result(judgement, target.domain, Status.NOT_APPLICABLE, (), "there is none to judge")
            )
        else:
            for subject, value in spread.items.items():
                known[over.kind] = value
                there = {**gone, over.kind: value} if isinstance(value, _GONE) else gone
                _judge_one(judgement, known, judgement.needs.stops.missing(there), subject, results)
            known[over.kind] = spread
    return _each_cause_once(results)


def _each_cause_once(results: list[Result]) -> list[Result]:
    """Without the findings in whose place another one on the same subject tells the cause (Finding.instead_of)."""
    told = {
        (rule, finding.subject): finding.id
        for result in failing(results)
        for finding in result.findings
        for rule in finding.instead_of
    }
    return [_without_told(result, told) for result in results] if told else results


def _without_told(result: Result, told: Mapping[tuple[str, str], str]) -> Result:
    left = tuple(each for each in result.findings if (each.id, each.subject) not in told)
    if len(left) == len(result.findings):
        return result
    if left:
        return dataclasses.replace(result, findings=left)
    causes = dict.fromkeys(told[each.id, each.subject] for each in result.findings)
    because = f"the cause is told as {', '.join(causes)}"
    return dataclasses.replace(result, findings=(), status=Status.NOT_APPLICABLE, because=because)


def _judge_one(
    judgement: Judgement,
    known: Mapping[type, Any],
    missing: Absent | Unavailable | None,
    subject: str,
    results: list[Result],
) -> None:
    if missing is not None:
        status, because = _without(missing), missing.because
        results.append(_result(judgement, subject, status, (), because, missing.evidence))
        return
    try:
        verdicts = list(judgement.check.function(**judgement.needs.arguments(known)))
    except Exception as error:
        why = f"{judgement.check.where} failed: {type(error).__name__}: {error}"
        results.append(_result(judgement, subject, Status.CRASHED, (), why))
        return
    if not verdicts:
        results.append(_result(judgement, subject, Status.PASSED))
        return
    findings = tuple(verdict for verdict in verdicts if isinstance(verdict, Finding))
    if findings:
        results.append(_result(judgement, subject, Status.FAILED, findings))
    for each in verdicts:
        if isinstance(each, Undecided):
            about, because = each.subject or subject, each.because
            results.append(_result(judgement, about, Status.INCONCLUSIVE, (), because, each.evidence))


def _without(missing: Absent | Unavailable) -> Status:
    """What becomes of a check that misses something it needs."""
    if isinstance(missing, Absent):
        return Status.NOT_APPLICABLE
    return Status.CRASHED if isinstance(missing, Crashed) else Status.INCONCLUSIVE


def _result(
    judgement: Judgement,
    subject: str,
    status: Status,
    findings: tuple[Finding, ...] = (),
    because: str = "",
    evidence: tuple[Cite, ...] = (),
) -> Result:
    check = judgement.check
    told = shortened(because, LONGEST_TOLD) if because else ""
    return Result(check.name, check.claim, check.area, subject, status, findings, told, evidence, check.could)


_GONE = (Absent, Unavailable)


def _why_unanswered(error: BaseException) -> str | None:
    """Why a lab did not answer, in a nest of exceptions; None where anything else is among them.

    In words: a frame that kept the error would be kept by its traceback in turn, and all it knows with it.
    """
    if isinstance(error, NotRecorded | NotAskedFor):
        return str(error)
    if isinstance(error, BaseExceptionGroup):
        misses = [_why_unanswered(inner) for inner in error.exceptions]
        if all(miss is not None for miss in misses):
            return misses[0]
    return None
