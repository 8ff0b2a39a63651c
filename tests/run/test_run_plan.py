"""Planning: who needs what is settled before any question, and in an order in which it can be gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from run_kit import Apple, Pear, Plum, Worm, apple, no_worm_in_a_plum, no_worm_in_the_apple, plums_are_alike

from diag.api import Absent, Check, Fact, Finding, Lab, Many, Target, Unavailable, check, fact
from diag.run.plan import Source, plan, without
from diag.run.registry import BadPlugin


@fact
async def pear(apple: Apple) -> Pear:
    """A pear, which needs the apple."""
    return Pear(apple.weight)


@fact
async def plums(pear: Pear, lab: Lab) -> Many[Plum]:
    """Plums, which need the pear."""
    return Many({})


@fact
async def pear_of_plums(plums: Many[Plum]) -> Pear:
    """A pear that needs the plums."""
    return Pear()


@check
def takes_all_kinds(
    target: Target, a: Apple | Absent, p: Pear | Absent | Unavailable, q: Many[Plum]
) -> Iterator[Finding]:
    """Takes everything."""
    yield Worm(subject=target.domain)


def test_facts_come_after_those_they_need() -> None:
    made = plan([no_worm_in_a_plum], [plums, pear, apple])
    assert [step.gives for step in made.steps] == [Apple, Pear, Plum]


def test_only_what_is_needed_is_gathered() -> None:
    assert [step.gives for step in plan([no_worm_in_the_apple], [plums, pear, apple]).steps] == [Apple]


def test_what_is_asked_for_beside_the_checks_is_gathered_too() -> None:
    assert {step.gives for step in plan([], [plums, pear, apple], [Pear]).steps} == {Apple, Pear}
    assert {step.gives for step in plan([], [plums, pear, apple], None).steps} == {Apple, Pear, Plum}
    assert plan([], [plums, pear, apple]).steps == ()


@dataclass(frozen=True)
class Fig:
    """What only the report wants."""


@fact
async def fig() -> Fig:
    """A fig."""
    return Fig()


@fact
async def fig_of_plums(plums: Many[Plum]) -> Fig:
    """A fig that needs the plums."""
    return Fig()


@pytest.mark.parametrize(
    ("dropped", "kept", "facts", "left"),
    [
        ([no_worm_in_a_plum], [], [plums, pear, apple], set()),
        ([no_worm_in_a_plum], [no_worm_in_the_apple], [plums, pear, apple], {Apple}),
        ([no_worm_in_the_apple], [no_worm_in_a_plum], [plums, pear, apple], {Apple, Pear, Plum}),
        ([no_worm_in_a_plum], [no_worm_in_the_apple], [plums, pear, apple, fig], {Apple, Fig}),
        ([no_worm_in_a_plum], [no_worm_in_the_apple], [plums, pear, apple, fig_of_plums], {Apple}),
        ([], [no_worm_in_the_apple], [plums, pear, apple, fig], {Apple, Pear, Plum, Fig}),
    ],
)
def test_what_only_checks_left_out_need_is_not_gathered(
    dropped: list[Check], kept: list[Check], facts: list[Fact], left: set[type]
) -> None:
    assert set(without(dropped, kept, facts)) == left


def test_each_parameter_says_what_it_takes() -> None:
    (judgement,) = plan([takes_all_kinds], [plums, pear, apple]).judgements
    assert [(n.parameter, n.source, n.absent, n.unavailable, n.many) for n in judgement.needs] == [
        ("target", Source.TARGET, False, False, False),
        ("a", Source.FACT, True, False, False),
        ("p", Source.FACT, True, True, False),
        ("q", Source.FACT, False, False, True),
    ]
    assert judgement.over is None


def test_a_check_of_one_of_many_is_spread_over_subjects() -> None:
    spread, whole = plan([no_worm_in_a_plum, plums_are_alike], [plums, pear, apple]).judgements
    assert spread.over is not None
    assert spread.over.parameter == "plum"
    assert whole.over is None


def test_a_fact_that_two_need_is_one_step() -> None:
    made = plan([no_worm_in_the_apple, no_worm_in_a_plum, plums_are_alike], [apple, pear, plums])
    assert len(made.steps) == 3


def test_the_chain_of_who_needs_whom_is_told() -> None:
    with pytest.raises(BadPlugin) as refused:
        plan([no_worm_in_a_plum], [plums, pear])
    chain, missing, known = str(refused.value).splitlines()
    assert [part.split()[-1] for part in chain.split(" → ")] == ["no_worm_in_a_plum", "plums", "pear"]
    assert missing.strip().startswith("no fact gives Apple (parameter 'apple')")
    assert known.strip() == "facts: Pear, Plum"


def test_a_circle_is_told_in_full() -> None:
    with pytest.raises(BadPlugin) as refused:
        plan([no_worm_in_a_plum], [pear_of_plums, plums])
    told = str(refused.value)
    assert told.count(" plums") == 2
    assert "pear_of_plums" in told
    assert "in a circle" in told


def test_a_fact_must_take_many_where_many_are_given() -> None:
    @fact
    async def one_plum(plum: Plum) -> Apple:
        return Apple()

    one_plum.function.__annotations__.update(plum=Plum, **{"return": Apple})
    with pytest.raises(BadPlugin, match=r"must ask for Many\[Plum\]"):
        plan([no_worm_in_the_apple], [one_plum, plums, pear])


def test_a_parameter_names_one_type() -> None:
    def both(fruit: Apple | Pear) -> Iterator[Finding]:
        yield Worm(subject="x")

    with pytest.raises(BadPlugin, match="parameter 'fruit' names 2 types"):
        plan([check(both)], [apple])
