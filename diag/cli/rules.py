"""`maildiag rules`: what is looked for."""

from __future__ import annotations


def rules() -> int:
    """List the rules."""
    return 0
