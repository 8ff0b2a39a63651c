"""A message's header fields and body (RFC 5322 section 2.1), read tolerantly."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    fields: list[list[str]] = []
    for line in header.decode("utf-8", "replace").splitlines():
        if line[:1] in (" ", "\t") and fields:
            fields[-1].append(line)
        elif len(fields) < MOST_FIELDS:
            fields.append([line])
        else:
            break
    return Message(tuple(_field(lines) for lines in fields), body)


def _field(lines: list[str]) -> Field:
    name, _, value = "".join(lines).partition(":")
    return Field(name.strip().lower(), value.replace("\t", " ").strip())


_END = re.compile(rb"\A\r?\n|\r?\n\r?\n")
