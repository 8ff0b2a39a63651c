"""Messages in chunks (RFC 3030): tried only where the user asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Certainty, Finding, InboundChunking, Rfc, Severity, check, rule

from .smtp_settings import settings


@rule("smtp/bdat-refused", Severity.ERROR, Rfc(3030, "2"), since="1.0")
class BdatRefused(Finding):
    """A mail host offers to take messages in chunks, and refuses the command for it.

    ## Why it matters
    Senders that see the offer take it: Exim and Microsoft's servers send every message so. Their mail to
    this host fails, while that of others arrives, which is hard to explain to anybody.

    ## How to fix
    Look for a firewall or proxy in front of the host that does not know BDAT, and switch its reading of
    SMTP off. Until it is found, take CHUNKING from the list of what is offered. We began a message and took
    it back; nothing was delivered.
    """

    message = '{subject} offers CHUNKING and refuses BDAT: "{line}".'
    line: str


@check
def chunks_are_taken_where_they_are_offered(host: InboundChunking) -> Iterator[Finding]:
    """A mail host that offers CHUNKING takes chunks."""
    if not host.works:
        yield BdatRefused(
            subject=str(host.endpoint),
            line=host.line,
            evidence=(*host.cites, *host.look.offered("CHUNKING")),
            certainty=Certainty.LIKELY,
            fix=settings(
                host.look,
                Postfix="smtpd_discard_ehlo_keywords = chunking, silent-discard",
                Exim="chunking_advertise_hosts =",
                Exchange="Set-ReceiveConnector <name> -ChunkingEnabled $false",
            ),
        )
