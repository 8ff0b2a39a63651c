"""Whether servers that mail programs fetch mail from, or keep filters at, obey under TLS what came in plain text."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint


@frozen(kw_only=True)
class ClientInjection:
    """One try, once a host and protocol: at the first address where the command that begins TLS works.

    Unavailable where the conversation did not come to it, though one before had.
    """

    endpoint: Endpoint
    obeyed: bool
    line: str
    """The answer to the command that was slipped in, or its first line; empty where there was none."""
    cite: Cite
    """What that command led to."""


@frozen(kw_only=True)
class ImapInjection(ClientInjection):
    """The same of IMAP."""


@frozen(kw_only=True)
class Pop3Injection(ClientInjection):
    """The same of POP3."""


@frozen(kw_only=True)
class SieveInjection(ClientInjection):
    """The same of ManageSieve."""
