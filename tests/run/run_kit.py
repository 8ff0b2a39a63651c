"""Hand-made facts, rules and labs for the tests of the run, and a clock that jumps over every wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import anyio
import trio.testing

from diag.api import (
    Absent,
    Check,
    Fact,
    Finding,
    Lab,
    Many,
    Result,
    Rfc,
    RunMoment,
    Severity,
    Target,
    Unavailable,
    check,
    fact,
    rule,
)
from diag.facts.moment import RunMoment as Moment
from diag.probes.probe import E, NotRecorded, Probe
from diag.run.plan import Plan, plan
from diag.run.runner import Gathering, judge

T = TypeVar("T")
TARGET = Target("orchard.example")


def jumping(work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """What `work` gives, on a clock that jumps to the next deadline whenever everybody waits."""
    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(work, *arguments, backend="trio", backend_options={"clock": clock})


class Still:
    """A lab in which nothing was recorded."""

    async def run(self, probe: Probe[E]) -> E:
        """Raises NotRecorded."""
        raise NotRecorded(probe)


@dataclass(frozen=True)
class Apple:
    """A fact of one value."""

    weight: int = 1


@dataclass(frozen=True)
class Pear:
    """Another one."""

    weight: int = 1


@dataclass(frozen=True)
class Plum:
    """A fact of one value per subject."""

    weight: int = 1


_PAGE = "\n\n## Why it matters\nIt does.\n\n## How to fix\nMend it.\n"


@rule("orchard/worm", Severity.ERROR, Rfc(5321, "5.1"), since="1.0")
class Worm(Finding):
    __doc__ = "A worm." + _PAGE
    message = "A worm in {subject} that weighs {weight}."
    weight: int = 0


@rule("orchard/spot", Severity.NOTICE, Rfc(5321, "5.1"), since="1.0")
class Spot(Finding):
    __doc__ = "A spot." + _PAGE
    message = "A spot on {subject}."


@fact
async def run_moment(lab: Lab) -> RunMoment:
    """A fixed moment."""
    return Moment(datetime(2026, 11, 21, 9, tzinfo=UTC))


@fact
async def apple(target: Target) -> Apple | Absent | Unavailable:
    """An apple."""
    return Apple()


@check
def no_worm_in_the_apple(apple: Apple) -> Iterator[Finding]:
    """There is no worm in the apple."""
    if apple.weight > 5:
        yield Worm(subject="apple", weight=apple.weight)


@check
def no_worm_in_a_plum(plum: Plum) -> Iterator[Finding]:
    """There is no worm in a plum."""
    if plum.weight > 5:
        yield Worm(subject="plum", weight=plum.weight)


@check
def plums_are_alike(plums: Many[Plum]) -> Iterator[Finding]:
    """Plums weigh the same."""
    if len({plum.weight for plum in plums.values()}) > 1:
        yield Spot(subject="plums")


def giving(kind: type, value: Any) -> Fact:
    """A fact of that type whose gatherer gives the value, or raises it where it is an exception."""

    async def gatherer(lab: Lab) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    gatherer.__annotations__["return"] = kind | Absent | Unavailable if isinstance(kind, type) else kind
    gatherer.__name__ = f"given_{getattr(kind, '__name__', 'many')}"
    return fact(gatherer)


async def gather(made: Plan, deadline: float | None = None) -> tuple[dict[type, Any], str]:
    """The facts of a plan, and why the gathering was stopped."""
    gathering = Gathering(made, TARGET, Still())
    return await gathering.run(deadline), gathering.stopped


def settled(*facts: Fact) -> dict[type, Any]:
    """All these facts, gathered."""
    return jumping(gather, plan((), facts, None))[0]


def results(*facts: Fact, checks: tuple[Check, ...]) -> list[Result]:
    """The results of the checks on these facts."""
    made = plan(checks, facts, None)
    return list(judge(made, jumping(gather, made)[0], TARGET))
