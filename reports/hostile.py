"""Text from elsewhere made harmless, for whatever shows it."""

from __future__ import annotations

from diag.wire.transcript import visible

_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Characters that count as letters or symbols and show nothing."""


def plain(text: str) -> str:
    """The text on one line with nothing hidden in it.

    Control characters, terminal escapes, line ends, bidirectional overrides, zero-width and blank
    characters become backslash escapes; all else stays as it is.
    """
    shown = visible(text)
    if _BLANKS.isdisjoint(shown):
        return shown
    return "".join(map(_shown, shown))


def _shown(char: str) -> str:
    return f"\\u{ord(char):04x}" if char in _BLANKS else char
