"""Where mail programs are led beside SRV and the configuration document: Autodiscover, and PACC."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.pacc import PaccRecord
from diag.tls.chain import ChainVerdict

from .access_hosts import ServiceRecord
from .mx import MxHost


@frozen
class AutodiscoverNames:
    """What the DNS says to Outlook (MS-OXDISCO section 3.1.5): a host of that name, an SRV record, or both."""

    domain: str
    host: MxHost | None
    """`autodiscover` below the domain; None where it has no address."""
    srv_name: str
    srv: tuple[ServiceRecord, ...]
    asked: tuple[Cite, ...]

    @property
    def leads_to(self) -> tuple[str, ...]:
        """The names of the hosts it leads to, aliases followed."""
        aliases = self.host.aliases if self.host is not None else ()
        return (*aliases, *(record.target for record in self.srv if record.target != "."))


@frozen
class AutodiscoverHost:
    """One host that Outlook is led to, as it met us; no credentials were sent."""

    host: str
    address: str
    port: int
    status: int
    """Of the response; 0 where none was understood."""
    certificate: ChainVerdict
    faults: tuple[str, ...]
    """Why Outlook refuses the certificate: values of `diag.tls.chain.rank`; empty where it does not."""
    undecided: str
    """Why it could not be said; empty where it could."""
    redirect: str
    """Where the same host leads over plain HTTP, which Outlook asks next; empty where it does not."""
    asked: tuple[Cite, ...]


@frozen
class PaccDocument:
    """A JSON document at `ua-auto-config` below the domain, and the digests published for it."""

    domain: str
    url: str
    body: bytes
    record_name: str
    records: tuple[PaccRecord, ...]
    asked: tuple[Cite, ...]


@frozen
class MxAutoconfig:
    """Hosts at which mail programs look for a configuration document by the name of the best MX host, and that exist."""

    hosts: tuple[str, ...]
    asked: tuple[Cite, ...]


@frozen
class ClientProvider:
    """The provider of the mailboxes, as the names of the MX hosts tell, and the one that Outlook is led to."""

    mailboxes: str
    """Empty where the table knows none of the MX hosts, or several providers."""
    built_in: bool
    """Mail programs know this provider without being told."""
    autodiscover: str
    """Empty where the table does not know it."""
    asked: tuple[Cite, ...]
