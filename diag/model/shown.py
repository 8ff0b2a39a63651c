"""How much of what others wrote stands in a sentence: the evidence holds the whole of it."""

from __future__ import annotations

LONGEST_QUOTED = 400
"""Characters of one line that a reader is shown."""
LONGEST_TOLD = 1000
"""Characters of one part of a sentence: a list of hosts that each say something, or a reason with a line in it."""


def shortened(text: str, most: int = LONGEST_QUOTED) -> str:
    """A text of so many characters at most, and how many more there were."""
    if len(text) <= most:
        return text
    return f"{text[:most]} [{len(text) - most} more characters]"
