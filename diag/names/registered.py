"""The part of a name that somebody registered, read off the name alone."""

from __future__ import annotations

from .domain import labels

_SECOND_LEVEL = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "ltd", "ne", "net", "nom", "or", "org"}
)
"""Labels below which registries of countries register names (`co.uk`, `com.au`); a name below any other is
taken for part of somebody's domain, so that a miss here is silence."""


def registrable(name: str) -> str:
    """The part of a name that is registered, one label below a top-level domain or below `co.uk` and the like."""
    own = labels(name)
    deep = len(own) > 2 and len(own[-1]) == 2 and own[-2] in _SECOND_LEVEL
    return ".".join(own[-3:] if deep else own[-2:])
