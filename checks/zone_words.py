"""Words that the checks of a zone share."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 4


def listed(items: Iterable[str]) -> str:
    """`a, b and c`; of more than a few, how many there are beside."""
    words = list(items)
    if len(words) > MOST:
        words = [*words[: MOST - 1], f"{len(words) - MOST + 1} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
