"""The run: gather the facts, all at once as their needs settle; then judge, purely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel

from diag.lab.consent import NotAskedFor
from diag.model.finding import Finding, Undecided
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.report import Result, Status
from diag.model.target import Target
from diag.probes.probe import Lab, NotRecorded
from diag.together import WAITED, Tasks, task_group

from .plan import Judgement, Need, Plan, Source, Step


@frozen
class Crashed(Unavailable):
    """A gatherer of ours failed: a bug, reported as such, which costs nothing but what needs it."""


TURNS = 12
"""Turns of the loop by which the longest road goes ahead: more than it has facts before its first connection."""


class Gathering:
    """One target's facts while they are gathered; `stop` ends it early with what there is."""

    def __init__(self, plan: Plan, target: Target, lab: Lab) -> None:
        self._plan = plan
        self._target = target
        self._lab = lab
        self._lacking = dict(plan.order.lacking)
        self._scope = anyio.CancelScope()
        self._waited: dict[type, int] = {}
        self.facts: dict[type, Any] = {}
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
                    await self._follow(order.first[: order.on_the_road], group)
                    # What was asked ahead leads straight to the first connections; the burst of questions follows.
                    for _ in range(TURNS):
                        await anyio.lowlevel.checkpoint()
                    await self._follow(order.first[order.on_the_road :], group)
        if self._scope.cancelled_caught:
            self.stopped = self.stopped or f"the deadline of {deadline:g} seconds was reached"
        for step in self._plan.steps:
            self.facts.setdefault(step.gives, Unavailable(self.stopped or "not gathered"))
        return self.facts

    async def _follow(self, steps: tuple[Step, ...], group: Tasks) -> None:
        """Give these facts, and those that waited for them alone; what asks the world does so in a task."""
        ready = list(steps)
        while ready:
            step = ready.pop(0)
            arguments, missing = _arguments(step.needs, self.facts, self._target, self._lab)
            self._waited[step.gives] = max((self._waited.get(need.kind, 0) for need in step.needs), default=0)
            if missing is None and step.asks:
                group.start_soon(self._ask, step, arguments, group)
                continue
            self.facts[step.gives] = missing if missing is not None else await _value(step, arguments)
            ready += self._freed(step)

    async def _ask(self, step: Step, arguments: dict[str, Any], group: Tasks) -> None:
        WAITED.set(self._waited[step.gives])
        self.facts[step.gives] = await _value(step, arguments)
        self._waited[step.gives] = WAITED.get()
        await self._follow(self._freed(step), group)

    def _freed(self, given: Step) -> tuple[Step, ...]:
        """The steps that waited for this one and now for none."""
        after = self._plan.order.after[given.gives]
        for step in after:
            self._lacking[step.gives] -= 1
        return tuple(step for step in after if not self._lacking[step.gives])


async def _value(step: Step, arguments: dict[str, Any]) -> Any:
    try:
        return await step.fact.function(**arguments)
    except Exception as error:
        if (miss := _miss(error)) is not None:
            return Unavailable(str(miss))
        return Crashed(f"{step.fact.where} failed: {type(error).__name__}: {error}")


def judge(plan: Plan, facts: dict[type, Any], target: Target) -> Iterator[Result]:
    """Run every check of the plan on the facts. Never raises: a failing check is `crashed`."""
    for judgement in plan.judgements:
        over = judgement.over
        spread = facts.get(over.kind) if over is not None else None
        if over is None or not isinstance(spread, Many):
            yield from _judge_one(judgement, facts, target, target.domain)
        elif not len(spread):
            yield _result(judgement, target.domain, Status.NOT_APPLICABLE, (), "there is none to judge")
        else:
            seen = dict(facts)
            for subject, value in spread.items.items():
                seen[over.kind] = value
                yield from _judge_one(judgement, seen, target, subject)


def _judge_one(
    judgement: Judgement, facts: dict[type, Any], target: Target, subject: str
) -> Iterator[Result]:
    arguments, missing = _arguments(judgement.needs, facts, target, None)
    if missing is not None:
        yield _result(judgement, subject, _without(missing), (), missing.because, missing.evidence)
        return
    try:
        verdicts = list(judgement.check.function(**arguments))
    except Exception as error:
        why = f"{judgement.check.where} failed: {type(error).__name__}: {error}"
        yield _result(judgement, subject, Status.CRASHED, (), why)
        return
    if not verdicts:
        yield _result(judgement, subject, Status.PASSED)
        return
    findings = tuple(verdict for verdict in verdicts if isinstance(verdict, Finding))
    undecided = [verdict for verdict in verdicts if isinstance(verdict, Undecided)]
    if findings:
        yield _result(judgement, subject, Status.FAILED, findings)
    for verdict in undecided:
        about = verdict.subject or subject
        yield _result(judgement, about, Status.INCONCLUSIVE, (), verdict.because, verdict.evidence)


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
    return Result(
        check.name, check.claim, check.area, subject, status, findings, because, evidence, check.could
    )


def _arguments(
    needs: tuple[Need, ...], facts: dict[type, Any], target: Target, lab: Lab | None
) -> tuple[dict[str, Any], Absent | Unavailable | None]:
    """The arguments for a function, or the kind of not knowing that keeps it from running.

    Where several needs are missing, what is absent decides before what could not be found out: a
    check that does not apply is not left open by a look-up it would not have used.
    """
    arguments: dict[str, Any] = {}
    missing: Absent | Unavailable | None = None
    for need in needs:
        if need.source is Source.TARGET:
            arguments[need.parameter] = target
            continue
        if need.source is Source.LAB:
            arguments[need.parameter] = lab
            continue
        value = arguments[need.parameter] = facts[need.kind]
        if (isinstance(value, Absent) and not need.absent) or (
            isinstance(value, Unavailable) and not need.unavailable and not isinstance(missing, Absent)
        ):
            missing = value
    return arguments, missing


def _miss(error: BaseException) -> NotRecorded | NotAskedFor | None:
    """Why a lab did not answer, in a nest of exceptions; None where anything else is among them."""
    if isinstance(error, NotRecorded | NotAskedFor):
        return error
    if isinstance(error, BaseExceptionGroup):
        misses = [_miss(inner) for inner in error.exceptions]
        if all(miss is not None for miss in misses):
            return misses[0]
    return None
