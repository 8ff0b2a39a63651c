"""What is told on stderr while a run goes on; stdout carries data only."""

from __future__ import annotations

import sys
from contextlib import suppress


class Progress:
    """Notes for the person at the terminal; none with -q."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose

    def note(self, text: str) -> None:
        """Something worth knowing now."""
        if not self._quiet:
            self._say(text)

    def detail(self, text: str) -> None:
        """Something only those want to know who asked for it."""
        if self._verbose:
            self._say(text)

    def going_on(self, text: str) -> None:
        """What is being done: only where somebody is watching."""
        if not self._quiet and sys.stderr.isatty():
            self._say(text)

    @staticmethod
    def _say(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write("maildiag: " + "".join(c if c.isprintable() else " " for c in text) + "\n")
            sys.stderr.flush()
