"""Waiting for messages to be returned to a mailbox, over IMAP (RFC 9051): the dialogue, and its reading.

A returned message is known by a mailbox that nobody has, which stands in its text. Only such messages are fetched,
and only these are removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit, hear
from .collect import PATIENCE, PERIOD
from .imap import ResponseEnd
from .login import Account, LoginRead
from .login_imap import LOGOUT, ImapTalker, imap_steps, ok, quoted, read_imap_login
from .ours_imap import expunged, literal, sought
from .transcript import Transcript


@frozen
class Returned:
    """A transcript of returned_dialogue, read."""

    login: LoginRead
    messages: Mapping[str, tuple[bytes, int]]
    """By mailbox, the octets of what was found, and the event that ends the answer in which they came."""


def returned_dialogue(
    host: str,
    port: int,
    account: Account,
    mailboxes: tuple[str, ...],
    *,
    implicit_tls: bool,
    timeout: float,
) -> Dialogue:
    """Wait for messages that name these mailboxes in their text, fetch them, remove them."""
    talker = ImapTalker(host, port, implicit_tls=implicit_tls)
    return Dialogue(_talk(talker, account, mailboxes, greeting_limit(timeout)), LOGOUT)


def _talk(talker: ImapTalker, account: Account, mailboxes: tuple[str, ...], patience: float) -> Steps[None]:
    offered = yield from talker.entered(account, patience)
    if offered is not None and ok((yield from talker.command(b"SELECT INBOX", keeps=()))):
        yield from _wait(talker, mailboxes, "UIDPLUS" in offered)
    yield from talker.left()


def _wait(talker: ImapTalker, mailboxes: tuple[str, ...], removes: bool) -> Steps[None]:
    waiting = list(mailboxes)
    for look in range(round(PATIENCE / PERIOD)):
        if look:
            yield from hear(ResponseEnd(), PERIOD, may_be_silent=True, keeps=())
        for mailbox in tuple(waiting):
            if (yield from _take(talker, mailbox, removes)):
                waiting.remove(mailbox)
        if not waiting:
            return


def _take(talker: ImapTalker, mailbox: str, removes: bool) -> Steps[bool]:
    wanted = b"BODY " + quoted(mailbox.encode("ascii", "ignore"))
    uids = yield from sought(talker, wanted)
    if not uids:
        return False
    yield from talker.command(b"UID FETCH " + uids[0] + b" (BODY.PEEK[])")
    if removes:
        yield from expunged(talker, uids)
    return True


def read_returned(transcript: Transcript, mailboxes: Sequence[str]) -> Returned:
    """Read a transcript of returned_dialogue. Never raises."""
    messages: dict[str, tuple[bytes, int]] = {}
    sought = ""
    for step in imap_steps(transcript):
        if step.words == "UID SEARCH":
            sought = next((each for each in mailboxes if f'"{each}"' in step.command), "")
        elif step.words == "UID FETCH" and sought and step.last is not None:
            octets = literal(step.lines)
            if octets is not None:
                messages[sought] = (octets, step.last)
    return Returned(read_imap_login(transcript), messages)
