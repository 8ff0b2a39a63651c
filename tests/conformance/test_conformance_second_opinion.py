"""pyspf and checkdmarc agree with us on every world, or a table names the section that settles it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from second_opinion import opinions

from diag.sandbox import world as worlds

ROOT = Path(__file__).parent.parent.parent
AREAS = ("spf", "dmarc", "mx")
WORLDS = sorted(path.with_suffix("") for area in AREAS for path in (ROOT / "fixtures" / area).glob("*.zone"))
SETTLED = tomllib.loads((Path(__file__).parent / "settled.toml").read_text())


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", WORLDS, ids=named)
def test_every_disagreement_is_settled_by_a_section(path: Path) -> None:
    differ = {(o.other, o.question) for o in opinions(worlds.load(path)) if not o.agrees}
    settled = {(entry["other"], entry["question"]) for entry in SETTLED.get(named(path), ())}
    assert differ == settled


def test_the_table_speaks_of_worlds_that_exist() -> None:
    assert set(SETTLED) <= {named(path) for path in WORLDS}
