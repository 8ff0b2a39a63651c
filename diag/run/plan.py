"""Wiring: who needs which fact, settled before any question is asked."""

from __future__ import annotations

import difflib
import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import Check, Fact, located
from diag.model.target import Target
from diag.probes.probe import Lab

from .registry import BadPlugin


class Source(enum.Enum):
    """Where a parameter's value comes from."""

    TARGET = enum.auto()
    LAB = enum.auto()
    FACT = enum.auto()


@frozen
class Need:
    """One parameter: the type it wants, and which kinds of not knowing it takes as they are."""

    parameter: str
    source: Source
    kind: type
    many: bool = False
    """It wants Many[kind] whole."""
    absent: bool = False
    unavailable: bool = False


class Needs(tuple[Need, ...]):
    """The parameters of one function."""

    @kept
    def kinds(self) -> tuple[type, ...]:
        """The types they want."""
        return tuple(need.kind for need in self)

    @kept
    def _parameters(self) -> tuple[str, ...]:
        return tuple(need.parameter for need in self)

    @kept
    def stops(self) -> Stops:
        """What keeps the function from running."""
        return _stops(
            tuple(
                (need.kind, not need.absent, not need.unavailable)
                for need in self
                if not (need.absent and need.unavailable)
            )
        )

    def arguments(self, known: Mapping[type, Any]) -> dict[str, Any]:
        """What the function is called with."""
        return dict(zip(self._parameters, map(known.__getitem__, self.kinds), strict=True))


class Stops:
    """What keeps a function from running: kinds of facts, and whether it stops where they are absent, or unavailable."""

    def __init__(self, at: tuple[tuple[type, bool, bool], ...]) -> None:
        self._at = at
        self._kinds = frozenset(kind for kind, _, _ in at)

    def missing(self, gone: Mapping[type, Absent | Unavailable]) -> Absent | Unavailable | None:
        """The kind of not knowing, of all there is, that keeps the function from running; None where nothing does.

        Where several needs are missing, what is absent decides before what could not be found out: a
        check that does not apply is not left open by a look-up it would not have used.
        """
        if gone.keys().isdisjoint(self._kinds):  # the usual case
            return None
        missing: Absent | Unavailable | None = None
        for kind, absent, unavailable in self._at:
            value = gone.get(kind)
            if value is None:
                continue
            if isinstance(value, Absent):
                missing = value if absent else missing
            elif unavailable and not isinstance(missing, Absent):
                missing = value
        return missing


@cache
def _stops(at: tuple[tuple[type, bool, bool], ...]) -> Stops:
    """One for all functions that the same keeps from running: a hundred checks want one and the same fact."""
    return Stops(at)


@frozen
class Step:
    """A fact with its needs resolved."""

    fact: Fact
    gives: type
    spread: bool
    needs: Needs

    @kept
    def asks(self) -> bool:
        """Whether it asks the world, and is worth a task of its own."""
        return any(need.source is Source.LAB for need in self.needs)


@frozen
class Judgement:
    """A check with its needs resolved; `over` is the parameter spread over subjects, if any."""

    check: Check
    needs: Needs
    over: Need | None


@frozen
class Plan:
    """The facts to gather, needed ones before those that need them, and the checks to run."""

    steps: tuple[Step, ...]
    judgements: tuple[Judgement, ...]

    @kept
    def order(self) -> Order:
        """How the steps follow one another."""
        return _order(self.steps)


@frozen
class Order:
    """Which step waits for which."""

    first: tuple[Step, ...]
    """Those that wait for none; those of the longest road ahead of the others."""
    on_the_road: int
    """How many of them lead to the fact with the longest chain of facts before it."""
    lacking: Mapping[type, int]
    """How many facts a step waits for, by what it gives."""
    after: Mapping[type, tuple[Step, ...]]
    """Who waits for a fact."""


def _order(steps: tuple[Step, ...]) -> Order:
    needed = {step.gives: {need.kind for need in step.needs if need.source is Source.FACT} for step in steps}
    after: dict[type, tuple[Step, ...]] = {step.gives: () for step in steps}
    before: dict[type, int] = {}
    for step in steps:  # needed ones stand before those that need them
        for kind in needed[step.gives]:
            after[kind] += (step,)
        before[step.gives] = 1 + max((before[kind] for kind in needed[step.gives]), default=0)
    road = {max(before, key=lambda kind: before[kind])} if before else set()
    for step in reversed(steps):
        if step.gives in road:
            road |= needed[step.gives]
    first = sorted(
        (step for step in steps if not needed[step.gives]), key=lambda step: step.gives not in road
    )
    on_the_road = sum(step.gives in road for step in first)
    return Order(tuple(first), on_the_road, {kind: len(kinds) for kind, kinds in needed.items()}, after)


def plan(checks: Iterable[Check], facts: Iterable[Fact], also: Iterable[type] | None = ()) -> Plan:
    """Resolve what these checks need, and the facts in `also` (None: all of them).

    Raises BadPlugin, reading like pytest's.
    """
    offered = _offered(facts)
    judgements = tuple(_judgement(check, offered) for check in checks)
    ordered: dict[type, Step] = {}
    for judgement in judgements:
        for need in judgement.needs:
            _collect(need, offered, ordered, (judgement.check.where,))
    for kind in offered if also is None else also:
        if kind in offered:
            _collect(Need("", Source.FACT, kind), offered, ordered, ("the report",))
    return Plan(tuple(ordered.values()), judgements)


def without(dropped: Iterable[Check], kept: Iterable[Check], facts: Iterable[Fact]) -> tuple[type, ...]:
    """The facts that are gathered where some checks are left out: not those that only these need.

    What only the report wants is gathered too, unless it needs one of them. Raises BadPlugin.
    """
    facts = tuple(facts)
    wanted = {step.gives for step in plan(kept, facts).steps}
    gone = {step.gives for step in plan(dropped, facts).steps} - wanted
    for step in plan((), facts, None).steps:  # needed ones stand before those that need them
        if step.gives not in wanted and any(need.kind in gone for need in step.needs):
            gone.add(step.gives)
    return tuple(kind for kind in _offered(facts) if kind not in gone)


def _offered(facts: Iterable[Fact]) -> dict[type, Step]:
    offered: dict[type, Step] = {}
    for fact in facts:
        members = _members(_hints(fact.function).get("return"))
        kinds = [m for m in members if m not in (Absent, Unavailable, None, types.NoneType)]
        if len(kinds) != 1:
            raise BadPlugin(
                f"fact {fact.where} must give one type (and Absent, Unavailable): annotate what it returns",
                fact.where,
            )
        spread = get_origin(kinds[0]) is Many
        gives = get_args(kinds[0])[0] if spread else kinds[0]
        if gives in offered:
            raise BadPlugin(
                f"fact {fact.where} gives {gives.__name__}, which {offered[gives].fact.where} gives already; "
                "give a type of your own, or ask for that one",
                fact.where,
            )
        offered[gives] = Step(fact, gives, spread, _needs(fact.function))
    return offered


def _judgement(check: Check, offered: dict[type, Step]) -> Judgement:
    needs = _needs(check.function)
    for need in needs:
        if need.source is Source.LAB:
            raise BadPlugin(
                f"check {check.where} asks for the lab: judgement is pure, put the look-up into a fact",
                check.where,
            )
    over = [
        n
        for n in needs
        if n.source is Source.FACT and not n.many and n.kind in offered and offered[n.kind].spread
    ]
    if len(over) > 1:
        both = " and ".join(f"{need.parameter}: {need.kind.__name__}" for need in over)
        raise BadPlugin(
            f"check {check.where} is spread over subjects twice: {both}; ask for one of them as Many[…]",
            check.where,
        )
    return Judgement(check, needs, over[0] if over else None)


def _collect(
    need: Need, offered: dict[type, Step], ordered: dict[type, Step], asked_by: tuple[str, ...]
) -> None:
    if need.source is not Source.FACT:
        return
    step = offered.get(need.kind)
    if step is None:
        raise BadPlugin(_nobody_gives(need, offered, asked_by), asked_by[-1])
    asker, by_fact = asked_by[-1], len(asked_by) > 1
    if need.many and not step.spread:
        raise BadPlugin(
            f"{asker} asks for Many[{need.kind.__name__}], but {step.fact.where} gives one value; "
            f"ask for {need.kind.__name__}",
            asker,
        )
    if not need.many and step.spread and by_fact:
        raise BadPlugin(
            f"fact {asker} must ask for Many[{need.kind.__name__}]: {step.fact.where} gives many", asker
        )
    if step.fact.where in asked_by:
        circle = " → ".join((*asked_by[asked_by.index(step.fact.where) :], step.fact.where))
        raise BadPlugin(
            f"facts need one another in a circle: {circle}; let one of them ask the lab itself", asker
        )
    if need.kind in ordered:
        return
    for inner in step.needs:
        _collect(inner, offered, ordered, (*asked_by, step.fact.where))
    ordered[need.kind] = step


def _nobody_gives(need: Need, offered: dict[type, Step], asked_by: tuple[str, ...]) -> str:
    names = {kind.__name__: step for kind, step in offered.items()}
    near = difflib.get_close_matches(need.kind.__name__, names, 1)
    lines = [" → ".join(asked_by), f"  no fact gives {need.kind.__name__} (parameter {need.parameter!r})"]
    if near:
        lines[-1] += f"; did you mean {near[0]} ({names[near[0]].fact.where})?"
    return "\n".join((*lines, f"  facts: {', '.join(sorted(names))}"))


def _needs(function: Callable[..., Any]) -> Needs:
    hints = _hints(function)
    needs = []
    for name in _parameters(function):
        if name not in hints:
            raise BadPlugin(
                f"{located(function)}: parameter {name!r} has no type: facts are found by type",
                located(function),
            )
        members = _members(hints[name])
        kinds = [m for m in members if m not in (Absent, Unavailable)]
        if len(kinds) != 1:
            raise BadPlugin(
                f"{located(function)}: parameter {name!r} names {len(kinds)} types; one, with Absent and Unavailable",
                located(function),
            )
        many = get_origin(kinds[0]) is Many
        kind = get_args(kinds[0])[0] if many else kinds[0]
        source = {Target: Source.TARGET, Lab: Source.LAB}.get(kind, Source.FACT)
        needs.append(Need(name, source, kind, many, Absent in members, Unavailable in members))
    return Needs(needs)


def _parameters(function: Callable[..., Any]) -> Iterable[str]:
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return inspect.signature(function).parameters
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return _read(function)
    except NameError as error:
        raise BadPlugin(
            f"{located(function)}: {error}: types that parameters name must be imported at run time, "
            "not under TYPE_CHECKING",
            located(function),
        ) from None
    except (SyntaxError, TypeError) as error:
        raise BadPlugin(
            f"{located(function)}: an annotation is no type: {error}; name a type, with Absent and Unavailable",
            located(function),
        ) from None


def _read(function: Callable[..., Any]) -> dict[str, Any]:
    """`typing.get_type_hints` for the annotations of plain functions, in a quarter of its time."""
    said, inside = function.__annotations__, inspect.unwrap(function).__globals__
    if not all(isinstance(each, str) and "'" not in each and '"' not in each for each in said.values()):
        return typing.get_type_hints(function)
    # Types that are no simple name are written alike in many places.
    return {
        name: inside[text] if text in inside else eval(_compiled(text), inside)  # noqa: S307
        for name, text in said.items()
    }


@cache
def _compiled(annotation: str) -> types.CodeType:
    return compile(annotation, "<annotation>", "eval")


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
