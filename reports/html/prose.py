"""A rule's explanation as blocks of spans: paragraphs, lists, and `code` between backticks."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text."""

    text: str
    code: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, the item of a list, or lines to be shown as they are."""

    kind: str
    """`p`, `li` or `pre`."""
    spans: tuple[Span, ...]


def blocks(text: str) -> tuple[Block, ...]:
    """Split a docstring's section at blank lines, list marks and indented blocks."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip("\n")):
        lines = part.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            found.append(Block("pre", (Span("\n".join(line[4:] for line in lines), True),)))
        elif part.lstrip().startswith(("- ", "* ")):
            items = re.split(r"^\s*[-*] ", part, flags=re.MULTILINE)
            found += [Block("li", spans(item)) for item in items if item.strip()]
        elif part.strip():
            found.append(Block("p", spans(part)))
    return tuple(found)


def spans(text: str) -> tuple[Span, ...]:
    """Running text with its code apart; line ends count as spaces."""
    flat = " ".join(text.split())
    return tuple(Span(piece, at % 2 == 1) for at, piece in enumerate(flat.split("`")) if piece)
