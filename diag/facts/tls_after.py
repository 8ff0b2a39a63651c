"""What TLS showed in the usual conversations once it stood: the tickets that were given, and how the peer took leave."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.tls.handshake import Ticket


@frozen
class TlsTickets:
    """The session tickets of one endpoint. Many[TlsTickets], by str(endpoint).

    Absent where no handshake was completed, Unavailable where the connection ended before they would have come.
    """

    endpoint: Endpoint
    tickets: tuple[Ticket, ...]
    """Each kind once, in the order they came; none where none was given."""
    cite: Cite


@frozen
class TlsParting:
    """How one endpoint closed a TLS connection that it had said goodbye on. Many[TlsParting], by str(endpoint).

    Absent where no handshake was completed, or where we closed first; Unavailable where no goodbye was heard.
    """

    endpoint: Endpoint
    truncated: bool
    """By closing the connection, without close_notify."""
    cite: Cite
