"""Finding messages of ours in a mailbox over IMAP, and removing these and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .actions import Steps
from .imap import Response
from .login_imap import ImapTalker, ok


def removed(talker: ImapTalker, criteria: bytes) -> Steps[bool]:
    """Remove what is found in the selected folder, and that alone; whether anything was."""
    found = yield from sought(talker, criteria)
    if not found:
        return False
    return (yield from expunged(talker, found))


def sought(talker: ImapTalker, criteria: bytes) -> Steps[list[bytes]]:
    """The UIDs of what fits in the selected folder; a server of IMAP4rev2 alone tells them by ESEARCH."""
    answers = yield from talker.command(b"UID SEARCH " + criteria, keeps=(b"* SEARCH", b"* ESEARCH"))
    return uids_in(answers)


def expunged(talker: ImapTalker, uids: Sequence[bytes]) -> Steps[bool]:
    """Remove these messages, and these alone (RFC 4315 section 2.1)."""
    which = b",".join(uids)
    yield from talker.command(b"UID STORE " + which + rb" +FLAGS.SILENT (\Deleted)", keeps=())
    return ok((yield from talker.command(b"UID EXPUNGE " + which, keeps=())))


def literal(lines: Sequence[bytes]) -> bytes | None:
    """The octets of the first literal (RFC 9051 section 4.3); None where there is none."""
    for at, line in enumerate(lines):
        if found := _LITERAL.search(line):
            return b"".join(lines[at + 1 :])[: int(found["length"])]
    return None


def uids_in(answers: Sequence[Response]) -> list[bytes]:
    """The numbers of a SEARCH response (RFC 3501 section 7.2.5), or of an ESEARCH response (RFC 9051 section 7.3.4).

    Of a range as many as MOST_UIDS are told: what we look for was sent a few times at most.
    """
    words = [word for answer in answers if answer.word == "SEARCH" for word in answer.text.split()]
    found = [word.encode() for word in words if word.isascii() and word.isdigit()]
    for answer in answers:
        if answer.word == "ESEARCH" and (all_of_them := _ALL.search(answer.text)):
            for first, last in _RANGE.findall(all_of_them[1]):
                low, high = sorted((int(first), int(last or first)))
                found += [b"%d" % uid for uid in range(low, min(high, low + MOST_UIDS - 1) + 1)]
    return found[:MOST_UIDS]


def name_of(listed: Response) -> str:
    """The mailbox of a LIST response; empty for one that is not a plain or quoted string."""
    found = re.match(
        r'\([^()]*\) (?:"(?:[^"\\]|\\.)*"|NIL) (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<atom>[^ "{}]+))$',
        listed.text,
    )
    if found is None:
        return ""
    return re.sub(r"\\(.)", r"\1", found["quoted"]) if found["quoted"] is not None else found["atom"]


def attributes(listed: Response) -> list[str]:
    r"""The attributes of a LIST response in lower case, such as \junk."""
    found = re.match(r"\(([^()]{0,400})\)", listed.text)
    return found[1].lower().split() if found else []


MOST_UIDS = 64
_ALL = re.compile(r"(?:^| )ALL ([0-9:,]{1,400})(?: |$)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,10})(?::([0-9]{1,10}))?")
_LITERAL = re.compile(rb"\{(?P<length>[0-9]{1,9})\}\r?\n\Z")
