"""How a state is shown: a symbol, a word and a colour, so that colour never stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Severity, Status


@dataclass(frozen=True, slots=True)
class Shown:
    """A symbol, a word and the class that colours both."""

    symbol: str
    word: str
    css: str


SEVERITIES = {
    Severity.CRITICAL: Shown("✗", "Critical", "crit"),
    Severity.ERROR: Shown("✗", "Error", "err"),
    Severity.WARNING: Shown("!", "Warning", "warn"),
    Severity.NOTICE: Shown("•", "Notice", "note"),
    Severity.INFO: Shown("i", "For your information", "note"),
}
STATUSES = {
    Status.PASSED: Shown("✓", "passed", "good"),
    Status.FAILED: Shown("✗", "failed", "err"),
    Status.INCONCLUSIVE: Shown("?", "undetermined", "unk"),
    Status.CRASHED: Shown("?", "crashed", "unk"),
    Status.NOT_APPLICABLE: Shown("–", "not applicable", "mute"),
}


def short(severity: Severity, word: str) -> Shown:
    """A severity's symbol and colour with a word of its own."""
    shown = SEVERITIES[severity]
    return Shown(shown.symbol, word, shown.css)


def good(word: str) -> Shown:
    """All is well."""
    return Shown("✓", word, "good")


def unknown(word: str) -> Shown:
    """Nobody could find out."""
    return Shown("?", word, "unk")


def mute(word: str) -> Shown:
    """Nothing to say."""
    return Shown("–", word, "mute")
