"""A probe for one try to negotiate anew, as a client, within a connection of TLS 1.2 at most."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen
from diag.wire.offer import Spoken

from .talks import TalkProbe, Tls, openssl_command


@frozen
class TlsRenegotiation(TalkProbe):
    """One connection, one handshake, and one try for another. `timeout` is the most seconds for all."""

    kind: ClassVar[str] = "tls-renegotiation"

    spoken: Spoken
    tls: Tls
    helo: str
    """The name for EHLO; empty where SMTP is not spoken."""
    timeout: float = 60.0

    def command(self) -> str:
        """openssl, which asks for it when a line of its input begins with R."""
        starttls = str(self.spoken) if self.tls == "starttls" else ""
        return f"{openssl_command(self.address, self.port, self.host, starttls)} -tls1_2    # type R"
