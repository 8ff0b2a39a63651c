"""What is found out only where the user asks for it, because it is no ordinary use of somebody's server."""

from __future__ import annotations

from dataclasses import dataclass

from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.wire.relay import Taken

from .clients import SubmissionSurvey
from .inbound import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayTrial:
    """What a host does with recipients elsewhere, asked for by a stranger; once an address and port.

    Absent where the user did not ask; Unavailable where nothing can be concluded, also where we stand in
    the host's own network, which it may well trust.
    """

    endpoint: Endpoint
    taken: Taken
    """Never UNKNOWN."""
    sender: str
    recipient: str
    """What was taken, if anything was: the paths of MAIL and RCPT."""
    cite: Cite
    """The reply that decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRelay(RelayTrial):
    """The same of an MX host on port 25, where taking mail for the domain itself is its duty."""

    look: Look
    """The usual conversation with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRelay(RelayTrial):
    """The same of a port for submission, where nobody logged in (RFC 6409 section 4.3)."""

    survey: SubmissionSurvey
    """The usual conversation with it."""
