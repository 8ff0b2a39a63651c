"""What the handshakes on port 25 came to, with other ClientHellos where the usual one fails."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake, TlsFailure

from .inbound import InboundTls, Look


@frozen
class InboundHandshake:
    """What STARTTLS led to, and why: the other conversations took place only where no handshake was completed.

    Absent and Unavailable where InboundTls is.
    """

    tls: InboundTls
    classical: Look | None = None
    """A conversation with a small ClientHello of TLS 1.2 at most; None where nothing called for one."""
    small: Look | None = None
    """One with a small ClientHello of all versions; None where the classical one did not work either."""
    again: Look | None = None
    """Another one with the usual ClientHello, where only one had shown that it fails."""

    @property
    def usual(self) -> tuple[Look, ...]:
        """The conversations with the usual ClientHello, in order."""
        return self.tls.tries if self.again is None else (*self.tls.tries, self.again)

    @property
    def failed(self) -> tuple[Look, ...]:
        """Those of them in which the handshake failed."""
        return tuple(look for look in self.usual if isinstance(look.session.handshake, TlsFailure))

    @property
    def shown(self) -> Look | None:
        """The conversation to see the certificate in: the usual one, or whichever came so far; None where none did."""
        looks = (*self.usual, self.small, self.classical)
        return next((look for look in looks if look is not None and shaken(look)), None)

    @property
    def completed(self) -> bool:
        """Whether a handshake with the usual ClientHello was completed."""
        return any(isinstance(look.session.handshake, Handshake) for look in self.usual)


def shaken(look: Look | None) -> bool:
    """Whether a handshake was completed in it."""
    return look is not None and isinstance(look.session.handshake, Handshake)


def failure(look: Look | None) -> TlsFailure | None:
    """How the handshake in it failed; None where there was none, or it did not fail."""
    made = look.session.handshake if look is not None else None
    return made if isinstance(made, TlsFailure) else None
