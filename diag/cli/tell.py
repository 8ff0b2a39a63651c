"""Writing data to standard output."""

from __future__ import annotations

import errno
import sys

from .faults import Fault, reason

NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a write to a stream fails with."""


class NobodyReads(Exception):
    """Whoever read our standard output has closed it. No fault of anybody's: the run ends quietly."""


def tell(text: str) -> None:
    """Write to standard output at once. Raises NobodyReads, and Fault where it cannot be written."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise NobodyReads from None
    except OSError as error:
        raise Fault(f"standard output: cannot be written: {reason(error)}") from None
    flush()


def flush() -> None:
    """Have what was written arrive. Raises as `tell` does."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise NobodyReads from None
    except OSError as error:
        raise Fault(f"standard output: cannot be written: {reason(error)}") from None
