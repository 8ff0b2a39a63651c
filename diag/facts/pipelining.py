"""Whether an MX host that offers PIPELINING answers commands that are sent together (RFC 2920)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint

from .inbound import Look


@frozen
class InboundPipelining:
    """What became of commands that were sent together.

    Absent where PIPELINING is not offered; Unavailable where nothing can be concluded.
    """

    endpoint: Endpoint
    works: bool
    answered: int
    """How many of three harmless commands were answered, where not all were in the usual conversation."""
    look: Look
    """The usual conversation, in which commands were sent together first."""
    cites: tuple[Cite, ...]
