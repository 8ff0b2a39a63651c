"""Writing data to standard output."""

from __future__ import annotations

import sys


class NobodyReads(Exception):
    """Whoever read our standard output has closed it. No fault of anybody's: the run ends quietly."""


def tell(text: str) -> None:
    """Write to standard output at once. Raises NobodyReads."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise NobodyReads from None
