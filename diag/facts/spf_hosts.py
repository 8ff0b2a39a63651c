"""What stands round an SPF record: the hosts it is about, its explanation, and what came before it."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class SpfType99:
    """Records of the type SPF (99), which nobody asks for any more (RFC 7208 section 3.1)."""

    domain: str
    texts: tuple[str, ...]
    asked: tuple[Cite, ...]


@frozen
class SpfExplanation:
    """What `exp` of the domain's own record leads to (RFC 7208 section 6.2)."""

    name: str
    fault: str
    """Half a sentence that says why receivers can make nothing of it; empty where they can."""
    asked: tuple[Cite, ...]


@frozen
class SpfHost:
    """A host that the record lets pass over IPv4, by its name and all its addresses."""

    name: str
    mail_host: bool
    """One of the domain's own MX hosts; else a name that the reverse name of a listed address confirms."""
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    has_record: bool | None
    """Whether it has an SPF record of its own; None where that was not asked, or could not be."""
    asked: tuple[Cite, ...]


@frozen
class SpfProviders:
    """Providers by their names in the MX and SPF records, as far as they are known."""

    mx: tuple[tuple[str, str], ...]
    """MX host and provider."""
    spf: tuple[str, ...]
    """Providers whose senders the domain's SPF lets pass, by their own name for it."""

    @property
    def by_host(self) -> dict[str, str]:
        """The provider of each MX host that is known to belong to one."""
        return dict(self.mx)


@frozen
class SpfSharedRange:
    """A provider that lets each of its customers send as any domain that includes it."""

    provider: str
    target: str
    """The name that SPF includes."""
    term: str
    lock: str
    """Where a record confines the provider to the domain's own accounts; empty where there is no such means."""
    locked: bool | None
    """Whether that record is there; None where it could not be looked up."""
    setting: str
    """What to publish there."""
    asked: tuple[Cite, ...]
