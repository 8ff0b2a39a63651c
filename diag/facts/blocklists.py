"""What public lists of senders of spam say of the domain and the addresses it sends from (RFC 5782)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class SendingAddresses:
    """Addresses of the domain's own that send: of its own MX hosts, those that its SPF record lets pass."""

    domain: str
    addresses: tuple[str, ...]
    asked: tuple[Cite, ...]


@frozen
class ListState:
    """Whether a list works: one test point is on it, and the other is not (RFC 5782 section 5)."""

    list: str
    zone: str
    manual: str
    dead: str
    """Why nothing it says counts; empty where it works. What refuses us is Unavailable, and not dead."""
    asked: tuple[Cite, ...]


@frozen
class Listing:
    """One list on which something stands."""

    list: str
    removal: str
    """Where to ask for removal."""
    codes: tuple[tuple[str, str], ...]
    """The codes that say why, each with its meaning; empty for one that the table does not know."""
    policy: tuple[tuple[str, str], ...]
    """The codes that say that the address should not send directly, with their meanings."""
    text: str
    """What the list says beside (TXT); remote text."""
    asked: tuple[Cite, ...]


@frozen
class OnLists:
    """What came of asking every list for one thing."""

    subject: str
    listings: tuple[Listing, ...]
    unknown: tuple[tuple[str, tuple[Cite, ...]], ...]
    """Why single lists said nothing that counts, each with what was asked."""
    asked: tuple[Cite, ...]


@frozen
class AddressOnLists(OnLists):
    """The same for one address that sends."""


@frozen
class NameOnLists(OnLists):
    """The same for the domain itself."""
