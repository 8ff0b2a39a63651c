"""Gathering and judging: three kinds of not knowing, per subject, and a bug that costs only what needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from run_kit import (
    TARGET,
    Apple,
    Pear,
    Plum,
    Still,
    Worm,
    apple,
    gather,
    giving,
    jumping,
    no_worm_in_a_plum,
    no_worm_in_the_apple,
    plums_are_alike,
    results,
    settled,
)

from diag.api import (
    Absent,
    Check,
    Cite,
    DnsQuery,
    Finding,
    Lab,
    Many,
    Rfc,
    Severity,
    Status,
    Unavailable,
    Undecided,
    Verdict,
    check,
    fact,
    rule,
)
from diag.asking import NoRecord
from diag.model.plugin import Fact
from diag.model.shown import LONGEST_TOLD
from diag.probes.probe import NotRecorded
from diag.run.plan import Need, Needs, Plan, Source, Step, plan
from diag.run.runner import Crashed, Gathering

QUESTION = DnsQuery("orchard.example", "TXT")
GONE = Absent("none is published", (Cite(QUESTION),))
DARK = Unavailable("SERVFAIL", (Cite(QUESTION),))


@check
def takes_a_value(apple: Apple) -> Iterator[Finding]:
    """Takes a value."""
    yield Worm(subject="apple")


@check
def takes_absence(apple: Apple | Absent) -> Iterator[Finding]:
    """Takes absence."""
    yield Worm(subject="apple")


@check
def takes_anything(apple: Apple | Absent | Unavailable) -> Iterator[Finding]:
    """Takes anything."""
    yield Worm(subject="apple")


@check
def takes_two(apple: Apple, pear: Pear) -> Iterator[Finding]:
    """Takes two."""
    yield Worm(subject="apple")


@check
def cannot_tell(apple: Apple) -> Iterator[Verdict]:
    """Cannot tell for one subject, and can for another."""
    if apple.weight > 5:
        yield Worm(subject="apple")
    yield Undecided("the reply was 421", (Cite(QUESTION, 3),), "mx2.orchard.example")


@check
def fails(apple: Apple) -> Iterator[Finding]:
    """Fails."""
    yield Worm(subject="apple")
    raise ZeroDivisionError("apples by nought")


RAN, NOT, OPEN = Status.FAILED, Status.NOT_APPLICABLE, Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("value", "asked", "status"),
    [
        (Apple(), takes_a_value, RAN),
        (Apple(), takes_absence, RAN),
        (Apple(), takes_anything, RAN),
        (GONE, takes_a_value, NOT),
        (GONE, takes_absence, RAN),
        (GONE, takes_anything, RAN),
        (DARK, takes_a_value, OPEN),
        (DARK, takes_absence, OPEN),
        (DARK, takes_anything, RAN),
    ],
)
def test_what_a_check_takes_decides_whether_it_runs(value: Any, asked: Check, status: Status) -> None:
    (result,) = results(giving(Apple, value), checks=(asked,))
    assert result.status is status
    assert result.subject == TARGET.domain
    if status is not RAN:
        assert (result.because, result.evidence) == (value.because, value.evidence)


def test_what_a_look_up_says_is_not_there_is_absent() -> None:
    (result,) = results(giving(Apple, NoRecord("no TXT record")), checks=(takes_a_value,))
    assert result.status is NOT


def test_why_something_is_open_is_told_no_longer_than_it_is_read() -> None:
    (result,) = results(giving(Apple, Unavailable("said " + "w" * 5_000)), checks=(takes_a_value,))
    assert result.because.startswith("said www")
    assert result.because.endswith(f"w [{5_005 - LONGEST_TOLD} more characters]")


@pytest.mark.parametrize(
    ("apple", "pear", "status"),
    [(GONE, DARK, NOT), (DARK, GONE, NOT), (GONE, Pear(), NOT), (DARK, Pear(), OPEN), (Apple(), DARK, OPEN)],
)
def test_absence_decides_before_what_could_not_be_found_out(apple: Any, pear: Any, status: Status) -> None:
    (result,) = results(giving(Apple, apple), giving(Pear, pear), checks=(takes_two,))
    assert result.status is status


def test_a_result_says_what_it_may_hide() -> None:
    (result,) = results(giving(Apple, DARK), checks=(takes_a_value,))
    assert (result.could, result.claim, result.area) == (Severity.ERROR, "Takes a value", "orchard")


PLUMS = Many[Plum]


def test_not_knowing_is_per_subject() -> None:
    held = Many({"a": Plum(9), "b": GONE, "c": DARK, "d": Plum(1)})
    found = results(giving(PLUMS, held), checks=(no_worm_in_a_plum,))
    assert [(r.subject, r.status) for r in found] == [
        ("a", Status.FAILED),
        ("b", NOT),
        ("c", OPEN),
        ("d", Status.PASSED),
    ]


def test_a_check_of_many_sees_them_all_once() -> None:
    held = Many({"a": Plum(9), "b": DARK, "c": Plum(1)})
    (result,) = results(giving(PLUMS, held), checks=(plums_are_alike,))
    assert (result.status, result.subject) == (Status.FAILED, TARGET.domain)


def test_of_none_there_is_nothing_to_judge() -> None:
    spread, whole = results(giving(PLUMS, Many({})), checks=(no_worm_in_a_plum, plums_are_alike))
    assert (spread.status, spread.because) == (NOT, "there is none to judge")
    assert whole.status is Status.PASSED


@pytest.mark.parametrize(("value", "status"), [(GONE, NOT), (DARK, OPEN)])
def test_many_may_be_unknown_as_a_whole(value: Any, status: Status) -> None:
    for result in results(giving(PLUMS, value), checks=(no_worm_in_a_plum, plums_are_alike)):
        assert (result.status, result.because) == (status, value.because)


def test_a_check_may_leave_one_subject_open() -> None:
    failed, left_open = results(giving(Apple, Apple(9)), checks=(cannot_tell,))
    assert (failed.status, failed.subject) == (Status.FAILED, TARGET.domain)
    assert (left_open.status, left_open.subject, left_open.because) == (
        OPEN,
        "mx2.orchard.example",
        "the reply was 421",
    )
    assert left_open.evidence == (Cite(QUESTION, 3),)
    (alone,) = results(giving(Apple, Apple(1)), checks=(cannot_tell,))
    assert alone.status is OPEN


@rule("orchard/grub", Severity.ERROR, Rfc(1, "2"), since="1.0")
class Grub(Finding):
    """There is a grub.

    ## Why it matters
    It is where worms come from.

    ## How to fix
    Pick it.
    """

    message = "{subject} has a grub."
    instead_of = (Worm.id,)


@check
def no_grub(apple: Apple) -> Iterator[Finding]:
    """There is no grub."""
    if apple.weight > 1:
        yield Grub(subject="here")


@check
def no_worm_here_or_there(apple: Apple) -> Iterator[Finding]:
    """There is no worm here or there."""
    yield Worm(subject="here", weight=apple.weight)
    if apple.weight > 2:
        yield Worm(subject="there", weight=apple.weight)


def test_one_cause_is_told_once() -> None:
    checks = (no_worm_here_or_there, no_grub)
    alone, _ = results(giving(Apple, Apple(1)), checks=checks)
    assert (alone.status, len(alone.findings)) == (Status.FAILED, 1)
    told, grub = results(giving(Apple, Apple(2)), checks=checks)
    assert (told.status, told.findings, told.because) == (NOT, (), "the cause is told as orchard/grub")
    assert grub.status is Status.FAILED
    elsewhere, _ = results(giving(Apple, Apple(3)), checks=checks)
    assert (elsewhere.status, [each.subject for each in elsewhere.findings]) == (Status.FAILED, ["there"])


def test_a_check_that_fails_costs_itself_alone() -> None:
    crashed, sound = results(giving(Apple, Apple(1)), checks=(fails, no_worm_in_the_apple))
    assert (crashed.status, crashed.findings) == (Status.CRASHED, ())
    assert crashed.because.endswith("fails failed: ZeroDivisionError: apples by nought")
    assert "test_run_runner.py:" in crashed.because
    assert sound.status is Status.PASSED


@fact
async def pear_from_apple(apple: Apple) -> Pear:
    """Needs the apple."""
    return Pear(apple.weight)


@check
def no_worm_in_the_pear(pear: Pear) -> Iterator[Finding]:
    """There is no worm in the pear."""
    if pear.weight > 5:
        yield Worm(subject="pear")


def test_a_gatherer_that_fails_costs_what_needs_it_and_nothing_else() -> None:
    found = results(
        giving(Apple, ZeroDivisionError("nought")),
        pear_from_apple,
        giving(PLUMS, Many({"a": Plum(1)})),
        checks=(no_worm_in_the_apple, no_worm_in_the_pear, no_worm_in_a_plum),
    )
    assert [result.status for result in found] == [Status.CRASHED, Status.CRASHED, Status.PASSED]
    assert "given_Apple failed: ZeroDivisionError: nought" in found[1].because


MISS = NotRecorded(QUESTION)


@pytest.mark.parametrize(
    "error",
    [
        MISS,
        ExceptionGroup("one", [MISS]),
        ExceptionGroup("nested", [MISS, ExceptionGroup("inner", [NotRecorded(DnsQuery("a.example", "A"))])]),
    ],
)
def test_what_was_not_recorded_is_unavailable(error: Exception) -> None:
    value = settled(giving(Apple, error))[Apple]
    assert type(value) is Unavailable
    assert value.because == "not on the tape: TXT orchard.example"


def test_a_bug_beside_a_miss_is_a_bug() -> None:
    value = settled(giving(Apple, ExceptionGroup("both", [MISS, ZeroDivisionError()])))[Apple]
    assert type(value) is Crashed


def test_facts_that_do_not_need_one_another_are_gathered_at_once() -> None:
    begun: dict[str, float] = {}

    async def minute(name: str) -> None:
        begun[name] = anyio.current_time()
        await anyio.sleep(60)

    @fact
    async def slow_apple(lab: Lab) -> Apple:
        await minute("apple")
        return Apple()

    @fact
    async def slow_plums(lab: Lab) -> Many[Plum]:
        await minute("plums")
        return Many({})

    @fact
    async def slow_pear(apple: Apple) -> Pear:
        await minute("pear")
        return Pear()

    async def run() -> float:
        began = anyio.current_time()
        await gather(plan((), (slow_pear, slow_plums, slow_apple), None))
        begun.update({name: at - began for name, at in begun.items()})
        return anyio.current_time() - began

    assert jumping(run) == 120
    assert begun == {"apple": 0, "plums": 0, "pear": 60}


def test_each_fact_is_gathered_once() -> None:
    count: list[int] = []

    @fact
    async def counted(lab: Lab) -> Apple:
        count.append(1)
        return Apple(9)

    found = results(counted, pear_from_apple, checks=(no_worm_in_the_apple, no_worm_in_the_pear, takes_two))
    assert count == [1]
    assert [result.status for result in found] == [Status.FAILED] * 3


@fact
async def endless(lab: Lab) -> Pear:
    """Never settles."""
    await anyio.sleep_forever()
    return Pear()


def test_a_deadline_ends_the_gathering_with_what_there_is() -> None:
    made = plan((no_worm_in_the_apple, no_worm_in_the_pear), (apple, endless), None)
    facts, stopped = jumping(gather, made, 30.0)
    assert facts == {Apple: Apple(), Pear: Unavailable("the deadline of 30 seconds was reached")}
    assert stopped == "the deadline of 30 seconds was reached"


def test_a_run_that_ends_in_time_is_not_stopped() -> None:
    assert jumping(gather, plan((), (apple,), None), 30.0) == ({Apple: Apple()}, "")


def test_stop_ends_it_and_says_why() -> None:
    async def run() -> tuple[Any, str]:
        gathering = Gathering(plan((), (apple, endless), None), TARGET, Still())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_later, gathering)
            facts = await gathering.run(3600)
        return facts, gathering.stopped

    facts, stopped = jumping(run)
    assert facts == {Apple: Apple(), Pear: Unavailable("interrupted")}
    assert stopped == "interrupted"


async def _stop_later(gathering: Gathering) -> None:
    await anyio.sleep(1)
    gathering.stop("interrupted")
    gathering.stop("a second reason, which comes too late")


def test_stopped_before_it_began_it_waits_for_nothing() -> None:
    async def run() -> Any:
        gathering = Gathering(plan((), (endless,), None), TARGET, Still())
        gathering.stop("interrupted")
        return await gathering.run()

    assert jumping(run) == {Pear: Unavailable("interrupted")}


def test_the_longest_road_goes_first() -> None:
    """Questions that nothing waits for do not stand before those on which connections wait."""
    order: list[str] = []

    def step(name: str, *needs: type) -> Step:
        async def settle(**_: Any) -> str:
            order.append(name)
            return name

        wanted = Needs(Need(kind.__name__, Source.FACT, kind) for kind in needs)
        return Step(Fact(settle), types[name], False, wanted)

    types = {name: type(name, (), {}) for name in ("other", "first", "second", "third", "last")}
    steps = (
        step("other"),
        step("first"),
        step("last", types["other"]),
        step("second", types["first"]),
        step("third", types["second"]),
    )

    async def run() -> None:
        await Gathering(Plan(steps, ()), TARGET, Still()).run()

    anyio.run(run)
    assert order == ["first", "second", "third", "other", "last"]
