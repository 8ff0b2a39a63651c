"""What the user lends: checked before anything is connected to, announced, and never told in a tape or report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Player, Run

from diag.sandbox.world import load

WORLD = Path(__file__).parents[2] / "fixtures" / "intrusive" / "submission" / "login-in-clear"
NOWHERE = ("-n", "127.0.0.1:1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--login", "anna"), "--login: --password is needed too"),
        (("--password", "env:X"), "--password: --login is needed too"),
        (("--token", "env:X"), "--token: --login is needed too"),
        (("--login", "a", "--password", "env:X", "--token", "env:X"), "exclude one another"),
        (("--insecure-auth",), "--insecure-auth: nobody is logged in without --login"),
        (("--login", "anna", "--password", "hunter2"), "expected env:NAME, file:PATH or fd:NUMBER"),
        (("--login", "anna", "--password", "fd:hunter2"), "expected the number of a descriptor"),
        (("--login", "anna", "--token", "hunter2"), "--token: expected env:NAME"),
        (("--intrusive", "--login", "anna", "--password", "env:NOBODY_SETS_THIS"), "env:NOBODY_SETS_THIS"),
        (("--intrusive", "--login", "anna", "--password", "file:/no/such/file"), "no such file"),
        (("--intrusive", "--login", "", "--password", "env:HOME"), "--login: expected the name"),
        (("--intrusive", "--login", "a", "--password", "env:HOME", "b.example"), "one domain at a time"),
        (("--mailbox", "anna"), "--mailbox 'anna': expected a mailbox"),
        (("--mailbox", "anna@b.example"), "expected a mailbox of a.example"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line_before_anything_is_asked(
    arguments: tuple[str, ...], said: str, maildiag: Run
) -> None:
    outcome = maildiag("check", *NOWHERE, "a.example", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert "hunter2" not in outcome.err
    assert outcome.out == ""


def test_a_login_is_announced_and_stands_on_no_tape_and_in_no_report(
    player: Player, maildiag: Run, profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = load(WORLD)
    played = player.play(world)
    tape = tmp_path / "x.tape"
    monkeypatch.setenv("LENT", world.password)
    lent = ("--intrusive", "--consent", world.domain, "--login", world.login, "--password", "env:LENT")
    first = maildiag("check", *played.arguments(profile), *lent, "-f", "json", "--save", tape, played.domain)
    assert first.code == 1, first.err
    assert f"[198.51.100.30]:587: logs in as {world.login} WITHOUT encryption" in first.err
    assert "asks whether it takes mail for elsewhere" in first.err
    assert "begins a message to postmaster@lantern.example and takes it back" in first.err
    report = json.loads(first.out)
    found = {finding["rule"] for result in report["results"] for finding in result["findings"]}
    assert "submission/auth-accepted-in-clear" in found
    assert (report["target"]["login"], report["target"]["password"]) == (world.login, "env:LENT")
    for text in (first.out, first.err, tape.read_text()):
        assert world.password not in text

    monkeypatch.delenv("LENT")
    again = maildiag("replay", tape, "-f", "json")
    assert again.code == 1
    told = json.loads(again.out)
    assert told["results"] == report["results"], "a replay needs no password"


def test_announcements_are_no_progress_and_come_with_quiet_too(
    player: Player, maildiag: Run, profile: Path
) -> None:
    played = player.play(load(WORLD))
    asked = ("-q", "--intrusive", "--consent", played.domain)
    outcome = maildiag("check", *played.arguments(profile), *asked, played.domain)
    told = outcome.err.splitlines()
    assert any("asks whether it takes mail for elsewhere" in line for line in told)
    assert all(line.startswith("maildiag: ") and "]:" in line for line in told), "nothing but announcements"


def test_help_has_a_heading_for_what_is_lent(maildiag: Run) -> None:
    text = maildiag("check", "--help").out
    group = text[text.index("\nAccess:\n") :].split("\n\n")[0]
    options = [line.split()[0] for line in group.splitlines() if line.startswith("  --")]
    assert options == ["--mailbox", "--login", "--password", "--token", "--insecure-auth"]
    assert "WITHOUT" in group, "what is said in clear is said in clear"
