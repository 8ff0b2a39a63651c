"""No fix is told that was not seen to cure: each is published in an overlay and judged again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from run_kit import TARGET, Spot, Worm, jumping

from diag.api import (
    Absent,
    Cite,
    Configure,
    Finding,
    Fix,
    Lab,
    Publish,
    Replace,
    Result,
    Rfc,
    Severity,
    Target,
    Unavailable,
    Withdraw,
    check,
    fact,
    rule,
)
from diag.asking import Found, NoRecord, look_up
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.run.plan import Plan, plan
from diag.run.prove import proven
from diag.run.runner import Gathering, judge

NAME = TARGET.domain
ADVICE = Configure("mx.orchard.example", "spray = yes", "Orchard")


@dataclass(frozen=True)
class Notice:
    """The TXT records of the orchard."""

    texts: tuple[str, ...]
    asked: tuple[Cite, ...]


@fact
async def notice(target: Target, lab: Lab) -> Notice | Absent | Unavailable:
    """Its TXT records."""
    found = await look_up(lab, target.domain, "TXT")
    match found:
        case Found():
            return Notice(found.texts(), found.evidence)
        case NoRecord():
            return Absent(found.because, found.evidence)
        case _:
            return found


@rule("orchard/rot", Severity.ERROR, Rfc(5321, "5.1"), since="1.0")
class Rot(Finding):
    """There is rot.

    ## Why it matters
    It spreads.

    ## How to fix
    Cut it out.
    """

    message = "Rot in {subject}."


@rule("meadow/mole", Severity.ERROR, Rfc(5321, "5.1"), since="1.0")
class Mole(Finding):
    """There is a mole.

    ## Why it matters
    It digs.

    ## How to fix
    Wait.
    """

    message = "A mole in {subject}."


def trial(before: str, *fix: Fix) -> tuple[Finding, tuple[Finding, ...], list[Finding]]:
    """The finding of a worm with that fix, on trial where `before` is published.

    What became of it, those not proven, and all findings that are told.
    """

    def no_worm(notice: Notice) -> Iterator[Finding]:
        if any("worm" in text for text in notice.texts):
            yield Worm(subject=NAME, evidence=notice.asked, fix=fix)

    def no_rot(notice: Notice) -> Iterator[Finding]:
        if any("rot" in text for text in notice.texts):
            yield Rot(subject=NAME, evidence=notice.asked)

    def no_spot(notice: Notice) -> Iterator[Finding]:
        if any("spot" in text for text in notice.texts):
            yield Spot(subject=NAME, evidence=notice.asked)

    def no_mole(notice: Notice) -> Iterator[Finding]:
        if any("mole" in text for text in notice.texts):
            yield Mole(subject=NAME, evidence=notice.asked)

    made = plan([check(each) for each in (no_worm, no_rot, no_spot, no_mole)], [notice])
    world = Overlay(Zone.parse(before, NAME), Nothing(), whole=True)
    results, unproven = jumping(_tried, made, world)
    told = [finding for result in results for finding in result.findings]
    (worm,) = (finding for finding in told if isinstance(finding, Worm))
    return worm, unproven, told


async def _tried(made: Plan, lab: Lab) -> tuple[tuple[Result, ...], tuple[Finding, ...]]:
    facts: dict[type, Any] = await Gathering(made, TARGET, lab).run()
    return await proven(tuple(judge(made, facts, TARGET)), made, TARGET, lab)


WORMY = '@ TXT "a worm"\n'


@pytest.mark.parametrize(
    ("before", "fix"),
    [
        (WORMY, (Replace(NAME, "TXT", "clean"),)),
        (WORMY, (Replace(NAME, "TXT", "clean", old="a worm"),)),
        (WORMY, (Withdraw(NAME, "TXT", "a worm"),)),
        (WORMY, (Withdraw(NAME, "TXT"),)),
        (WORMY + '@ TXT "worm two"\n', (Withdraw(NAME, "TXT", "a worm"), Withdraw(NAME, "TXT", "worm two"))),
        (WORMY, (Replace(NAME, "TXT", "a spot"),)),  # a notice is no worse than an error
        (WORMY + '@ TXT "rot"\n', (Withdraw(NAME, "TXT", "a worm"),)),  # the rot was there before
        (WORMY, (Replace(NAME, "TXT", "clean"), ADVICE)),
    ],
)
def test_a_fix_that_cures_is_told(before: str, fix: tuple[Fix, ...]) -> None:
    worm, unproven, _ = trial(before, *fix)
    assert worm.fix == fix
    assert unproven == ()


@pytest.mark.parametrize(
    ("before", "fix"),
    [
        (WORMY, Replace(NAME, "TXT", "another worm")),
        (WORMY, Publish(NAME, "TXT", "clean")),  # the worm stays beside it
        (WORMY, Replace("elsewhere.example", "TXT", "clean")),
        (WORMY, Replace(NAME, "TXT", "clean", old="no such record")),
        (WORMY + '@ TXT "worm two"\n', Withdraw(NAME, "TXT", "a worm")),
    ],
)
def test_a_fix_that_does_not_cure_is_dropped_and_noted(before: str, fix: Fix) -> None:
    worm, unproven, told = trial(before, fix)
    assert worm.fix == ()
    assert [(finding.id, finding.fix) for finding in unproven] == [("orchard/worm", (fix,))]
    assert worm in told, "the finding itself is told all the same"


def test_a_fix_that_breaks_something_else_as_badly_is_dropped() -> None:
    fix = Replace(NAME, "TXT", "rot")
    worm, unproven, told = trial(WORMY, fix)
    assert worm.fix == ()
    assert len(unproven) == 1
    assert [finding.id for finding in told] == ["orchard/worm"], "what the trial raised is not told"


def test_only_its_own_area_is_judged_again() -> None:
    fix = Replace(NAME, "TXT", "mole")
    worm, unproven, _ = trial(WORMY, fix)
    assert (worm.fix, unproven) == ((fix,), ())


def test_advice_for_a_server_cannot_be_tried_and_is_left_alone() -> None:
    worm, unproven, _ = trial(WORMY, ADVICE)
    assert (worm.fix, unproven) == ((ADVICE,), ())


def test_advice_outlives_the_records_that_failed() -> None:
    worm, unproven, _ = trial(WORMY, Replace(NAME, "TXT", "worm"), ADVICE)
    assert worm.fix == (ADVICE,)
    assert len(unproven) == 1


def test_the_records_beside_the_fixed_one_stay() -> None:
    """What is published now goes into the trial: here the spot that shares the name."""
    fix = Replace(NAME, "TXT", "worm, but not for long", old="a worm")
    worm, _, _ = trial(WORMY + '@ TXT "spot"\n', fix)
    assert worm.fix == ()


def test_a_fix_is_not_tried_on_records_by_the_hundred() -> None:
    """Nobody publishes so many by mistake, and trying would take minutes."""
    many = WORMY + "".join(f'@ TXT "{number}"\n' for number in range(210))
    worm, unproven, _ = trial(many, Withdraw(NAME, "TXT"))
    assert (worm.fix, len(unproven)) == ((), 1)


def test_a_fix_is_not_tried_on_records_of_many_octets() -> None:
    """Each fact and check of the area would read them again."""
    long = " ".join(f'"{"x" * 250}"' for _ in range(40))
    worm, unproven, _ = trial(WORMY + f"@ TXT {long}\n", Withdraw(NAME, "TXT", "a worm"))
    assert (worm.fix, len(unproven)) == ((), 1)


def test_what_stands_at_a_name_is_read_once_however_many_changes_touch_it() -> None:
    """1,500 records to withdraw, one by one, took half a minute."""

    class Counting(Overlay):
        asked = 0

        async def run(self, probe: Any) -> Any:
            Counting.asked += 1
            return await super().run(probe)

    def no_worm(notice: Notice) -> Iterator[Finding]:
        worms = tuple(Withdraw(NAME, "TXT", text) for text in notice.texts if "worm" in text)
        if worms:
            yield Worm(subject=NAME, evidence=notice.asked, fix=worms)

    made = plan([check(no_worm)], [notice])
    before = "".join(f'@ TXT "worm {number}"\n' for number in range(50))
    results, unproven = jumping(_tried, made, Counting(Zone.parse(before, NAME), Nothing(), whole=True))
    assert ([len(f.fix) for r in results for f in r.findings], unproven) == ([50], ())
    assert Counting.asked <= 3  # gathered, read, and whether the answer is signed
