"""What a scripted IMAP host says once somebody has logged in: enough to find, read, store and remove a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .mail import Mail
from .speaker import Reply, reply

SPECIAL: Mapping[str, str] = {"Drafts": r"\Drafts", "Junk": r"\Junk", "Sent": r"\Sent", "Trash": r"\Trash"}
"""Folders beside INBOX, and what they are for (RFC 6154)."""


class ImapMailbox:
    """The folders of one user, one of them selected or none (RFC 9051 sections 6.3.2 and 6.4).

    `extended`: what is searched for is told by ESEARCH, as IMAP4rev2 has it (section 7.3.4).
    """

    def __init__(self, mail: Mail, user: str, *, extended: bool = False) -> None:
        self._mail = mail
        self._user = user
        self._extended = extended
        self._deleted: set[int] = set()
        self._messages: dict[int, str] | None = None
        self._storing: tuple[str, str, int] | None = None
        self._stored = ""

    def hear(self, tag: str, command: str, arguments: str) -> Reply | None:
        """The reply to a command, of which `UID` and the word after it count as one; None: not known here."""
        if command == "UID":
            word, _, arguments = arguments.partition(" ")
            command = f"UID {word.upper()}"
        answers: dict[str, Callable[[str, str], Reply]] = {
            "NAMESPACE": self._namespace,
            "LIST": self._list,
            "GETQUOTAROOT": self._quota,
            "APPEND": self._append,
            "SELECT": self._select,
            "EXAMINE": self._select,
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
            "UID STORE": self._store,
            "UID EXPUNGE": self._expunge,
        }
        answer = answers.get(command)
        if answer is None:
            return None
        if self._messages is None and command.startswith("UID "):
            return reply(f"{tag} BAD No mailbox selected.")
        return answer(tag, arguments)

    @property
    def storing(self) -> bool:
        """Whether lines of a message are expected, and no command."""
        return self._storing is not None

    def content(self, line: str) -> Reply:
        """The reply to a line of a message; none before its end."""
        assert self._storing is not None
        tag, folder, octets = self._storing
        if len(self._stored) < octets:
            self._stored += f"{line}\r\n"
            return Reply()
        self._mail.deliver([self._address(folder)], self._stored)
        self._storing, self._stored = None, ""
        return reply(f"{tag} OK Append completed.")

    def _namespace(self, tag: str, _: str) -> Reply:
        return reply('* NAMESPACE (("" "/")) NIL NIL', f"{tag} OK Namespace completed.")

    def _list(self, tag: str, arguments: str) -> Reply:
        if arguments.upper().endswith('"" INBOX'):
            return reply(r'* LIST (\HasNoChildren) "/" INBOX', f"{tag} OK List completed.")
        marked = [rf'* LIST (\HasNoChildren {use}) "/" {name}' for name, use in SPECIAL.items()]
        every = () if "(SPECIAL-USE)" in arguments.upper() else (r'* LIST (\HasNoChildren) "/" INBOX',)
        return reply(*every, *marked, f"{tag} OK List completed.")

    def _quota(self, tag: str, _: str) -> Reply:
        return reply(
            '* QUOTAROOT INBOX "User quota"',
            '* QUOTA "User quota" (STORAGE 20480 1048576)',
            f"{tag} OK Getquotaroot completed.",
        )

    def _append(self, tag: str, arguments: str) -> Reply:
        told = re.fullmatch(r'"?([^"{]+?)"? \{(\d+)\}', arguments)
        if told is None:
            return reply(f"{tag} BAD Invalid arguments.")
        if self._folder(told[1]) is None:
            return reply(f"{tag} NO [TRYCREATE] Mailbox doesn't exist.")
        self._storing = tag, told[1], int(told[2])
        return reply("+ OK")

    def _address(self, folder: str) -> str:
        return self._user if folder.upper() == "INBOX" else Mail.folder(self._user, folder)

    def _folder(self, name: str) -> dict[int, str] | None:
        if name.upper() != "INBOX" and name not in SPECIAL:
            return None
        return self._mail.of(self._address(name))

    def _select(self, tag: str, mailbox: str) -> Reply:
        self._messages = self._folder(mailbox.strip('"'))
        if self._messages is None:
            return reply(f"{tag} NO [NONEXISTENT] Mailbox doesn't exist.")
        return reply(
            r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)",
            f"* {len(self._messages)} EXISTS",
            "* OK [UIDVALIDITY 1700000000] UIDs valid",
            f"{tag} OK [READ-WRITE] Select completed.",
        )

    def _search(self, tag: str, criteria: str) -> Reply:
        within = re.fullmatch(r'BODY "([^"]*)"', criteria, re.IGNORECASE)
        wanted = re.findall(r'HEADER (Message-ID|Subject) "([^"]*)"', criteria, re.IGNORECASE)
        if not wanted and within is None:
            return reply(f"{tag} BAD Unknown search.")
        assert self._messages is not None
        found = [
            str(uid)
            for uid, text in self._messages.items()
            if any(_holds(text, name.lower(), words.lower()) for name, words in wanted)
            or (within is not None and within[1].lower() in text.partition("\r\n\r\n")[2].lower())
        ]
        said = " ".join(("* SEARCH", *found))
        if self._extended:
            said = f'* ESEARCH (TAG "{tag}") UID' + (f" ALL {','.join(found)}" if found else "")
        return reply(said, f"{tag} OK Search completed.")

    def _fetch(self, tag: str, arguments: str) -> Reply:
        number, _, item = arguments.partition(" ")
        assert self._messages is not None
        text = self._messages.get(int(number)) if number.isascii() and number.isdigit() else None
        parts = {"(BODY.PEEK[TEXT])": "BODY[TEXT]", "(BODY.PEEK[])": "BODY[]"}
        if text is None or item.upper() not in parts:
            return reply(f"{tag} OK Fetch completed.")
        body = text if item.upper() == "(BODY.PEEK[])" else text.partition("\r\n\r\n")[2]
        head = f"* {list(self._messages).index(int(number)) + 1} FETCH (UID {number} {parts[item.upper()]}"
        lines = f"{body})".split("\r\n")
        return reply(f"{head} {{{len(body.encode())}}}", *lines, f"{tag} OK Fetch completed.")

    def _store(self, tag: str, arguments: str) -> Reply:
        if arguments.endswith(r"+FLAGS.SILENT (\Deleted)"):
            self._deleted |= _numbers(arguments.partition(" ")[0])
        return reply(f"{tag} OK Store completed.")

    def _expunge(self, tag: str, numbers: str) -> Reply:
        assert self._messages is not None
        gone = self._deleted & _numbers(numbers) & self._messages.keys()
        for uid in gone:
            self._messages.pop(uid)
        return reply(*("* 1 EXPUNGE" for _ in gone), f"{tag} OK Expunge completed.")


def _holds(text: str, name: str, words: str) -> bool:
    header = text.partition("\r\n\r\n")[0].lower()
    return any(line.startswith(f"{name}:") and words in line for line in header.split("\r\n"))


def _numbers(text: str) -> set[int]:
    return {int(word) for word in text.split(",") if word.isascii() and word.isdigit()}
