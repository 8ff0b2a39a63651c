"""Whether keys that were published or served are known to strangers."""

from __future__ import annotations

from diag.probes.known_keys import KnownKey
from diag.probes.probe import Lab, NotRecorded


async def list_of(number: bytes, lab: Lab) -> str:
    """The list on which a key stands; empty where it stands on none, and where there is nothing to ask.

    A tape that was made before anybody asked this says as little as a machine without a list.
    """
    if not number:
        return ""
    try:
        return (await lab.run(KnownKey(number))).listed
    except NotRecorded:
        return ""
