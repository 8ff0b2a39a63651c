"""Our own end: whose clock is wrong."""

from __future__ import annotations

import pytest

from checks.vantage import our_clock_is_right
from diag.facts.vantage import OurClock, Witness
from diag.model.finding import Severity, Undecided
from diag.model.knowing import Cite
from diag.run.registry import load


def judged(*ahead: float) -> list[object]:
    witnesses = (
        Witness(f"host{at}.example", f"192.0.2.{at}", each, Cite(f"probe {at}"))
        for at, each in enumerate(ahead)
    )
    return list(our_clock_is_right.function(OurClock(tuple(witnesses))))


@pytest.mark.parametrize("ahead", [(0,), (300,), (-300, 0), (4000, 10, -3), (10, 20, 90000), (-5000, 5000)])
def test_a_clock_that_most_agree_with_is_right(ahead: tuple[float, ...]) -> None:
    assert judged(*ahead) == []


@pytest.mark.parametrize("ahead", [(301,), (-90000,), (4000, -1), (4000, 10)])
def test_one_server_s_clock_decides_nothing(ahead: tuple[float, ...]) -> None:
    (verdict,) = judged(*ahead)
    assert isinstance(verdict, Undecided)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        ((3600, 3602), "3601 seconds ahead of"),
        ((-3600, -3600, 5), "3600 seconds behind"),
        ((301, 301), "301 "),
    ],
)
def test_a_clock_that_most_disagree_with_is_wrong(ahead: tuple[float, ...], words: str) -> None:
    (finding,) = judged(*ahead)
    assert words in finding.text()  # type: ignore[attr-defined]


def test_no_grade_is_lower_for_our_own_end() -> None:
    ours = [rule for id_, rule in load().rules.items() if id_.startswith("vantage/")]
    assert len(ours) == 7
    assert {rule.severity for rule in ours} == {Severity.INFO}
