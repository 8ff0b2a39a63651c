"""The index of our rules, so that `maildiag rules` need not import them: `python -m diag.cli.index` writes it.

A plugin may ship one too: `index.json` beside the module its entry point names.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

from diag.model.frozen import frozen

if TYPE_CHECKING:
    from diag.model.finding import Finding

NAME = "index.json"
OURS = "maildiag"


@frozen
class Entry:
    """What a list of rules says of one."""

    id: str
    severity: str
    since: str
    summary: str
    references: tuple[tuple[str, str], ...]
    """Title and address of each."""

    @property
    def area(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


def entry(rule: type[Finding]) -> Entry:
    """A rule's entry."""
    references = tuple((str(reference), reference.url) for reference in rule.references)
    return Entry(rule.id, str(rule.severity), rule.since, rule.page.summary, references)


def entries() -> tuple[Entry, ...]:
    """Every rule installed, by id; only what has no index is imported. Raises Fault for what cannot be."""
    from importlib.metadata import entry_points

    found: dict[str, Entry] = {}
    unindexed = []
    for point in entry_points(group="maildiag.plugins"):
        indexed = _read(point)
        if indexed is not None:
            found.update((each.id, each) for each in indexed)
        elif point.dist is None or point.dist.name != OURS:  # all rules of ours are in our index
            unindexed.append(point)
    if unindexed:
        from .judging import plugins

        found.update((id_, entry(rule)) for id_, rule in plugins(unindexed).rules.items())
    return tuple(found[id_] for id_ in sorted(found))


def _read(point: EntryPoint) -> list[Entry] | None:
    path = _beside(point.module)
    if path is None or not path.is_file():
        return None
    held = json.loads(path.read_text(encoding="utf-8"))
    if held.get("plugin") != point.module:
        return None
    return [
        Entry(**{**each, "references": tuple(tuple(pair) for pair in each["references"])})
        for each in held["rules"]
    ]


def _beside(module: str) -> Path | None:
    """Where a module's index would lie; its package is found, the module itself is not imported."""
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        return None
    return Path(spec.origin).with_name(NAME) if spec is not None and spec.origin else None


def written(rules: Iterable[type[Finding]], plugin: str) -> str:
    """The index as it should be."""
    ordered = sorted((entry(rule) for rule in rules), key=lambda each: each.id)
    return json.dumps({"plugin": plugin, "rules": [asdict(each) for each in ordered]}, indent=1) + "\n"


def ours() -> Iterator[tuple[Path, str]]:
    """The index of our own checks and what it should hold."""
    from diag.run import registry

    for point in registry.entry_points():
        if point.module == registry.OURS["checks"]:
            path = _beside(point.module)
            assert path is not None
            yield path, written(registry.load([point]).rules.values(), point.module)


if __name__ == "__main__":
    from diag.lab.files import write_whole

    for place, text in ours():
        write_whole(place, text.encode())
