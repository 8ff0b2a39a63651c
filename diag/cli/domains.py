"""Which domains are looked at: from the command line, and from standard input for `-`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from diag.names.domain import BadDomain, domain

from .faults import Fault, reason

FROM_STDIN = "-"


def domains(arguments: Iterable[str]) -> tuple[str, ...]:
    """The domains as A-labels, each once, in the order given. Raises Fault before anything is asked."""
    found: dict[str, None] = {}
    for argument in arguments:
        if argument != FROM_STDIN:
            found[_domain(argument, "")] = None
            continue
        for number, text in _lines():
            found[_domain(text, f"standard input, line {number}: ")] = None
    if not found:
        raise Fault("standard input: no domain was given")
    return tuple(found)


def _domain(text: str, place: str) -> str:
    try:
        return domain(text)
    except BadDomain as error:
        raise Fault(f"{place}{error}") from None


def _lines() -> Iterator[tuple[int, str]]:
    """Lines that name something; `#` begins a comment, and no Windows file need be converted first."""
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except OSError as error:
        raise Fault(f"standard input: cannot be read: {reason(error)}") from None
    except UnicodeDecodeError as error:
        raise Fault(f"standard input: not UTF-8 at octet {error.start}") from None
    for number, line in enumerate(text.splitlines(), 1):
        named = line.partition("#")[0].strip()
        if named:
            yield number, named
