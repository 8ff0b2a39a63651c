"""What we call ourselves in EHLO."""

from __future__ import annotations

from diag.model.target import Target
from diag.probes.moment import Route
from diag.probes.probe import Lab

NOBODY = "[127.0.0.1]"
"""The literal of a machine without any route: it can only talk to itself."""


async def helo(target: Target, lab: Lab) -> str:
    """The user's name for us, or the address literal of our own address (RFC 5321 section 4.1.4).

    One name for every talk of a run, so that servers see one client, whatever the family of the connection.
    """
    if target.helo:
        return target.helo
    if target.ipv4 and (four := (await lab.run(Route(4))).address):
        return f"[{four}]"
    if target.ipv6 and (six := (await lab.run(Route(6))).address):
        return f"[IPv6:{six}]"  # RFC 5321 section 4.1.3
    return NOBODY
