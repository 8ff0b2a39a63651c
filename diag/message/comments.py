"""Comments in structured header fields (RFC 5322 section 3.2.2)."""

from __future__ import annotations


def without_comments(text: str) -> str:
    """The text with every comment, however nested, replaced by a space; quoted strings are kept whole."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char == "(" and not quoted:
            depth += 1
            continue
        elif char == ")" and depth:
            depth -= 1
            kept.append(" " if not depth else "")
            continue
        if not depth:
            kept.append(char)
    return "".join(kept)
