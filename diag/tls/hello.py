"""How we introduce ourselves in a TLS handshake: some servers, and boxes before them, mind what they are sent."""

from __future__ import annotations

import enum


class Hello(enum.StrEnum):
    """A ClientHello by what it offers. The sizes are without the server's name, which is sent in all of them."""

    USUAL = "usual"
    """Everything from TLS 1.0 to 1.3, a post-quantum key share among it: about 1650 octets, two segments of TCP."""
    SMALL = "small"
    """The same versions with one classical group (P-256): about 400 octets, as clients sent them until 2024."""
    CLASSICAL = "classical"
    """TLS 1.2 at most, and so no key share at all: about 250 octets, as clients sent them until 2018."""
