"""Files appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_UNFINISHED: set[str] = set()


def drop_unfinished() -> None:
    """Remove what is half-written, for a process that ends in the middle of it. Never raises."""
    for beside in tuple(_UNFINISHED):
        with suppress(OSError):
            Path(beside).unlink()


def write_whole(path: Path, octets: bytes) -> None:
    """Write beside the target, then rename over it. Raises OSError; then nothing has changed.

    What is no regular file (a pipe, /dev/stdout) is written to directly: there is nothing to replace.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(octets)
        return
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    _UNFINISHED.add(beside)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(beside).chmod(0o666 & ~umask)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    finally:
        _UNFINISHED.discard(beside)
