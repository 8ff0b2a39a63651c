"""What the user got wrong, and the nearest thing that would have been right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Fault(Exception):
    """A usage or configuration error: one line that names the thing and the place. Exit code 2."""


class Undetermined(Exception):
    """What was asked could not be found out, for no fault of the user's: one line that says why. Exit code 3."""


class Crash(Exception):
    """The program, or a process of it, ended before its work was done: one line that says how. Exit code 4."""


def unknown(what: str, given: str, known: Iterable[str], *, where: str = "", see: str = "") -> Fault:
    """The fault for a name that nobody knows, with the nearest one that is known."""
    names = sorted(known)
    near = difflib.get_close_matches(given.lower(), names, 1, 0.6)
    if near:
        hint = f"; did you mean {near[0]!r}?"
    elif see:
        hint = f"; see {see}"
    else:
        hint = f"; known are {', '.join(names)}" if names else ""
    return Fault(f"{where + ': ' if where else ''}unknown {what} {given!r}{hint}")


def first(error: BaseException) -> BaseException:
    """The first of a group, which is what tasks end with, or the error itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def said(error: BaseException) -> str:
    """What went wrong in our own code and where, without a traceback."""
    error = first(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""
    return f"{type(error).__name__}: {error}{where}"


def reason(error: OSError) -> str:
    """What the system says of a file, without its number and without the path."""
    return (error.strerror or str(error)).lower()
