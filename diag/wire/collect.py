"""Reading test messages back over IMAP (RFC 9051): the dialogue, and its reading.

It logs in only under TLS with the very certificate that was verified, looks for messages by their Message-ID,
keeps the text of those and nothing else of the mailbox, and removes those and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit, hear
from .imap import ResponseEnd
from .lines import content
from .login import Account, LoginRead
from .login_imap import LOGOUT, ImapTalker, Lines, imap_steps, ok, quoted, read_imap_login
from .ours_imap import expunged, literal, sought
from .transcript import Transcript

PATIENCE = 60.0
"""Seconds in which a message must show up in the mailbox."""
PERIOD = 3.0
"""Seconds between two looks."""


@frozen
class Collection:
    """A transcript of collect_dialogue, read."""

    login: LoginRead
    texts: Mapping[str, Lines]
    """By Message-ID the lines of the body, without their endings, of what was found."""
    events: Mapping[str, int]
    """The events that end the answers in which they came."""


def collect_dialogue(
    host: str,
    port: int,
    account: Account,
    message_ids: tuple[str, ...],
    *,
    implicit_tls: bool,
    timeout: float,
) -> Dialogue:
    """Wait for messages, fetch their text, remove them."""
    talker = ImapTalker(host, port, implicit_tls=implicit_tls)
    return Dialogue(_talk(talker, account, message_ids, greeting_limit(timeout)), LOGOUT)


def _talk(talker: ImapTalker, account: Account, message_ids: tuple[str, ...], patience: float) -> Steps[None]:
    offered = yield from talker.entered(account, patience)
    if offered is not None and ok((yield from talker.command(b"SELECT INBOX", keeps=()))):
        yield from _wait(talker, message_ids, "UIDPLUS" in offered)
    yield from talker.left()


def _wait(talker: ImapTalker, message_ids: tuple[str, ...], removes: bool) -> Steps[None]:
    waiting = list(message_ids)
    for look in range(round(PATIENCE / PERIOD)):
        if look:
            # To listen is to wait; what the server tells of other mail meanwhile is not kept.
            yield from hear(ResponseEnd(), PERIOD, may_be_silent=True, keeps=())
        for message_id in tuple(waiting):
            if (yield from _take(talker, message_id, removes)):
                waiting.remove(message_id)
        if not waiting:
            return


def _take(talker: ImapTalker, message_id: str, removes: bool) -> Steps[bool]:
    """Fetch a message, and remove it; False where it is not there."""
    wanted = b"HEADER Message-ID " + quoted(b"<" + message_id.encode() + b">")
    uids = yield from sought(talker, wanted)
    if not uids:
        return False
    yield from talker.command(b"UID FETCH " + uids[0] + b" (BODY.PEEK[TEXT])")
    if removes:
        # Without UIDPLUS (RFC 4315) others' messages that are marked would be removed with it.
        yield from expunged(talker, uids)
    return True


def read_collection(transcript: Transcript, message_ids: Sequence[str]) -> Collection:
    """Read a transcript of collect_dialogue. Never raises."""
    texts: dict[str, Lines] = {}
    events: dict[str, int] = {}
    sought = ""
    for step in imap_steps(transcript):
        if step.words == "UID SEARCH":
            sought = next((each for each in message_ids if f"<{each}>" in step.command), "")
        elif step.words == "UID FETCH" and sought and step.last is not None:
            text = literal(step.lines)
            if text is not None:
                texts[sought] = tuple(content(each) for each in text.splitlines(keepends=True))
                events[sought] = step.last
    return Collection(read_imap_login(transcript), texts, events)
