"""Which DKIM selectors are worth asking for: nobody can list them, so they are guessed well."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import chain

from diag.facts.dkim import Selector, Source
from diag.model.frozen import frozen
from diag.model.tables import table as read_table
from diag.names.domain import is_below, normal

MOST_SELECTORS = 24
"""Selectors tried on one domain, those of the user not counted against it."""


@frozen
class Provider:
    """One mail provider: how it is recognised, and the selectors its instructions name."""

    name: str
    mx: tuple[str, ...]
    spf: tuple[str, ...]
    selectors: tuple[str, ...]


@frozen
class SelectorTable:
    """The table in `data/selectors.toml`."""

    as_of: str
    common: tuple[str, ...]
    providers: tuple[Provider, ...]


@cache
def table() -> SelectorTable:
    """The table as packaged."""
    read = read_table("diag.gather", "selectors")
    providers = tuple(
        Provider(
            entry["name"],
            tuple(entry.get("mx", ())),
            tuple(entry.get("spf", ())),
            tuple(entry["selectors"]),
        )
        for entry in read["provider"]
    )
    return SelectorTable(read["as-of"].isoformat(), tuple(read["common"]), providers)


def of_user(selectors: Iterable[str]) -> tuple[Selector, ...]:
    """What the user told us."""
    return tuple(Selector(normal(name), Source.USER) for name in selectors)


def of_providers(mx: Iterable[str], spf: Iterable[str]) -> tuple[Selector, ...]:
    """The selectors of the providers that these MX targets and SPF names belong to."""
    theirs = {place for target in mx for place in _of_mx(target)}
    theirs.update(place for name in spf for place in _of_spf(name))
    every = table().providers
    return tuple(
        Selector(selector, Source.PROVIDER, every[place].name)
        for place in sorted(theirs)
        for selector in every[place].selectors
    )


# Domains of a list go to the same few providers: here by their places in the table.
@lru_cache(maxsize=4096)
def _of_mx(target: str) -> tuple[int, ...]:
    return tuple(place for place, each in enumerate(table().providers) if _within(target, each.mx))


@lru_cache(maxsize=4096)
def _of_spf(name: str) -> tuple[int, ...]:
    return tuple(place for place, each in enumerate(table().providers) if _within(name, each.spf))


def of_habit() -> tuple[Selector, ...]:
    """The selectors chosen most often."""
    return tuple(Selector(name, Source.COMMON) for name in table().common)


def worth_asking(*lists: Iterable[Selector]) -> tuple[Selector, ...]:
    """These selectors, each once under its first reason, and no more guesses than are polite."""
    chosen: dict[str, Selector] = {}
    guesses = 0
    for selector in chain.from_iterable(lists):
        told = selector.source is Source.USER
        if selector.name not in chosen and (told or guesses < MOST_SELECTORS):
            chosen[selector.name] = selector
            guesses += not told
    return tuple(chosen.values())


def _within(name: str, suffixes: tuple[str, ...]) -> bool:
    return any(name == suffix or is_below(name, suffix) for suffix in suffixes)
