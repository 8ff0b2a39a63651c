"""`check --second-opinion`: on the command line, and on tape."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Player, Run

from diag.sandbox import world as worlds

SYNTAX = Path(__file__).parent.parent.parent / "fixtures" / "spf" / "syntax"


def test_a_difference_is_told_and_replayed(maildiag: Run, player: Player, profile: Path) -> None:
    world = player.play(worlds.load(SYNTAX))
    done = maildiag(
        "check", world.domain, "--second-opinion", "--no-dialogues", "--save", "run.tape", "-f", "json",
        *world.arguments(profile),
    )  # fmt: skip
    told = json.loads(done.out)["second_opinions"]
    assert [each["question"] for each in told["opinions"] if not each["agrees"]] == ["SPF cost"]
    assert told["unheard"] == []
    again = json.loads(maildiag("replay", "run.tape", "-f", "json").out)["second_opinions"]
    assert again == told


def test_off_by_default(maildiag: Run, player: Player, profile: Path) -> None:
    world = player.play(worlds.load(SYNTAX))
    done = maildiag("check", world.domain, "--no-dialogues", "-f", "json", *world.arguments(profile))
    assert json.loads(done.out)["second_opinions"] is None
