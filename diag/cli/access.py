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
    token: str = ""
    """The same of an access token."""
    insecure: bool = False


def access(
    names: tuple[str, ...],
    *,
    mailbox: str | None,
    login: str | None,
    password: str | None,
    token: str | None,
    insecure: bool,
    said: str,
) -> Access:
    """The options, checked; `said` is the profile's mailbox. Raises Fault, which never repeats a password."""
    found = _mailbox(mailbox, names) or said
    if password is not None and token is not None:
        raise Fault("--password and --token exclude one another")
    secret = token if password is None else password
    if (login is None) != (secret is None):
        given = "--login" if login is not None else "--password" if token is None else "--token"
        missing = "--password" if login is not None else "--login"
        raise Fault(f"{given}: {missing} is needed too")
    if login is None or secret is None:
        if insecure:
            raise Fault("--insecure-auth: nobody is logged in without --login")
        return Access(found, "", "")
    if len(names) > 1:
        raise Fault(f"--login: one domain at a time, and {len(names)} are named")
    if not login or not login.isprintable():
        raise Fault("--login: expected the name to log in with")
    _readable(secret, "--password" if token is None else "--token")
    return Access(found, login, password or "", token or "", insecure)


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


def _readable(secret: str, option: str) -> None:
    """Look whether the password or token can be had, and forget it again."""
    from diag.lab.live.secrets import BadReference, resolve

    try:
        resolve(secret)
    except BadReference as error:
        raise Fault(f"{option}: {error}") from None
