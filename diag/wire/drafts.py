"""Putting a message into the folder for drafts over IMAP (RFC 9051 section 6.3.12), and taking it out again."""

from __future__ import annotations

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit
from .login import Account, LoginEnd, LoginRead
from .login_imap import LOGOUT, ImapTalker, imap_steps, ok, quoted, read_imap_login
from .ours_imap import attributes, name_of, removed
from .transcript import Transcript
from .visit_imap import Answered, answered


@frozen
class AppendRead:
    """What became of a message put into a folder for drafts."""

    login: LoginRead
    appended: Answered | None
    folder: str = ""
    removed: bool = False


def append_dialogue(
    host: str,
    port: int,
    account: Account,
    message_id: str,
    message: bytes,
    *,
    implicit_tls: bool,
    timeout: float,
) -> Dialogue:
    """Log in, put a message into the folder for drafts, find it there by its Message-ID and remove that alone."""
    talker = ImapTalker(host, port, implicit_tls=implicit_tls)
    return Dialogue(_append(talker, account, message_id, message, greeting_limit(timeout)), LOGOUT)


def _append(
    talker: ImapTalker, account: Account, message_id: str, message: bytes, patience: float
) -> Steps[None]:
    offered = yield from talker.entered(account, patience)
    # Without UIDPLUS (RFC 4315) what others have marked would be removed with it; then nothing is put there.
    if offered is not None and {"UIDPLUS", "SPECIAL-USE", "LIST-EXTENDED"} <= offered:
        listed = yield from talker.command(b'LIST (SPECIAL-USE) "" "*"', keeps=(b"* LIST",))
        folder = next((name_of(each) for each in listed if r"\drafts" in attributes(each)), "")
        if folder and ok((yield from talker.appended(b"APPEND " + quoted(folder.encode()), message))):
            yield from talker.command(b"SELECT " + quoted(folder.encode()), keeps=())
            yield from removed(talker, b"HEADER Message-ID " + quoted(f"<{message_id}>".encode()))
    yield from talker.left()


def read_append(transcript: Transcript) -> AppendRead:
    """Read a transcript of append_dialogue. Never raises."""
    login = read_imap_login(transcript)
    steps = imap_steps(transcript) if login.end is LoginEnd.TAKEN else ()
    put = next((step for step in steps if step.words == "APPEND"), None)
    expunged = next((step for step in steps if step.words == "UID EXPUNGE"), None)
    folder = put.command.partition(" ")[2].rpartition(" ")[0].strip('"') if put is not None else ""
    became = answered(put) if put is not None and put.done else None
    return AppendRead(login, became, folder, expunged is not None and expunged.ok)
