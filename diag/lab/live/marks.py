"""The roots of mark certificate authorities: the list that comes with checkdmarc, read without importing it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import anyio

from diag.model.plugin import performs
from diag.probes.marks import MarkAnchors
from diag.probes.trust import Anchors

from .live import Means
from .trust import load


@performs(MarkAnchors)
async def mark_anchors(probe: MarkAnchors, means: Means) -> Anchors:
    """Look the Names up in checkdmarc's list; `--ca-file` says nothing about marks."""
    place = store()
    if place is None:
        return Anchors("", 0, trouble="checkdmarc, whose list of mark authorities is used, is not installed")
    try:
        found = await anyio.to_thread.run_sync(load, place, place.stat().st_mtime_ns)
    except OSError as error:
        return Anchors(str(place), 0, trouble=error.strerror or str(error))
    roots = tuple(der for name in dict.fromkeys(probe.issuers) for der in found.by_subject.get(name, ()))
    return Anchors("the mark authorities known to checkdmarc", found.count, roots)


def store() -> Path | None:
    """Where the list lies. The package is not imported: that takes seconds and brings a resolver."""
    spec = find_spec("checkdmarc")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "resources" / "MVACAs.pem"
