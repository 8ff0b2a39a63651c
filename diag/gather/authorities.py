"""Which public authority issued a certificate, and by which names CAA records mean it."""

from __future__ import annotations

import re
from functools import cache

from diag.model.frozen import frozen
from diag.model.tables import table as read_table

_ORGANIZATION = re.compile(r"(?:^|,)O=((?:\\.|[^,\\])*)")


@frozen
class Authority:
    """One entry of the table."""

    name: str
    organizations: tuple[str, ...]
    """The organisation names of its intermediates."""
    domains: tuple[str, ...]
    """Its names in CAA records."""


@cache
def table() -> tuple[Authority, ...]:
    """The table as packaged, `data/authorities.toml`."""
    return tuple(
        Authority(entry["name"], tuple(entry["organizations"]), tuple(entry["domains"]))
        for entry in read_table("diag.gather", "authorities")["authority"]
    )


def organization(name: str) -> str:
    """The organisation of a distinguished name in the notation of RFC 4514; empty where it has none."""
    found = _ORGANIZATION.search(name)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def authority_of(issuer: str) -> Authority | None:
    """The authority that an issuer's distinguished name is of; None where the table does not know it."""
    named = organization(issuer)
    return next((each for each in table() if named in each.organizations), None)
