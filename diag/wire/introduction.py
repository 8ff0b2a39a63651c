"""The name by which a greeting introduces its host."""

from __future__ import annotations

import re

LONGEST_GREETING = 2000
"""Characters of a greeting that are searched for a name."""


def named_host(text: str) -> str:
    """The host a greeting names, of any of the three protocols; empty where it names none.

    In this order: a first word that is a domain name or an address literal (RFC 5321 section 4.2), or an
    address that ought to be one; the first such name anywhere; the host of an APOP timestamp (RFC 1939
    section 7); a name of one label, where it stands first before (E)SMTP or between parentheses. Version
    numbers are no names.
    """
    words = text[:LONGEST_GREETING].split()
    if words and (leads_with_name(text) or _ADDRESS.fullmatch(words[0])):
        return words[0]
    bare = [word.strip("()<>,;:\"'") for word in words]
    dotted = next((word for word in bare if _DOTTED.fullmatch(word) or _LITERAL.fullmatch(word)), "")
    if dotted:
        return dotted
    if stamped := next((found for word in bare if (found := _STAMPED.fullmatch(word))), None):
        return stamped["host"]
    if (
        len(words) > 1
        and words[1].upper() in _PROTOCOLS
        and words[0].upper() not in (*_PROTOCOLS, *_PRODUCTS)
    ):
        return words[0] if _LABEL.fullmatch(words[0]) else ""
    return next((word[1:-1] for word in words if _PARENTHESES.fullmatch(word)), "")


def leads_with_name(text: str) -> bool:
    """Whether the first word is a domain name of two labels or more, or an address literal."""
    first = next(iter(text[:LONGEST_GREETING].split()), "")
    return bool(_DOTTED.fullmatch(first) or _LITERAL.fullmatch(first))


_PROTOCOLS = ("ESMTP", "SMTP", "LMTP", "ESMTPS")
_PRODUCTS = ("MICROSOFT",)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# A label after a dot that begins with a letter tells a name from a version or an enhanced status code.
_DOTTED = re.compile(rf"(?=.*\.[A-Za-z]){_LABEL.pattern}(\.{_LABEL.pattern})+\.?")
_LITERAL = re.compile(r"\[[0-9A-Fa-f:.IPv]{2,60}\]")
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_STAMPED = re.compile(rf"[^\s@<>]+@(?P<host>{_LABEL.pattern}(\.{_LABEL.pattern})*)")
_PARENTHESES = re.compile(rf"\({_LABEL.pattern}\)")
