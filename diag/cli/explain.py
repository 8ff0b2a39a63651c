"""`maildiag explain`: one rule in full."""

from __future__ import annotations


def explain(rule: str) -> int:
    """Explain a rule."""
    return 0
