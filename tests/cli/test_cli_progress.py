"""Notes and the living line on stderr: what a person at a terminal sees, and what nobody else does."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from diag.cli import progress as module
from diag.cli.progress import Progress
from diag.probes.dns import DnsQuery, DnsSilence, Silent
from diag.probes.probe import Probe
from diag.probes.talks import SmtpTalk

QUESTION = DnsQuery("a.example", "MX")
ANSWER = DnsSilence(Silent.TIMED_OUT, ())
TALK = SmtpTalk("192.0.2.1", 25, "mx1.a.example", "me.example")


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        """Yes."""
        return True

    @property
    def screen(self) -> list[str]:
        """What stands there: a carriage return begins the line anew, ESC [ K empties it from there."""
        rows = []
        for line in self.getvalue().split("\n"):
            row = ""
            for part in line.split("\r"):
                kept, clears, after = part.partition("\x1b[K")
                row = kept + after if clears else kept + row[len(kept) :]
            rows.append(row)
        return rows


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 80 columns; every state of the line is written."""
    watched = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=watched))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(module, "PAUSE", 0.0)
    return watched


class Slow:
    """A lab that looks at the screen while it is asked."""

    def __init__(self, terminal: io.StringIO) -> None:
        self.terminal = terminal
        self.seen: list[str] = []

    async def run(self, probe: Probe[Any]) -> Any:
        """See Lab."""
        await anyio.lowlevel.checkpoint()
        self.seen.append(self.terminal.screen[-1] if isinstance(self.terminal, Terminal) else "")
        if probe is TALK:
            raise LookupError("ends the gathering")
        return ANSWER


def test_the_line_tells_what_was_asked_and_what_is_waited_for(terminal: Terminal) -> None:
    progress, lab = Progress(quiet=False, verbose=False), Slow(terminal)
    watched = progress.watch(lab, 1)

    async def run() -> None:
        progress.began("a.example")
        assert await watched.run(QUESTION) is ANSWER
        with pytest.raises(LookupError):
            await watched.run(TALK)

    anyio.run(run)
    assert lab.seen == [
        "maildiag: a.example: 1 question, 0 connections; waiting for MX a.example",
        "maildiag: a.example: 1 question, 1 connection; waiting for mx1.a.example:25",
    ]
    assert terminal.screen == ["maildiag: a.example: 1 question, 1 connection"]
    progress.clear()
    assert terminal.screen == [""]


def test_of_many_domains_the_line_tells_how_many_are_done(terminal: Terminal) -> None:
    progress = Progress(quiet=False, verbose=False)
    progress.watch(Slow(terminal), 40)
    for name in ("a.example", "b.example", "c.example"):
        progress.began(name)
    progress.ended("b.example")
    progress.ended("b.example")
    assert "1 of 40 domains; 0 questions, 0 connections" in terminal.screen[0]
    assert terminal.screen[0].endswith("; at a.example, c.example")
    progress.began("d.example")
    assert terminal.screen[0].endswith("; at a.example, c.example ")
    assert len(terminal.screen[0]) == 79, "cut before the last column"


def test_notes_stand_above_the_line(terminal: Terminal) -> None:
    progress = Progress(quiet=False, verbose=True)
    progress.watch(Slow(terminal), 1)
    progress.began("a.example")
    progress.note("something \x1b[31mworth\nknowing")
    progress.asked(QUESTION)
    progress.detail("more")
    assert terminal.screen == ["maildiag: something  [31mworth knowing", "maildiag: more", ""]


def test_much_at_once_is_not_drawn_every_time(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 3600.0)
    progress = Progress(quiet=False, verbose=False)
    progress.watch(Slow(terminal), 1)
    for number in range(100):
        progress.asked(DnsQuery(f"{number}.example", "A"))
    assert terminal.getvalue().count("\r") < 10
    for number in range(100):
        progress.answered(DnsQuery(f"{number}.example", "A"))
    assert terminal.screen == ["maildiag: 100 questions, 0 connections"]


@pytest.mark.parametrize("quiet", [False, True])
def test_elsewhere_than_on_a_terminal_there_is_no_line(monkeypatch: pytest.MonkeyPatch, quiet: bool) -> None:
    stream = Terminal() if quiet else io.StringIO()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    progress, lab = Progress(quiet=quiet, verbose=False), Slow(stream)
    assert progress.watch(lab, 1) is lab
    progress.began("a.example")
    progress.ended("a.example")
    progress.clear()
    progress.note("a note")
    assert stream.getvalue() == ("" if quiet else "maildiag: a note\n")


def test_a_terminal_that_cannot_go_back_gets_no_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    progress, lab = Progress(quiet=False, verbose=False), Slow(terminal)
    assert progress.watch(lab, 1) is lab
    progress.began("a.example")
    assert terminal.getvalue() == ""


def test_what_is_asked_twice_is_waited_for_twice(terminal: Terminal) -> None:
    progress = Progress(quiet=False, verbose=False)
    progress.watch(Slow(terminal), 1)
    progress.asked(QUESTION)
    progress.asked(QUESTION)
    progress.answered(QUESTION)
    assert terminal.screen[0].endswith("waiting for MX a.example")
    progress.asked(TALK)
    assert terminal.screen[0].endswith("waiting for 2, first of all MX a.example")
    progress.answered(TALK)
    progress.answered(QUESTION)
    assert "waiting" not in terminal.screen[0]
