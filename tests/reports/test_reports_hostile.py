"""Text from elsewhere made harmless."""

from __future__ import annotations

import pytest

from reports.hostile import plain


@pytest.mark.parametrize(
    ("given", "harmless"),
    [
        ("grün 東京 ok", "grün 東京 ok"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m\x9b\x7f", "\\x1b[31m\\x9b\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u3164b\u2800", "a\\u3164b\\u2800"),
        ("\u2028\ud800", "\\u2028\\ud800"),
    ],
)
def test_plain_hides_nothing(given: str, harmless: str) -> None:
    assert plain(given) == harmless
