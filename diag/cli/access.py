"""What the user lends us: a mailbox, and a login by reference. Checked before anything is connected to."""

from __future__ import annotations

from dataclasses import dataclass

from .faults import Fault


@dataclass(frozen=True)
class Access:
    """As they stand in the target."""

    mailbox: str
    login: str
    password: str
    """The reference, never the password."""


def access(
    names: tuple[str, ...],
    *,
    mailbox: str | None,
    login: str | None,
    password: str | None,
    intrusive: bool,
    said: str,
) -> Access:
    """The options, checked; `said` is the profile's mailbox. Raises Fault, which never repeats a password."""
    if (login is None) != (password is None):
        given, missing = ("--login", "--password") if password is None else ("--password", "--login")
        raise Fault(f"{given}: {missing} is needed too")
    if login is None or password is None:
        return Access(_mailbox(mailbox, names) or said, "", "")
    if not intrusive:
        raise Fault("--login: nobody is logged in without --intrusive")
    if len(names) > 1:
        raise Fault(f"--login: one domain at a time, and {len(names)} are named")
    if not login or not login.isprintable():
        raise Fault("--login: expected the name to log in with")
    _readable(password)
    return Access(_mailbox(mailbox, names) or said, login, password)


def _mailbox(text: str | None, names: tuple[str, ...]) -> str:
    from diag.names.mailbox import BadMailbox, mailbox

    if text is None:
        return ""
    try:
        found = mailbox(text)
    except BadMailbox as error:
        raise Fault(f"--mailbox {error}") from None
    if found.rpartition("@")[2] not in names:
        raise Fault(f"--mailbox {found}: expected a mailbox of {' or '.join(names[:3])}")
    return found


def _readable(password: str) -> None:
    """Look whether the password can be had, and forget it again."""
    from diag.lab.live.secrets import BadReference, resolve

    try:
        resolve(password)
    except BadReference as error:
        raise Fault(f"--password: {error}") from None
