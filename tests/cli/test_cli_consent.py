"""Trials that are no ordinary use need the domain said again: before anything is connected to."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from conftest import Player, Run

from diag.cli import consent
from diag.cli.consent import consented
from diag.cli.faults import Fault
from diag.sandbox.world import load

WORLD = Path(__file__).parents[2] / "fixtures" / "intrusive" / "smtp" / "takes-bare-lf"
NOWHERE = ("-n", "127.0.0.1:1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--intrusive",), "--intrusive: say --consent a.example too"),
        (("--intrusive", "--consent", "b.example"), "--intrusive: say --consent a.example too"),
        (("--intrusive", "--consent", "www.a.example"), "--intrusive: say --consent a.example too"),
        (("--intrusive", "--consent", "yes!"), "--consent: "),
        (("--intrusive", "--consent", "file:/no/such/file"), "--consent file:/no/such/file: no such file"),
        (("--consent", "a.example"), "--consent: there is nothing to consent to without --intrusive"),
        (("b.example", "--intrusive", "--consent", "a.example"), "--intrusive: say --consent b.example too"),
    ],
)
def test_without_consent_to_every_domain_nothing_is_asked(
    arguments: tuple[str, ...], said: str, maildiag: Run
) -> None:
    outcome = maildiag("check", *NOWHERE, "a.example", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


@pytest.mark.parametrize("given", ["a.example", "A.Example.", "file:{path}"])
def test_the_domain_in_whatever_spelling_or_a_list_with_it_is_consent(given: str, tmp_path: Path) -> None:
    listed = tmp_path / "mine.txt"
    listed.write_text("# hosts of our own\n\nb.example\na.example  # since May\n")
    consented(("a.example",), (given.format(path=listed),), intrusive=True)


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("a.example\n", True), ("A.EXAMPLE", True), ("y\n", False), ("\n", False), ("", False)],
)
def test_at_a_terminal_it_may_be_typed(
    typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(consent, "_watched", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    if agreed:
        consented(("a.example",), (), intrusive=True)
    else:
        with pytest.raises(Fault, match=r"--consent a\.example"):
            consented(("a.example",), (), intrusive=True)
    shown = capsys.readouterr()
    assert "Type the domain again" in shown.err
    assert shown.out == ""


def test_what_is_sent_is_told_before(player: Player, maildiag: Run, profile: Path) -> None:
    played = player.play(load(WORLD))
    trial = ("--intrusive", "--consent", played.domain)
    outcome = maildiag("check", *played.arguments(profile), *trial, "--only", "smtp", played.domain)
    assert "smtp/accepts-bare-lf-command" in outcome.out
    told = outcome.err
    assert "mx2.lantern.example [198.51.100.20]:25: asks VRFY postmaster, VRFY " in told
    assert "names recipients that nobody has (" in told
    assert (
        "asks whether it takes mail for elsewhere (MAIL from 5 senders, RCPT to up to 14 recipients)" in told
    )
