"""Authentication-Results (RFC 8601 section 2.2): what a receiver found, read tolerantly."""

from __future__ import annotations

import re
from collections.abc import Mapping

from diag.model.frozen import frozen

from .comments import without_comments

LONGEST = 10_000
"""Characters of a field that are read."""


@frozen
class Found:
    """The result of one method."""

    method: str
    """In lower case, such as dkim, spf, dmarc."""
    result: str
    """In lower case, such as pass, fail, none."""
    properties: Mapping[str, str]
    """Such as header.d or smtp.mailfrom, in lower case, with what they were found to be."""


@frozen
class AuthResults:
    """One field: who wrote it, and what it says."""

    authserv_id: str
    """In lower case. A reader must know which of these his own receivers write (RFC 8601 section 2.5)."""
    found: tuple[Found, ...]


def parse_auth_results(field: str) -> AuthResults:
    """A field's value. Never raises."""
    parts = [part.strip() for part in without_comments(field[:LONGEST]).split(";")]
    words = parts[0].split()
    return AuthResults(
        words[0].strip('"').lower() if words else "",
        tuple(found for part in parts[1:] if (found := _found(part)) is not None),
    )


def _found(part: str) -> Found | None:
    told = _METHOD.match(part)
    if told is None:
        return None
    properties = {name.lower(): value.strip('"') for name, value in _PROPERTY.findall(part[told.end() :])}
    return Found(told["method"].lower(), told["result"].lower(), properties)


_METHOD = re.compile(r"(?P<method>[A-Za-z][A-Za-z0-9-]*)(?:\s*/\s*[0-9]+)?\s*=\s*(?P<result>[A-Za-z]+)")
_PROPERTY = re.compile(r'([A-Za-z]+\.[A-Za-z0-9-]+)\s*=\s*("[^"]*"|[^\s;]+)')
