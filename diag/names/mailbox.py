"""Mailboxes as people write them: a local part, which may go beyond ASCII, and a domain."""

from __future__ import annotations

import re

from .domain import BadDomain, domain

MOST_OCTETS = 64
"""Octets of a local part (RFC 5321 section 4.5.3.1.1)."""


class BadMailbox(ValueError):
    """A text that is no mailbox; the message says what is wrong with it."""


def mailbox(text: str) -> str:
    """The mailbox, its domain in lower-case A-labels, its local part as written. Raises BadMailbox.

    Quoted local parts are not taken: nobody has them, and every layer treats them differently.
    """
    local, at, name = text.strip().rpartition("@")
    shown = repr(text[:200])
    if not at or not local:
        raise BadMailbox(f"{shown}: expected a mailbox such as anna@example.org")
    if len(local.encode("utf-8", "replace")) > MOST_OCTETS:
        raise BadMailbox(f"{shown}: the part before the @ is longer than {MOST_OCTETS} octets")
    if not local.isprintable() or not _DOT_STRING.fullmatch(local):
        raise BadMailbox(f"{shown}: a character before the @ has no place there")
    try:
        return f"{local}@{domain(name)}"
    except BadDomain as error:
        raise BadMailbox(f"{shown}: {error}") from None


# Dot-string of RFC 5321 section 4.1.2, with letters beyond ASCII (RFC 6531 section 3.3).
_ATOM = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f\s])+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
