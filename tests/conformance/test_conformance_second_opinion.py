"""pyspf and checkdmarc agree with us on every world, or a table says where they do not, and a section why."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from second_opinion_worlds import WORLDS, named, opinions

from diag.sandbox import world as worlds

SETTLED = tomllib.loads((Path(__file__).parent / "settled.toml").read_text())


@pytest.mark.parametrize("path", WORLDS, ids=named)
def test_every_disagreement_is_settled_by_a_section(path: Path) -> None:
    differing = opinions(worlds.load(path)).differing
    found = {f"{opinion.other}: {opinion.question}: {opinion.section}" for opinion in differing}
    assert found == set(SETTLED.get(named(path), ()))
    assert all(opinion.section for opinion in differing)


def test_the_table_speaks_of_worlds_that_exist() -> None:
    assert set(SETTLED) <= {named(path) for path in WORLDS}
