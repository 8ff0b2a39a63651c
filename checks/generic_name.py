"""Telling host names that a provider made from an address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from diag.api import registrable

WORDS = frozenset(
    {"dyn", "dynamic", "dhcp", "pool", "dsl", "adsl", "vdsl", "dial", "dialup", "cust", "ppp", "pppoe"}
)
"""Whole words by which providers mark the addresses of home connections."""
STATIC = frozenset({"static", "business", "fixed"})
"""Words by which they mark those that are not: receivers let these names pass."""


def generic(name: str, address: str) -> str:
    """Why a name looks as if it had been made from its address; empty where it does not."""
    # Of a provider's own name (dsl.example) no word is about its customers.
    given = name.lower().removesuffix(registrable(name.lower()))
    words = {word.rstrip("0123456789") for word in re.split(r"[^a-z0-9]+", given)}
    if words & STATIC:
        return ""
    for word in sorted(words & WORDS):
        return f'the word "{word}"'
    bounded = "." + re.sub(r"[-_]", ".", name.lower()) + "."
    if any(form in bounded for form in _forms(address)):
        return "it is made of the address"
    return ""


def _forms(address: str) -> Iterator[str]:
    """The address as providers write it into names, with dots for `-` and `_` and at both ends."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        parts = str(ip).split(".")
        padded = [part.zfill(3) for part in parts]
        for four in (parts, padded):
            yield f".{'.'.join(four)}."
            yield f".{'.'.join(reversed(four))}."
        yield f".{''.join(padded)}."
        yield f".{''.join(reversed(padded))}."
        yield f".{int(ip):08x}."
        return
    groups = ip.exploded.split(":")
    short = [group.lstrip("0") or "0" for group in groups]
    nibbles = list("".join(groups))
    for eight in (groups, short, nibbles):
        yield f".{'.'.join(eight)}."
        yield f".{'.'.join(reversed(eight))}."
    yield f".{''.join(groups)}."
    yield f".{ip.compressed.replace(':', '.')}."
