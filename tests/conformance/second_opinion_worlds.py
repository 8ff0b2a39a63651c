"""The worlds of this project about which other implementations are asked."""

from __future__ import annotations

from pathlib import Path

import anyio

from diag.facts.second_opinion import SecondOpinions
from diag.lab.overlay import Nothing, Overlay
from diag.run.second_opinion import second_opinions
from diag.sandbox.world import World

ROOT = Path(__file__).parent.parent.parent
AREAS = ("spf", "dmarc", "mx")
WORLDS = sorted(path.with_suffix("") for area in AREAS for path in (ROOT / "fixtures" / area).glob("*.zone"))
CLIENTS = ("198.51.100.10", "2001:db8:10::10", "203.0.113.200", "2001:db8:ffff::1")
"""Clients asked about: an MX host of the healthy world in both families, and strangers."""


def named(path: Path) -> str:
    """Area and slug of a world."""
    return f"{path.parent.name}/{path.name}"


def opinions(world: World) -> SecondOpinions:
    """Everything the others have to say about a world."""
    lab = Overlay(world.dns.zone, Nothing(), whole=True, secure=world.dns.secure, fails=world.dns.fails)
    return anyio.run(second_opinions, lab, world.domain, CLIENTS)
