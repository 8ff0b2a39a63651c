"""Tag=value lists as published: DKIM's (RFC 6376 section 3.2) and those made after it.

Nothing is thrown away: order, positions, repeated names and parts that are no tag at all are kept, so
that a reader of this list can say where it goes wrong.
"""

from __future__ import annotations

import re

from diag.model.frozen import frozen
from diag.model.kept import kept

FWS = " \t\r\n"
"""White space around names and values, which does not count."""
DKIM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""tag-name of RFC 6376 section 3.2."""
FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
"""Field names of MTA-STS and TLSRPT records (RFC 8461 section 3.1, RFC 8460 section 3)."""


@frozen
class Tag:
    """One `name=value`, white space at the ends of both removed. Positions are offsets in the record."""

    name: str
    value: str
    position: int
    value_position: int


@frozen
class MalformedPart:
    """What stands between two semicolons and is no `name=value`."""

    text: str
    position: int


@frozen
class TagList:
    """A tag list in the order it was published."""

    text: str
    tags: tuple[Tag, ...]
    malformed: tuple[MalformedPart, ...]

    @classmethod
    def parse(cls, text: str, names: re.Pattern[str] = DKIM_NAME) -> TagList:
        """Split a record at its semicolons. Never raises; takes time linear in the text.

        Empty parts (`;;`, or a `;` at the end) say nothing and are passed over.
        """
        tags: list[Tag] = []
        malformed: list[MalformedPart] = []
        start = 0
        for part in text.split(";"):
            body = part.strip(FWS)
            if body:
                at = start + part.index(body[0])
                written, equals, value = body.partition("=")
                name = written.rstrip(FWS)
                if equals and names.fullmatch(name):
                    bare = value.lstrip(FWS)
                    tags.append(Tag(name, bare, at, at + len(body) - len(bare)))
                else:
                    malformed.append(MalformedPart(body, at))
            start += len(part) + 1
        return cls(text, tuple(tags), tuple(malformed))

    @kept
    def _first(self) -> dict[str, Tag]:
        return {tag.name: tag for tag in reversed(self.tags)}

    def first(self, name: str) -> Tag | None:
        """The first tag of that exact name."""
        return self._first.get(name)

    def get(self, name: str) -> str | None:
        """The value of the first tag of that exact name."""
        tag = self.first(name)
        return None if tag is None else tag.value

    def rewritten(self, name: str, value: str | None) -> str:
        """The list as text with another value for the tags of a name; without them, where there is none."""
        told = ((tag.name, value if tag.name == name else tag.value) for tag in self.tags)
        return "; ".join(f"{each}={has}" for each, has in told if has is not None)

    @property
    def repeated(self) -> tuple[Tag, ...]:
        """Tags whose name an earlier tag has already (RFC 6376 section 3.2 forbids them)."""
        seen: set[str] = set()
        again = []
        for tag in self.tags:
            if tag.name in seen:
                again.append(tag)
            seen.add(tag.name)
        return tuple(again)


def colon_list(value: str) -> tuple[str, ...]:
    """The items of a colon-separated value, white space removed, empty items left out."""
    return tuple(item for part in value.split(":") if (item := part.strip(FWS)))
