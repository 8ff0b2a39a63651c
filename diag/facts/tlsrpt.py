"""Where senders are asked to report failures of TLS (RFC 8460)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.tlsrpt import TlsrptRecord


@frozen
class TlsrptFound:
    """The TXT records at `_smtp._tls` that are TLSRPT records, or were meant as such."""

    domain: str
    name: str
    owner: str
    """Where they really live: another name where `name` is an alias."""
    records: tuple[TlsrptRecord, ...]
    """Those that begin with the version. Senders report only where there is exactly one (section 3)."""
    near: tuple[str, ...]
    """Meant as such a record, and discarded by every sender."""
    asked: tuple[Cite, ...]

    @property
    def valid(self) -> TlsrptRecord | None:
        """The one record that names where reports go; None where there is none."""
        one = self.records[0] if len(self.records) == 1 else None
        return one if one is not None and one.rua else None


@frozen
class TlsrptDestination:
    """One domain of a mailbox that reports are to be sent to."""

    host: str
    mailboxes: tuple[str, ...]
    takes_mail: bool | None
    """False where it has a null MX, or neither MX nor addresses; None where that is not known."""
    free: bool
    """Nobody has registered it: it takes mail once somebody does. Never the domain's own."""
    unknown: str
    """Why it is not known."""
    asked: tuple[Cite, ...]
