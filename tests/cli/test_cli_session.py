"""Several domains side by side: told in order, bounded in number and in what is held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import anyio
import trio.testing

from diag.cli.session import AHEAD, Session
from diag.model.report import Report
from diag.model.target import Target

DOMAINS = [f"d{number}.example" for number in range(60)]


class Fake:
    """A diagnosis that takes the time it is given."""

    def __init__(self, name: str, seconds: float, seen: SimpleNamespace) -> None:
        self.name, self.seconds, self.seen = name, seconds, seen

    async def run(self) -> Report:
        self.seen.active += 1
        self.seen.most = max(self.seen.most, self.seen.active)
        await anyio.sleep(self.seconds)
        self.seen.active -= 1
        return Report(Target(self.name), datetime(2026, 11, 21, tzinfo=UTC), (), {}, {})

    def stop(self, reason: str) -> None:
        raise AssertionError(reason)


def told_by(seconds: Callable[[int], float], side_by_side: int) -> SimpleNamespace:
    """Run a session over all domains on a clock that jumps; what was told, and how much was held."""
    seen = SimpleNamespace(active=0, most=0, held=0, most_held=0, told=[])

    def begin(name: str) -> Any:
        return Fake(name, seconds(DOMAINS.index(name)), seen)

    def done(report: Report) -> Callable[[], None]:
        seen.held += 1
        seen.most_held = max(seen.most_held, seen.held)

        def tell() -> None:
            seen.held -= 1
            seen.told.append(report.target.domain)

        return tell

    session = Session(begin, done, side_by_side=side_by_side)
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(session.run, DOMAINS, backend="trio", backend_options={"clock": clock})
    assert not session.interrupted
    return seen


def test_reports_are_told_in_the_order_given_whatever_each_takes() -> None:
    assert told_by(lambda number: (number * 37) % 11, 8).told == DOMAINS


def test_no_more_than_allowed_are_looked_at_and_all_room_is_used() -> None:
    assert told_by(lambda number: 1.0, 5).most == 5


def test_one_slow_domain_holds_back_a_bounded_number_of_reports() -> None:
    seen = told_by(lambda number: 1000.0 if number == 0 else 1.0, 3)
    assert seen.told == DOMAINS
    assert 3 < seen.most_held <= 3 * AHEAD


class Stopping(Fake):
    """One that ends when it is told to, with a partial report."""

    def __init__(self, name: str, seconds: float, seen: SimpleNamespace) -> None:
        super().__init__(name, seconds, seen)
        self.scope = anyio.CancelScope()
        self.partial = ""

    async def run(self) -> Report:
        with self.scope:
            await anyio.sleep(self.seconds)
        at = datetime(2026, 11, 21, tzinfo=UTC)
        return Report(Target(self.name), at, (), {}, {}, partial=self.partial)

    def stop(self, reason: str) -> None:
        self.partial = reason
        self.scope.cancel()


def test_the_deadline_is_for_all_domains_together() -> None:
    told: list[tuple[str, str]] = []

    def done(report: Report) -> Callable[[], None]:
        return lambda: told.append((report.target.domain, report.partial))

    session = Session(
        lambda name: Stopping(name, 1.0, SimpleNamespace()),  # type: ignore[arg-type,return-value]
        done,
        side_by_side=2,
        deadline=2.5,
    )
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(session.run, DOMAINS[:10], backend="trio", backend_options={"clock": clock})
    why = "the deadline of 2.5 seconds was reached"
    assert told == [(name, "") for name in DOMAINS[:4]] + [(name, why) for name in DOMAINS[4:6]]
    assert session.missed == DOMAINS[6:10]


def test_domains_that_did_not_begin_before_the_deadline_are_missed_and_told_in_their_order() -> None:
    class Late(Stopping):
        """One that waits for others before it begins; the later it came, the sooner it ends."""

        async def run(self) -> Report | None:  # type: ignore[override]
            await super().run()
            await anyio.sleep(10 - DOMAINS.index(self.name))
            return None

    def told(report: Report) -> Callable[[], None]:
        raise AssertionError(report)

    session: Session[Report] = Session(
        lambda name: Late(name, 5.0, SimpleNamespace()), told, side_by_side=4, deadline=1
    )
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(session.run, DOMAINS[:6], backend="trio", backend_options={"clock": clock})
    assert session.missed == DOMAINS[:6]
