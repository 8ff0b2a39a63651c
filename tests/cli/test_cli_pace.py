"""How many go in at a time: as many as keep the processor busy, in the order they came."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trio.testing

from diag.cli.pace import BUSY, FIRST, IDLE, LEAST, Pace
from diag.cli.work import _Look

MOST = 32
BETWEEN = (IDLE + BUSY) / 2


class Inside:
    """Who was inside when, each for a second, while the processor worked for so much of the time."""

    def __init__(self, busy: Callable[[float], float], most: int = MOST, visitors: int = 200) -> None:
        self.entered: list[int] = []
        self.times: list[tuple[float, float]] = []
        self._used, self._seen = 0.0, 0.0
        self._busy = busy
        anyio.run(
            self._run,
            most,
            visitors,
            backend="trio",
            backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)},
        )

    async def _run(self, most: int, visitors: int) -> None:
        self._start = self._seen = anyio.current_time()
        pace = Pace(most, anyio.current_time, self._work)
        async with anyio.create_task_group() as tasks:
            for number in range(visitors):
                tasks.start_soon(self._visit, pace, number)
                await anyio.lowlevel.checkpoint()

    def _work(self) -> float:
        now = anyio.current_time()
        self._used += (now - self._seen) * self._busy(now - self._start)
        self._seen = now
        return self._used

    async def _visit(self, pace: Pace, number: int) -> None:
        async with pace:
            self.entered.append(number)
            came = anyio.current_time() - self._start
            await anyio.sleep(1)
            self.times.append((came, anyio.current_time() - self._start))

    def at(self, moment: float) -> int:
        """How many were inside."""
        return sum(came <= moment < left for came, left in self.times)

    @property
    def most(self) -> int:
        """The most at a time."""
        return max(self.at(came) for came, _ in self.times)


@pytest.mark.parametrize(
    ("busy", "settled"),
    [(0.0, MOST), (IDLE - 0.01, MOST), (BETWEEN, FIRST), (BUSY + 0.01, LEAST), (1.0, LEAST)],
)
def test_as_many_are_inside_as_keep_the_processor_busy(busy: float, settled: int) -> None:
    inside = Inside(lambda _: busy)
    assert inside.at(0.0) == FIRST
    assert inside.at(2.5) == settled
    assert inside.most == max(settled, FIRST)


def test_where_all_wait_for_answers_all_are_inside_before_the_first_has_one() -> None:
    assert Inside(lambda _: 0.0).at(0.5) == MOST


def test_it_widens_when_answers_begin_to_take_their_time_and_narrows_again() -> None:
    inside = Inside(lambda now: 0.1 if 10 < now < 20 else 1.0, visitors=400)
    assert [inside.at(moment) for moment in (9.5, 15.5, 25.5)] == [LEAST, MOST, LEAST]


def test_who_comes_first_goes_in_first() -> None:
    assert Inside(lambda now: math.sin(now) ** 2).entered == list(range(200))


@pytest.mark.parametrize("most", [1, 3])
@pytest.mark.parametrize("busy", [0.0, 1.0])
def test_no_more_are_inside_than_may_be(most: int, busy: float) -> None:
    assert Inside(lambda _: busy, most, visitors=9).most == most


def test_whoever_leaves_lets_the_next_one_in_at_once() -> None:
    came = [came for came, _ in Inside(lambda _: 1.0, 1, 9).times]
    assert came == pytest.approx(range(9), abs=1e-9)


def test_who_is_stopped_while_waiting_to_go_in_finds_nothing_and_whoever_is_inside_ends() -> None:
    stopped: list[str] = []
    found: dict[str, Any] = {}

    def look(name: str, pace: Pace) -> _Look:
        over = anyio.Event()

        async def run() -> str:
            await over.wait()
            return name

        def stop(why: str) -> None:
            stopped.append(f"{name}: {why}")
            over.set()

        work: Any = SimpleNamespace(pace=pace, outcome=lambda report: f"{report} told")
        diagnosis: Any = SimpleNamespace(run=run, stop=stop)
        return _Look(work, diagnosis)

    async def session() -> None:
        pace = Pace(1)
        looks = {name: look(name, pace) for name in ("first", "second")}

        async def run(name: str) -> None:
            found[name] = await looks[name].run()

        async with anyio.create_task_group() as tasks:
            for name in looks:
                tasks.start_soon(run, name)
            await anyio.wait_all_tasks_blocked()
            for each in looks.values():
                each.stop("interrupted")

    anyio.run(session)
    assert found == {"first": "first told", "second": None}
    assert stopped == ["first: interrupted", "second: interrupted"]
