"""What is told on stderr while a run goes on; stdout carries data only.

Notes stay. Where somebody watches a terminal, one line beneath them lives: it is written over as the run
goes on, and is gone before anything else is written. Elsewhere (a pipe, a file, a timer, -q) it never shows.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from typing import Any

from diag.probes.dns import DnsQuery
from diag.probes.probe import E, Impact, Lab, Probe

from .counted import counted

PAUSE = 0.1
"""Seconds between two states of the line, while much happens."""
_CALM = 4
"""Where no more than so many answers or domains are waited for, each of them may be the one that takes long."""
_NAMED = 2
"""Domains under way that the line names."""
_CLEAR = "\r\x1b[K"


class Progress:
    """Notes and a living line for the person at the terminal; neither with -q. Announcements come in any case."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._work = _Work(0)
        self._shown = ""
        self._next = 0.0

    def note(self, text: str) -> None:
        """Something worth knowing now."""
        if not self._quiet:
            self._say(text)

    def announce(self, text: str) -> None:
        """What is about to be done to somebody: no progress, so it is told with -q as well."""
        self._say(text)

    def detail(self, text: str) -> None:
        """Something only those want to know who asked for it."""
        if self._verbose:
            self._say(text)

    def watch(self, lab: Lab, domains: int) -> Lab:
        """A lab that shows what is asked of this one, in a run over so many domains.

        The same lab where nobody watches.
        """
        if self._quiet or not _watched() or os.environ.get("TERM") == "dumb":
            return lab
        self._work = _Work(domains)
        return _Watched(lab, self)

    def began(self, domain: str) -> None:
        """A domain is being looked at."""
        self._work.running[domain] = None
        self._show()

    def count(self, questions: int, connections: int) -> None:
        """So much was asked elsewhere than in the lab that is watched."""
        self._work.questions += questions
        self._work.connections += connections

    def ended(self, domain: str) -> None:
        """A domain is done."""
        if self._work.running.pop(domain, domain) is None:
            self._work.done += 1
        self._show()

    def clear(self) -> None:
        """Take the living line away: something else is to be written."""
        if self._shown:
            self._write(_CLEAR)
            self._shown = ""

    def asked(self, probe: Probe[Any]) -> None:
        """A probe is under way."""
        self._work.ask(probe)
        self._show()

    def answered(self, probe: Probe[Any]) -> None:
        """It is no more."""
        self._work.answer(probe)
        self._show()

    def _show(self) -> None:
        work, now = self._work, time.monotonic()
        if not work.domains or (now < self._next and max(len(work.waiting), len(work.running)) > _CALM):
            return
        self._next = now + PAUSE
        # One column stays free: some terminals wrap as soon as the last one is written.
        line = _printable(f"maildiag: {work}")[: max(shutil.get_terminal_size().columns - 1, 1)]
        if line != self._shown:
            self._write(f"\r{line}\x1b[K")
            self._shown = line

    def _say(self, text: str) -> None:
        self.clear()
        self._write(f"maildiag: {_printable(text)}\n")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


class _Watched:
    """Tells the progress what is asked."""

    def __init__(self, inner: Lab, progress: Progress) -> None:
        self._inner = inner
        self._progress = progress

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        self._progress.asked(probe)
        try:
            return await self._inner.run(probe)
        finally:
            self._progress.answered(probe)


class _Work:
    """How far a run is."""

    def __init__(self, domains: int) -> None:
        self.domains = domains
        self.done = 0
        self.running: dict[str, None] = {}
        self.waiting: dict[Probe[Any], int] = {}
        """What is under way and how often, the oldest first."""
        self.questions = 0
        self.connections = 0

    def ask(self, probe: Probe[Any]) -> None:
        """Count it, and wait for it."""
        self.questions += isinstance(probe, DnsQuery)
        self.connections += probe.impact >= Impact.POLITE
        self.waiting[probe] = self.waiting.get(probe, 0) + 1

    def answer(self, probe: Probe[Any]) -> None:
        """Wait for it no more."""
        left = self.waiting.pop(probe, 1) - 1
        if left:
            self.waiting[probe] = left

    def __str__(self) -> str:
        asked = f"{counted(self.questions, 'question')}, {counted(self.connections, 'connection')}"
        running = list(self.running)
        if self.domains > 1:
            more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
            names = ", ".join(running[:_NAMED]) + more
            return f"{self.done:,} of {self.domains:,} domains; {asked}" + (f"; at {names}" if names else "")
        name = f"{running[0]}: " if running else ""
        oldest = next(map(_named, self.waiting), "")
        more = f"{len(self.waiting):,}, first of all " if len(self.waiting) > 1 else ""
        return f"{name}{asked}" + (f"; waiting for {more}{oldest}" if oldest else "")


def _watched() -> bool:
    return sys.stderr.isatty()


def _named(probe: Probe[Any]) -> str:
    """A probe in a word or two: "mx1.example:25", "MX example"."""
    host, port = getattr(probe, "host", ""), getattr(probe, "port", 0)
    return f"{host}:{port}" if host and port else str(probe) if isinstance(probe, DnsQuery) else probe.kind


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
