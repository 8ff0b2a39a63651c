"""How the question is carried out: the only module here that opens a connection."""

from __future__ import annotations

import anyio

from diag.api import performs
from diag.asking import Means, Wire, WireError

from .probes import SieveGreeting, SieveHello

PATIENCE = 10.0
"""Seconds for the whole conversation."""
MOST_OCTETS = 8192
"""More is no greeting."""


@performs(SieveHello)
async def hello(probe: SieveHello, means: Means) -> SieveGreeting:
    """Connect, read up to the line that ends the greeting, say LOGOUT. Never raises for what a peer does."""
    heard, trouble = b"", "timed out"
    with anyio.move_on_after(PATIENCE):
        try:
            wire = await means.network.connect(probe.address, probe.port)
        except WireError as error:
            return SieveGreeting(trouble=error.trouble.value)
        try:
            while not _whole(heard):
                octets = await wire.read(1024)
                if not octets:
                    return SieveGreeting(heard, "closed early")
                heard += octets
                if len(heard) > MOST_OCTETS:
                    return SieveGreeting(heard[:MOST_OCTETS], "said too much")
            trouble = ""
            await _take_leave(wire)
        except WireError as error:
            trouble = trouble and error.trouble.value
        finally:
            await wire.close()
    return SieveGreeting(heard, trouble)


def _whole(heard: bytes) -> bool:
    """Whether the last line is a response: OK, NO or BYE, with its end (RFC 5804 section 1.2)."""
    last = heard.removesuffix(b"\r\n").rpartition(b"\r\n")[2]
    return heard.endswith(b"\r\n") and last.split(b" ", 1)[0].upper() in (b"OK", b"NO", b"BYE")


async def _take_leave(wire: Wire) -> None:
    await wire.write(b"LOGOUT\r\n")
    await wire.read(1024)
