"""Names of the domain that say something else than was meant: aliases, wildcards, doubled names, odd texts."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite


class Broken(enum.StrEnum):
    """Why an alias leads nowhere."""

    GONE = "its target does not exist"
    LOOP = "it leads back to itself"
    LONG = "it leads through more aliases than resolvers follow"


@frozen
class BrokenAlias:
    """A name that others ask for and that is an alias into nowhere."""

    name: str
    chain: tuple[str, ...]
    """The targets of its CNAME records, in order."""
    why: Broken
    wanted: bool
    """Whether receivers and senders ask for the name, as things are."""
    claimable: str
    """How a stranger could have the target; empty where nobody can, as far as we know."""
    asked: tuple[Cite, ...]


@frozen
class WildcardPolicy:
    """A policy record at a wildcard: what names answer with that nobody published."""

    domain: str
    texts: tuple[str, ...]
    covered: tuple[str, ...]
    """The names at which such a policy is looked for, and which have no record but the wildcard's."""
    asked: tuple[Cite, ...]


@frozen
class DoubledName:
    """Something published at a name that ends with the domain twice."""

    domain: str
    name: str
    """Where it was meant to be."""
    doubled: str
    """Where it is, or, for an MX host, what the MX record says."""
    texts: tuple[str, ...]
    """The TXT records there; none for an MX host."""
    right_exists: bool
    """The name meant has such records too."""
    asked: tuple[Cite, ...]


@frozen
class DeniedAbove:
    """A name that is denied although there are names below it."""

    name: str
    below: str
    """One that exists."""
    asked: tuple[Cite, ...]


@frozen
class PolicyText:
    """One TXT record that is a policy, or was meant as one."""

    name: str
    strings: tuple[str, ...]
    """Its character-strings; octets that are no ASCII are kept, one character each (latin-1)."""
    asked: tuple[Cite, ...]

    @property
    def text(self) -> str:
        """The strings joined with nothing between (RFC 7208 section 3.3)."""
        return "".join(self.strings)

    @property
    def shown(self) -> str:
        """The text as its author meant it: UTF-8 where it is; other octets as surrogates."""
        return self.text.encode("latin-1").decode("utf-8", "surrogateescape")


@frozen
class PolicyTexts:
    """Every policy record that was found at the names where receivers look."""

    domain: str
    records: tuple[PolicyText, ...]
