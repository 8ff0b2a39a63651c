"""The event loop that a run has: asyncio's own, or for long lists the one in C, which takes a twentieth off them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from diag.model.target import Target

LEAST = 32
"""Domains from which on it is worth its loading."""


def loop_options(domains: int, target: Target) -> dict[str, Any]:
    """What `anyio.run` is told of it. Runs that talk to other hosts than name servers are those of asyncio alone."""
    return {"use_uvloop": domains >= LEAST and target.dns_only and find_spec("uvloop") is not None}
