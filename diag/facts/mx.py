"""Where mail for the domain goes (RFC 5321 section 5.1)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class MailExchange:
    """One MX record; `name` is "." for the null MX (RFC 7505)."""

    preference: int
    name: str


@frozen
class Routing:
    """The MX records of the domain, or the domain itself where it has none (implicit MX)."""

    domain: str
    exchanges: tuple[MailExchange, ...]
    """By preference, then name; for an implicit MX the domain itself at preference 0."""
    implicit: bool
    """No MX record, but addresses: senders deliver to the domain itself (RFC 5321 section 5.1)."""
    authenticated: bool
    """A validating resolver vouched for the MX RRset."""
    asked: tuple[Cite, ...]
    alias_of: str = ""
    """Where the records really live, if the domain is an alias; else empty."""

    @property
    def owner(self) -> str:
        """The name that holds the MX records, or would: another one where the domain is an alias."""
        return self.alias_of or self.domain

    @property
    def leads_securely(self) -> bool:
        """Whether nobody else can have named the hosts: the MX records are signed, or it is the domain itself."""
        return self.authenticated or self.implicit

    @property
    def null(self) -> bool:
        """The domain says that it takes no mail: its MX has an empty target (RFC 7505 section 3), each if several."""
        return bool(self.exchanges) and all(exchange.name == "." for exchange in self.exchanges)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of the MX hosts, best preference first, each once, without the null MX."""
        return tuple(dict.fromkeys(exchange.name for exchange in self.exchanges if exchange.name != "."))


@frozen
class MxHost:
    """One MX target and its addresses."""

    name: str
    preference: int
    """Its best preference."""
    canonical: str
    """The name its addresses live at: another one where the target is an alias."""
    aliases: tuple[str, ...]
    exists: bool
    """False: NXDOMAIN."""
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    unknown: str
    """Why one family could not be determined; empty where both could."""
    authenticated: bool
    """A validating resolver vouched for every address answer."""
    asked: tuple[Cite, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses, IPv4 first."""
        return self.ipv4 + self.ipv6


@frozen
class MxOperator:
    """Who stands behind one MX host, as far as the endings of its name tell."""

    name: str
    """The MX host."""
    provider: str
    """Whoever runs it: a provider of mailboxes, a filter, a hoster; empty where the table does not know it."""
    mailboxes: str
    """The provider whose mailboxes its mail ends up in; empty for filters, and for hosts that nobody knows."""
    own: bool
    """It lies in the same registered domain as the domain itself."""


@frozen
class MxOperators:
    """The same for all MX hosts, best preference first."""

    domain: str
    hosts: tuple[MxOperator, ...]
    asked: tuple[Cite, ...]

    @property
    def mailboxes(self) -> str:
        """The one provider of mailboxes that takes all mail; empty where there are several, or one is not known."""
        found = {host.mailboxes for host in self.hosts}
        return found.pop() if len(found) == 1 else ""


@frozen
class MxWildcard:
    """MX hosts of a name below the domain that nobody can have published: a wildcard MX answers (RFC 4592)."""

    domain: str
    hosts: tuple[str, ...]
    """Without the null MX, with which a wildcard says that such names take no mail."""
    asked: tuple[Cite, ...]


@frozen
class MxRegistration:
    """Whether the domain an MX host lies in is registered; only asked where the host does not exist."""

    name: str
    """The MX host."""
    registrable: str
    free: bool | None
    """None: the servers of the parent zone could not be asked."""
    asked: tuple[Cite, ...]
