"""The blocklist of badkeys, where it is installed and its list was fetched (`badkeys --update-bl`)."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import anyio

from diag.model.plugin import performs
from diag.probes.known_keys import KeyListing, KnownKey

from .live import Means

FILES = ("badkeysdata.json", "blocklist.dat")
"""What badkeys leaves in its cache: without both it would end the process rather than answer."""


@performs(KnownKey)
async def known_key(probe: KnownKey, means: Means) -> KeyListing:
    """Look a key up, in a thread: the first time loads the library, and the list is read from disk."""
    if importlib.util.find_spec("badkeys") is None or not all((cache() / name).is_file() for name in FILES):
        return KeyListing()
    return await anyio.to_thread.run_sync(_looked_up, probe.number)


def cache() -> Path:
    """Where badkeys keeps its list."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "badkeys"


def _looked_up(number: bytes) -> KeyListing:
    try:
        from badkeys.allkeys import blocklist

        found = blocklist(number)
    except (Exception, SystemExit) as error:
        # It is meant for a command line, and exits where its files are not to its mind.
        return KeyListing(trouble=f"{type(error).__name__}: {error}")
    return KeyListing(consulted=True, listed=str(found["subtest"]) if found else "")
