"""Watching a message arrive over IMAP (RFC 9051): the dialogue, and its reading.

It is known by its Message-ID, or by its subject where the former was rewritten: both hold what nobody else can
have written. It is fetched whole and removed, it alone; of everything else in the mailbox nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.model.frozen import frozen

from .actions import Dialogue, Hide, Steps, greeting_limit, hear
from .imap import ResponseEnd
from .login import Account, LoginEnd, LoginRead
from .login_imap import LOGOUT, ImapStep, ImapTalker, imap_steps, ok, quoted, read_imap_login
from .ours_imap import attributes, expunged, literal, name_of, sought
from .transcript import Transcript

PAUSES = (1, 1, 1, 2, 2, 3, 3, 5, 5, 7, 10, 10, 15, 15, 20)
"""Seconds between looks; the last one lasts."""
JUNK_NAMES = ("Junk", "Spam")
"""Folders for junk where the server does not tell which they are."""
MOST_FOLDERS = 40
"""Other folders that are looked into in the end."""
NOT_FOR_ARRIVALS = {r"\noselect", r"\nonexistent", r"\sent", r"\drafts", r"\all"}
"""Folders that hold nothing, or what was sent (RFC 6154 section 2)."""
ELSEWHERE = "another folder"

PRIVATE: tuple[bytes, ...] = ()


@frozen
class ImapArrival:
    """A transcript of await_imap_dialogue, read."""

    login: LoginRead
    octets: bytes
    """The message as it was fetched; empty where it was not found."""
    folder: str
    """Where it was: INBOX, a folder for junk by name, or "another folder"."""
    junk: bool
    event: int | None
    """The end of the answer that brought it, or of the last look."""
    looked_ms: int
    """When that was, since we began to connect."""
    swept: bool
    """Whether every folder was looked into."""
    removed: bool


def pauses(patience: float) -> Iterator[float]:
    """The seconds between looks, `patience` in all."""
    left = patience
    for number in range(int(patience) + 1):
        pause = min(float(PAUSES[min(number, len(PAUSES) - 1)]), left)
        if pause <= 0:
            return
        left -= pause
        yield pause


def await_imap_dialogue(
    host: str,
    port: int,
    account: Account,
    message_id: str,
    subject: str,
    *,
    implicit_tls: bool,
    patience: float,
    timeout: float,
) -> Dialogue:
    """Log in, look for a message again and again, fetch and remove it; in the end look into every folder."""
    talker = ImapTalker(host, port, implicit_tls=implicit_tls)
    wanted = (
        b"OR HEADER Message-ID "
        + quoted(f"<{message_id}>".encode())
        + b" HEADER Subject "
        + quoted(subject.encode())
    )
    return Dialogue(_Waiting(talker, wanted).talk(account, patience, greeting_limit(timeout)), LOGOUT)


class _Waiting:
    """One conversation."""

    def __init__(self, talker: ImapTalker, wanted: bytes) -> None:
        self._talker = talker
        self._wanted = wanted
        self._removes = False

    def talk(self, account: Account, patience: float, greeting: float) -> Steps[None]:
        offered = yield from self._talker.entered(account, greeting)
        if offered is not None:
            # Without UIDPLUS (RFC 4315) what others have marked would be removed with it.
            self._removes = "UIDPLUS" in offered or "IMAP4REV2" in offered
            yield from self._watch((yield from self._junk(offered)), patience)
        yield from self._talker.left()

    def _junk(self, offered: set[str]) -> Steps[list[str]]:
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= offered:
            listed = yield from self._talker.command(b'LIST (SPECIAL-USE) "" "*"', keeps=(b"* LIST",))
            marked = [name_of(each) for each in listed if r"\junk" in attributes(each)]
            if marked:
                return [name for name in marked if name]
        found: list[str] = []
        for name in JUNK_NAMES:
            listed = yield from self._talker.command(b'LIST "" ' + quoted(name.encode()), keeps=(b"* LIST",))
            found += [name] if any(each.word == "LIST" for each in listed) else []
        return found

    def _watch(self, junk: list[str], patience: float) -> Steps[None]:
        folders = [*junk, "INBOX"]
        for pause in (0.0, *pauses(patience)):
            if pause:
                # To listen is to wait; what the server tells of other mail meanwhile is not kept.
                yield from hear(ResponseEnd(), pause, may_be_silent=True, keeps=PRIVATE)
            for folder in folders:
                if (yield from self._taken(folder)):
                    return
        if patience:
            yield from self._sweep(folders)

    def _taken(self, folder: str) -> Steps[bool]:
        """Open a folder, and fetch and remove the message where it is there."""
        command = b"SELECT " + (quoted(folder.encode()) if folder != "INBOX" else b"INBOX")
        if not ok((yield from self._talker.command(command, keeps=PRIVATE))):
            return False
        uids = yield from sought(self._talker, self._wanted)
        if not uids:
            return False
        yield from self._talker.command(b"UID FETCH " + uids[0] + b" (BODY.PEEK[])")
        if self._removes:
            yield from expunged(self._talker, uids)
        return True

    def _sweep(self, known: list[str]) -> Steps[None]:
        """Every other folder once; their names are the user's own business."""
        listed = yield from self._talker.command(b'LIST "" "*"', keeps=PRIVATE)
        names = [
            name_of(each)
            for each in listed
            if each.word == "LIST" and not NOT_FOR_ARRIVALS & set(attributes(each))
        ]
        for name in [name for name in names if name and name not in known and name.upper() != "INBOX"][
            :MOST_FOLDERS
        ]:
            yield Hide(quoted(name.encode()))
            if (yield from self._taken(name)):
                return


def read_imap_arrival(transcript: Transcript) -> ImapArrival:
    """Read a transcript of await_imap_dialogue. Never raises."""
    login = read_imap_login(transcript)
    steps = imap_steps(transcript) if login.end is LoginEnd.TAKEN else ()
    folder, junk, octets, event, looked = "", False, b"", None, None
    sweeping = swept = removed = False
    for step in steps:
        match step.words:
            case "SELECT":
                name = step.command.partition(" ")[2].strip('"')
                folder = name if name.upper() != "INBOX" else "INBOX"
            case "UID SEARCH" if step.done:
                looked = step.last
            case "UID FETCH" if not octets and (found := literal(step.lines)) is not None:
                octets, event = found, step.last
                folder, junk = (ELSEWHERE, False) if sweeping else (folder, folder != "INBOX")
            case "UID EXPUNGE":
                removed = removed or step.ok
            case "LIST" if step.command.endswith('"*"') and "(" not in step.command:
                sweeping, swept = True, _whole(step)
    at = event if event is not None else looked
    looked_ms = transcript.events[at].at_ms if at is not None else 0
    if not octets:
        folder = ""
    return ImapArrival(
        login, octets, folder, junk, at, looked_ms, swept and _left(steps), bool(octets) and removed
    )


def _whole(step: ImapStep) -> bool:
    return step.ok and len(step.lines) <= MOST_FOLDERS


def _left(steps: tuple[ImapStep, ...]) -> bool:
    """Whether the conversation came to its end, so that nothing was left out."""
    return bool(steps) and steps[-1].words == "LOGOUT"
