"""The user's mailbox, where its name alone decides something; nothing is sent to it."""

from __future__ import annotations

from diag.model.finding import Certainty
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint

from .inbound import Look


@frozen(kw_only=True)
class InboundInternational:
    """Whether an MX host can be told of the user's mailbox, whose local part is not ASCII (RFC 6531).

    Absent where the user named no such mailbox of the domain; Unavailable where nothing can be concluded
    of what the host offers, or where two connections show different things.
    """

    endpoint: Endpoint
    mailbox: str
    offered: bool
    """SMTPUTF8 is offered, under TLS where there is TLS; False: on neither of two connections."""
    secure: bool
    """What was judged was said under TLS."""
    look: Look
    certainty: Certainty
    cites: tuple[Cite, ...]
