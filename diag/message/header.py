"""A message's header fields and body (RFC 5322 section 2.1), read tolerantly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from diag.model.frozen import frozen

MOST_FIELDS = 1000
"""Header fields that are read; what comes after them is left out."""


@frozen
class Field:
    """One header field; `value` is unfolded, without white space at its ends."""

    name: str
    """In lower case."""
    value: str


@frozen
class Message:
    """Octets as fields and body; lines of the body end as they did."""

    fields: tuple[Field, ...]
    body: bytes

    def all(self, name: str) -> tuple[str, ...]:
        """The values of every field of a name, the topmost first."""
        return tuple(self._named(name))

    def first(self, name: str) -> str:
        """The value of the topmost field of a name; empty where there is none."""
        return next(self._named(name), "")

    def _named(self, name: str) -> Iterator[str]:
        return (field.value for field in self.fields if field.name == name.lower())


def parse_message(octets: bytes) -> Message:
    """Fields up to the empty line, and the rest. Never raises."""
    header, body = octets, b""
    if found := _END.search(octets):
        header, body = octets[: found.start()], octets[found.end() :]
    lines = unfolded(header.decode("utf-8", "replace").splitlines())
    return Message(tuple(map(_field, islice(lines, MOST_FIELDS))), body)


def unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Fields, each in one line: what begins with a space or a tab goes on with the line before (RFC 5322 section 2.2.3)."""
    field: list[str] = []
    for line in lines:
        if field and line[:1] not in (" ", "\t"):
            yield "".join(field)
            field = []
        field.append(line)
    if field:
        yield "".join(field)


def _field(line: str) -> Field:
    name, _, value = line.partition(":")
    return Field(name.strip().lower(), value.replace("\t", " ").strip())


_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")
