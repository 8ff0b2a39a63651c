"""What endpoints offer, listed for whoever wants the list (`--inventory`). Absent everywhere where nobody does."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.tls.handshake import Ticket


@frozen
class SmtpInventory:
    """The keywords of complete replies to EHLO on port 25, with their parameters, in their order."""

    endpoint: Endpoint
    in_clear: tuple[str, ...]
    under_tls: tuple[str, ...] | None
    """None where there was no TLS, or no complete reply under it."""
    cites: tuple[Cite, ...]


@frozen
class ImapInventory:
    """The capabilities of complete answers before a login, in their order."""

    endpoint: Endpoint
    in_clear: tuple[str, ...] | None
    """None where TLS comes first, or nothing complete was heard."""
    under_tls: tuple[str, ...] | None
    """None where there was no TLS, or nothing complete was heard under it."""
    cites: tuple[Cite, ...]


@frozen
class TlsInventory:
    """What the usual handshake brought beside keys, and what came after it."""

    endpoint: Endpoint
    alpn: tuple[str, ...] | None
    """The application protocols that were agreed on; None where none was offered, as only `--tls full` does it."""
    stapled: bool
    """An OCSP response came with the certificate."""
    tickets: tuple[Ticket, ...] | None
    """None where they could not be read."""
    cites: tuple[Cite, ...]
