"""The names of addresses that send: PTR records, and whether they lead back (RFC 1912 section 2.1)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class PointerName:
    """One name that a PTR record gives an address."""

    name: str
    addresses: tuple[str, ...]
    """The addresses of the name, of the family in question."""
    confirms: bool
    """Whether the address is among them, compared as numbers."""
    unknown: str
    """Why its addresses could not be looked up; empty where they could."""


@frozen
class ReverseName:
    """What is known of one address of a self-hosted MX host, which presumably sends, too."""

    address: str
    hosts: tuple[str, ...]
    """The MX hosts that have this address."""
    pointer: str
    """The name below in-addr.arpa or ip6.arpa."""
    owner: str
    """Where its PTR records belong: another name where `pointer` is an alias (RFC 2317)."""
    names: tuple[PointerName, ...]
    """Where its PTR records lead; empty where there is none."""
    broken: str
    """Why the reverse zone gives no answer (SERVFAIL, seen twice); empty where it does."""
    waited: bool
    """A pause lay between the two looks, as the user wished."""
    asked: tuple[Cite, ...]

    @property
    def confirmed(self) -> tuple[str, ...]:
        """The names that lead back to the address."""
        return tuple(name.name for name in self.names if name.confirms)
