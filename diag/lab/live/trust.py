"""The machine's trust store, or one the user names: read once, indexed without parsing certificates."""

from __future__ import annotations

import re
import ssl
from functools import cache
from pathlib import Path

import anyio

from diag.model.frozen import frozen
from diag.model.plugin import performs
from diag.probes.trust import Anchors, TrustAnchors
from diag.tls.der import names_of
from diag.tls.pem import decoded

from .live import Means

LARGEST = 16 << 20
"""Octets of a store that are read; the public ones have a quarter of a million."""
_BLOCK = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END", re.ASCII
)


@frozen
class Store:
    """Every certificate of a store, by the DER of its subject."""

    place: str
    count: int
    by_subject: dict[bytes, tuple[bytes, ...]]


@performs(TrustAnchors)
async def trust_anchors(probe: TrustAnchors, means: Means) -> Anchors:
    """Look the Names up in the store of `--ca-file`, or in the machine's."""
    place = means.ca_file
    try:
        place = place or await anyio.to_thread.run_sync(system_store)
        if place is None:
            return Anchors("", 0, trouble="this machine has no trust store; name one with --ca-file")
        changed = place.stat().st_mtime_ns
        store = await anyio.to_thread.run_sync(load, place, changed)
    except OSError as error:
        return Anchors(str(place), 0, trouble=error.strerror or str(error))
    wanted = dict.fromkeys(probe.issuers)
    return Anchors(
        store.place, store.count, tuple(der for name in wanted for der in store.by_subject.get(name, ()))
    )


@cache
def load(place: Path, changed: int) -> Store:
    """Read a PEM bundle, or a directory of PEM files. `changed` keeps a replaced file from being missed.

    What is no certificate is passed over. Raises OSError.
    """
    by_subject: dict[bytes, dict[bytes, None]] = {}
    for der in decoded(_BLOCK, _octets(place)):
        names = names_of(der)
        if names is not None:
            by_subject.setdefault(names[1], {})[der] = None
    index = {subject: tuple(found) for subject, found in by_subject.items()}
    return Store(str(place), sum(map(len, index.values())), index)


def _octets(place: Path) -> bytes:
    if not place.is_dir():
        with place.open("rb") as file:
            return file.read(LARGEST)
    read = b""
    for file_name in sorted(place.iterdir()):
        if file_name.is_file() and len(read) < LARGEST:
            with file_name.open("rb") as file:
                read += file.read(LARGEST - len(read)) + b"\n"
    return read


def system_store() -> Path | None:
    """Where this machine keeps its roots: what OpenSSL was built with, then certifi's copy of Mozilla's."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return Path(paths.cafile)
    if paths.capath and any(Path(paths.capath).iterdir()):
        return Path(paths.capath)
    try:
        import certifi
    except ImportError:
        return None
    return Path(certifi.where())
