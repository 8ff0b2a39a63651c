"""The boxes that pictures are drawn with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with two lines of text; `title` holds the first whole."""

    x: int
    y: int
    width: int
    height: int
    text: str
    title: str
    detail: str


def box(column: tuple[int, int], centre: int, height: int, text: str, fits: int, detail: str) -> Box:
    """A box in a column (where it begins, how wide it is); a text of more than `fits` characters is cut short."""
    shown = text if len(text) <= fits else f"{text[: fits - 1]}…"
    return Box(column[0], centre - height // 2, column[1], height, shown, text, detail)
