"""Passwords by reference: read where they are used, by the performers, and kept nowhere else.

What stands in targets, probes, tapes and reports is the reference: `env:NAME`, `file:PATH` or `fd:NUMBER`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import anyio

LONGEST = 4096
"""Octets of a password."""


class BadReference(ValueError):
    """A password that cannot be had; the message never repeats what was given in its place."""


class Secrets:
    """Gives out passwords, until a login with one has failed: then no other is tried (lock-outs)."""

    def __init__(self) -> None:
        self._failed = ""
        self._turn: anyio.Lock | None = None

    def turn(self) -> anyio.Lock:
        """To be held during a login, so that the next one knows how it went."""
        if self._turn is None:  # made where there is a loop
            self._turn = anyio.Lock()
        return self._turn

    def of(self, reference: str) -> bytes:
        """The password that a reference stands for. Raises BadReference."""
        if self._failed:
            raise BadReference(self._failed)
        return resolve(reference)

    def failed(self) -> None:
        """A login failed: no password is given out any more."""
        self._failed = "a login failed before, and is not tried again"


def resolve(reference: str) -> bytes:
    """The password that `env:NAME`, `file:PATH` or `fd:NUMBER` stands for. Raises BadReference.

    Of a file the first line counts, and there must be no other. A descriptor is read once, and what it held is
    remembered as long as the process lives.
    """
    kind, colon, place = reference.partition(":")
    if not colon or kind not in _READERS or not place:
        raise BadReference(
            "expected env:NAME, file:PATH or fd:NUMBER, where the password is, not the password itself"
        )
    secret = _READERS[kind](place)
    if not secret:
        raise BadReference(f"{reference}: the password is empty")
    if len(secret) > LONGEST or any(octet < 0x20 or octet == 0x7F for octet in secret):
        # RFC 4616 section 2 has no NUL in it, and a line ending would end the command.
        raise BadReference(f"{reference}: expected one line without control characters, of at most {LONGEST}")
    return secret


def _of_environment(name: str) -> bytes:
    secret = os.environb.get(os.fsencode(name))
    if secret is None:
        raise BadReference(f"env:{name}: there is no such variable in the environment")
    return secret


def _of_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(LONGEST + 3).removesuffix(b"\n").removesuffix(b"\r")
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise BadReference(f"file:{path}: cannot be read: {why}") from None


@cache
def _of_descriptor(number: str) -> bytes:
    try:
        with os.fdopen(int(number), "rb") as file:
            return file.read(LONGEST + 3).removesuffix(b"\n").removesuffix(b"\r")
    except (OSError, ValueError, OverflowError):
        # What stands in its place may be the password: it is not repeated.
        raise BadReference("fd: expected the number of a descriptor that is open for reading") from None


_READERS: Mapping[str, Callable[[str], bytes]] = {
    "env": _of_environment,
    "file": _of_file,
    "fd": _of_descriptor,
}
