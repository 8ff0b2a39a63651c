"""Names as dnspython has them, and as text: most need no parser, and no escapes."""

from __future__ import annotations

import re
from functools import lru_cache

import dns.name

from .domain import MOST_LABEL_OCTETS, MOST_OCTETS

_PLAIN = re.compile(
    rf"(?:[A-Za-z0-9_-]{{1,{MOST_LABEL_OCTETS}}}\.)*[A-Za-z0-9_-]{{1,{MOST_LABEL_OCTETS}}}", re.ASCII
)
_PLAIN_LABELS = re.compile(rb"(?:[A-Za-z0-9_-]+\.)*").fullmatch


@lru_cache(maxsize=4096)
def is_plain(name: str) -> bool:
    """Whether a name needs no parser: labels of letters, digits, hyphens and underscores, not too long."""
    return len(name) <= MOST_OCTETS and _PLAIN.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def parsed_name(text: str) -> dns.name.Name:
    """An absolute name; the same few are asked for again and again. Raises DNSException for what is none."""
    return dns.name.from_text(text)


def presented(labels: tuple[bytes, ...]) -> str:
    """An absolute name in presentation format, its case kept, with trailing dot (RFC 1035 section 5.1).

    `labels` are all of its labels, as dnspython has them: the root's, which is empty, is the last.
    """
    joined = b".".join(labels)
    if joined and joined.count(b".") == len(labels) - 1 and _PLAIN_LABELS(joined):
        return joined.decode()
    return dns.name.Name(labels).to_text()


def plain(name: dns.name.Name) -> str:
    """A name as we write names: lower case, no trailing dot; "." is the root."""
    return presented(name.labels).removesuffix(".").lower() or "."
