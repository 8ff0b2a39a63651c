"""A whole run: the grade and what may lower it, severities and waivers of the reader's, partial reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from run_kit import (
    TARGET,
    Apple,
    Plum,
    Spot,
    Still,
    Worm,
    apple,
    giving,
    jumping,
    no_worm_in_a_plum,
    no_worm_in_the_apple,
    plums_are_alike,
    run_moment,
)

from diag.api import (
    Fact,
    Finding,
    Lab,
    Many,
    Report,
    Result,
    Rfc,
    Severity,
    Status,
    Unavailable,
    Waiver,
    rule,
)
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry

_WORM, _SPOT = Worm(subject="apple", weight=9), Spot(subject="apple")


def made(severity: Severity) -> Finding:
    """A finding of that severity."""

    @rule(f"orchard/of-severity-{severity}", severity, Rfc(5321), since="1.0")
    class Made(Finding):
        """Made.

        ## Why it matters
        It does not.

        ## How to fix
        Do nothing.
        """

        message = "Made."

    return Made(subject="apple")


def report(*results: Result, **more: Any) -> Report:
    """A report with these results."""
    return Report(TARGET, datetime(2026, 11, 21, tzinfo=UTC), results, {}, {}, **more)


def result(status: Status, *findings: Finding, could: Severity | None = Severity.ERROR) -> Result:
    """A result."""
    return Result("claim", "Claim", "orchard", "apple", status, findings, could=could)


PASSED = result(Status.PASSED)


def failed(severity: Severity) -> Result:
    """A result of that severity."""
    return result(Status.FAILED, made(severity), could=severity)


def left_open(could: Severity | None) -> Result:
    """An inconclusive result that could have been that grave."""
    return result(Status.INCONCLUSIVE, could=could)


C, E, W, N, INFO = Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.NOTICE, Severity.INFO


@pytest.mark.parametrize(
    ("results", "grade"),
    [
        ((), "A+"),
        ((PASSED,), "A+"),
        ((failed(INFO),), "A+"),
        ((failed(N),), "A"),
        ((failed(W), failed(N)), "B"),
        ((failed(N), failed(E), failed(W)), "C"),
        ((failed(E), failed(C)), "F"),
        ((left_open(E),), "A+?"),
        ((left_open(N),), "A+?"),
        ((left_open(INFO),), "A+"),
        ((left_open(None),), "A+"),
        ((failed(N), left_open(N)), "A"),
        ((failed(N), left_open(W)), "A?"),
        ((failed(W), left_open(C)), "B?"),
        ((failed(E), left_open(E)), "C"),
        ((failed(E), left_open(C)), "C?"),
        ((failed(C), left_open(C)), "F"),
        ((result(Status.CRASHED, could=W),), "A+?"),
        ((result(Status.NOT_APPLICABLE, could=C),), "A+"),
    ],
)
def test_the_worst_finding_decides_the_grade(results: tuple[Result, ...], grade: str) -> None:
    assert report(*results).grade == grade


@pytest.mark.parametrize(("severity", "grade"), [(None, "A+?"), (W, "B?"), (E, "C?"), (C, "F")])
def test_a_partial_report_may_hide_anything(severity: Severity | None, grade: str) -> None:
    results = (failed(severity),) if severity is not None else (PASSED,)
    assert report(*results, partial="interrupted").grade == grade


def test_findings_stand_gravest_first_then_by_rule_and_subject() -> None:
    other = _WORM.replace(subject="aple")
    first_by_id = made(E).replace(subject="zebra")
    found = report(result(Status.FAILED, _SPOT, _WORM), result(Status.FAILED, other, first_by_id)).findings
    assert found == (first_by_id, other, _WORM, _SPOT)


def test_the_readers_severities_decide() -> None:
    eased = report(result(Status.FAILED, _WORM), severities={"orchard/worm": Severity.NOTICE})
    assert (eased.worst, eased.grade) == (Severity.NOTICE, "A")
    raised = report(result(Status.FAILED, _SPOT, _WORM), severities={"orchard/spot": Severity.CRITICAL})
    assert (raised.worst, raised.grade, raised.findings[0]) == (Severity.CRITICAL, "F", _SPOT)


CHECKS = (no_worm_in_the_apple, no_worm_in_a_plum, plums_are_alike)
PLUMS = Many({"a": Plum(9), "b": Plum(1)})


def registry(*facts: Fact) -> Registry:
    """The orchard: these facts and the rest of them."""
    given = (*facts, giving(Many[Plum], PLUMS))
    registry = Registry(facts=[run_moment, *given])
    registry.checks.extend(CHECKS)
    registry.rules.update({"orchard/worm": Worm, "orchard/spot": Spot})
    return registry


def diagnosed(options: Options, *facts: Fact, begin: Callable[[Diagnosis], None] | None = None) -> Report:
    """The report of a run on the orchard."""

    async def run() -> Report:
        diagnosis = Diagnosis(registry(*(facts or (giving(Apple, Apple(9)),))), TARGET, Still(), options)
        if begin is not None:
            begin(diagnosis)
        return await diagnosis.run()

    return jumping(run)


def found(report: Report) -> list[tuple[str, str]]:
    """What was found, and on what."""
    return [(finding.id, finding.subject) for finding in report.findings]


ALL = [("orchard/worm", "apple"), ("orchard/worm", "plum"), ("orchard/spot", "plums")]


def test_a_run_gives_findings_moment_facts_and_versions() -> None:
    whole = diagnosed(Options())
    assert found(whole) == ALL
    assert (whole.grade, whole.partial, whole.unproven) == ("C", "", ())
    assert whole.moment == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert whole.fact(Apple) == Apple(9)
    assert whole.fact(str) is None
    assert "maildiag" in whole.versions


@pytest.mark.parametrize(
    ("options", "checks"),
    [
        (Options(), {"no_worm_in_the_apple", "no_worm_in_a_plum", "plums_are_alike"}),
        (Options(only=("orchard",)), {"no_worm_in_the_apple", "no_worm_in_a_plum", "plums_are_alike"}),
        (Options(only=("orchard/spot",)), {"plums_are_alike"}),
        (Options(only=("meadow",)), set()),
        (Options(skip=("orchard",)), set()),
        (Options(skip=("orchard/worm",)), {"plums_are_alike"}),
        (Options(only=("orchard",), skip=("orchard/spot",)), {"no_worm_in_the_apple", "no_worm_in_a_plum"}),
    ],
)
def test_only_and_skip_choose_the_checks(options: Options, checks: set[str]) -> None:
    assert {result.check for result in diagnosed(options).results} == checks


def test_what_no_chosen_check_needs_is_not_gathered() -> None:
    chosen = diagnosed(Options(only=("orchard/spot",)))
    assert chosen.fact(Apple) is None
    assert chosen.fact(Plum) == PLUMS
    assert diagnosed(Options(skip=("orchard",))).fact(Apple) is None
    assert diagnosed(Options(skip=("orchard/spot",))).fact(Apple) == Apple(9)


def test_a_waiver_sets_a_finding_aside_until_its_day() -> None:
    waiver = Waiver("orchard/worm", "it is a pet", "2026-11-21", "apple")
    waived = diagnosed(Options(waivers=(waiver,)))
    assert found(waived) == ALL[1:]
    assert [(finding.subject, by) for finding, by in waived.waived] == [("apple", waiver)]
    (aside,) = (result for result in waived.results if result.check == "no_worm_in_the_apple")
    assert aside.status is Status.NOT_APPLICABLE
    assert aside.because == "waived until 2026-11-21: it is a pet"


def test_a_waiver_without_subject_covers_every_one() -> None:
    assert found(diagnosed(Options(waivers=(Waiver("orchard/worm", "pets", "2026-12-31"),)))) == ALL[2:]


def test_a_waiver_that_has_ended_covers_nothing() -> None:
    ended = diagnosed(Options(waivers=(Waiver("orchard/worm", "it was a pet", "2026-11-20"),)))
    assert (found(ended), ended.waived) == (ALL, ())


def test_severities_of_the_profile_reach_the_report() -> None:
    eased = diagnosed(Options(severities={"orchard/worm": Severity.INFO}))
    assert eased.grade == "A"


async def _never(lab: Lab) -> Apple:
    await anyio.sleep_forever()
    return Apple()


def test_a_deadline_leaves_a_partial_report() -> None:
    partial = diagnosed(Options(deadline=5), Fact(_never))
    assert partial.partial == "the deadline of 5 seconds was reached"
    assert found(partial) == ALL[1:]
    assert partial.fact(Apple) == Unavailable(partial.partial)
    assert partial.grade == "C?"
    (open_one,) = (result for result in partial.results if result.check == "no_worm_in_the_apple")
    assert (open_one.status, open_one.because) == (Status.INCONCLUSIVE, partial.partial)


def test_a_run_that_is_stopped_leaves_a_partial_report() -> None:
    stopped = diagnosed(Options(), Fact(_never), begin=lambda diagnosis: diagnosis.stop("interrupted"))
    assert stopped.partial == "interrupted"
    assert stopped.fact(Apple) == Unavailable("interrupted")
    assert found(stopped) == ALL[1:], "what never waits was gathered all the same"


def test_a_gatherer_that_crashes_shows_in_the_report_and_costs_no_more() -> None:
    crashed = diagnosed(Options(), giving(Apple, ZeroDivisionError("nought")))
    assert [result.status for result in crashed.results] == [
        Status.CRASHED,
        Status.FAILED,
        Status.PASSED,
        Status.FAILED,
    ]
    assert found(crashed) == ALL[1:]


def test_an_apple_is_no_reason_to_ask_anybody() -> None:
    assert dict(diagnosed(Options(), apple).evidence) == {}
