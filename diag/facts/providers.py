"""Who stands behind a name: dated knowledge of providers, and nothing about any one domain.

The table itself is `data/providers.toml`. What it does not know has no provider: nobody guesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache

from diag.model.frozen import frozen
from diag.model.tables import table as read_table
from diag.names.domain import labels, normal


@frozen
class Providers:
    """The table."""

    as_of: str
    names: Mapping[str, str]
    """The provider by the ending of a name."""
    patterns: Mapping[tuple[str, ...], str]
    """The same for endings in which `*` stands for anything within one label."""

    def of(self, name: str) -> str:
        """The provider that a DNS name belongs to; empty where none is known."""
        own = labels(normal(name))
        for at in range(len(own)):  # the longest ending first
            if found := self.names.get(".".join(own[at:])):
                return found
            for pattern, provider in self.patterns.items():
                if len(pattern) == len(own) - at and all(map(fnmatchcase, own[at:], pattern)):
                    return provider
        return ""


@cache
def providers() -> Providers:
    """The table as packaged."""
    read = read_table("diag.facts", "providers")
    by_ending = {ending: entry["name"] for entry in read["provider"] for ending in entry["endings"]}
    return Providers(
        read["as-of"].isoformat(),
        {ending: name for ending, name in by_ending.items() if "*" not in ending},
        {labels(ending): name for ending, name in by_ending.items() if "*" in ending},
    )
