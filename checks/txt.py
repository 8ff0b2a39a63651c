"""TXT records as fixes name them."""

from __future__ import annotations


def as_written(text: str) -> str:
    """A TXT value that was read an octet a character, as text: UTF-8 where it is that, else kept as it is."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
