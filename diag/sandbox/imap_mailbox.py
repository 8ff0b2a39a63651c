"""What a scripted IMAP host says once somebody has logged in: enough to find, read and remove a message."""

from __future__ import annotations

import re
from collections.abc import Callable

from .speaker import Reply, reply


class ImapMailbox:
    """The INBOX of one user, selected or not (RFC 9051 sections 6.3.2 and 6.4)."""

    def __init__(self, messages: dict[int, str]) -> None:
        self._messages = messages
        self._deleted: set[int] = set()
        self._selected = False

    def hear(self, tag: str, command: str, arguments: str) -> Reply | None:
        """The reply to a command, of which `UID` and the word after it count as one; None: not known here."""
        if command == "UID":
            word, _, arguments = arguments.partition(" ")
            command = f"UID {word.upper()}"
        answers: dict[str, Callable[[str, str], Reply]] = {
            "SELECT": self._select,
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
            "UID STORE": self._store,
            "UID EXPUNGE": self._expunge,
        }
        answer = answers.get(command)
        if answer is None:
            return None
        if command != "SELECT" and not self._selected:
            return reply(f"{tag} BAD No mailbox selected.")
        return answer(tag, arguments)

    def _select(self, tag: str, mailbox: str) -> Reply:
        self._selected = mailbox.strip('"').upper() == "INBOX"
        if not self._selected:
            return reply(f"{tag} NO [NONEXISTENT] Mailbox doesn't exist.")
        return reply(
            r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)",
            f"* {len(self._messages)} EXISTS",
            "* OK [UIDVALIDITY 1700000000] UIDs valid",
            f"{tag} OK [READ-WRITE] Select completed.",
        )

    def _search(self, tag: str, criteria: str) -> Reply:
        wanted = re.fullmatch(r'HEADER Message-ID "([^"]*)"', criteria, re.IGNORECASE)
        if wanted is None:
            return reply(f"{tag} BAD Unknown search.")
        found = [
            str(uid)
            for uid, text in self._messages.items()
            if f"message-id: {wanted[1]}".lower() in text.partition("\r\n\r\n")[0].lower()
        ]
        return reply(" ".join(("* SEARCH", *found)), f"{tag} OK Search completed.")

    def _fetch(self, tag: str, arguments: str) -> Reply:
        number, _, item = arguments.partition(" ")
        text = self._messages.get(int(number)) if number.isascii() and number.isdigit() else None
        if text is None or item.upper() != "(BODY.PEEK[TEXT])":
            return reply(f"{tag} OK Fetch completed.")
        body = text.partition("\r\n\r\n")[2]
        head = f"* {list(self._messages).index(int(number)) + 1} FETCH (UID {number} BODY[TEXT]"
        lines = f"{body})".split("\r\n")
        return reply(f"{head} {{{len(body.encode())}}}", *lines, f"{tag} OK Fetch completed.")

    def _store(self, tag: str, arguments: str) -> Reply:
        if arguments.endswith(r"+FLAGS.SILENT (\Deleted)"):
            self._deleted |= _numbers(arguments.partition(" ")[0])
        return reply(f"{tag} OK Store completed.")

    def _expunge(self, tag: str, numbers: str) -> Reply:
        gone = self._deleted & _numbers(numbers)
        for uid in gone:
            self._messages.pop(uid, None)
        return reply(*("* 1 EXPUNGE" for _ in gone), f"{tag} OK Expunge completed.")


def _numbers(text: str) -> set[int]:
    return {int(word) for word in text.split(",") if word.isascii() and word.isdigit()}
