"""What a scripted POP3 host says once somebody has logged in (RFC 1939 section 5)."""

from __future__ import annotations

from collections.abc import Callable

from .speaker import Reply, Then, reply


class Maildrop:
    """The messages of one user as they were at the login; removed for good by QUIT alone (RFC 1939 section 6)."""

    def __init__(self, messages: dict[int, str]) -> None:
        self._messages = messages
        self._numbers = dict(enumerate(messages, 1))
        self._marked: set[int] = set()

    def hear(self, command: str, arguments: str) -> Reply | None:
        """The reply to a command; None: not known here."""
        answers: dict[str, Callable[[str], Reply]] = {
            "STAT": self._stat,
            "LIST": self._list,
            "UIDL": self._uidl,
            "TOP": self._top,
            "RETR": self._retrieve,
            "DELE": self._delete,
            "QUIT": self._quit,
        }
        answer = answers.get(command)
        return answer(arguments) if answer is not None else None

    def _present(self) -> dict[int, str]:
        return {
            number: self._messages[uid]
            for number, uid in self._numbers.items()
            if uid in self._messages and number not in self._marked
        }

    def _stat(self, _: str) -> Reply:
        texts = self._present().values()
        return reply(f"+OK {len(texts)} {sum(map(len, texts))}")

    def _list(self, argument: str) -> Reply:
        return self._listed(argument, {number: str(len(text)) for number, text in self._present().items()})

    def _uidl(self, argument: str) -> Reply:
        return self._listed(
            argument, {number: f"{self._numbers[number]:08x}65" for number in self._present()}
        )

    def _listed(self, argument: str, told: dict[int, str]) -> Reply:
        if not argument:
            return reply("+OK", *(f"{number} {what}" for number, what in told.items()), ".")
        number = _number(argument)
        return reply(f"+OK {number} {told[number]}") if number in told else _NO_SUCH

    def _top(self, arguments: str) -> Reply:
        number, _, lines = arguments.partition(" ")
        text = self._present().get(_number(number))
        if text is None:
            return _NO_SUCH
        header, _, body = text.partition("\r\n\r\n")
        return _message([*header.split("\r\n"), "", *body.split("\r\n")[: _number(lines)]])

    def _retrieve(self, argument: str) -> Reply:
        text = self._present().get(_number(argument))
        return _NO_SUCH if text is None else _message(text.removesuffix("\r\n").split("\r\n"))

    def _delete(self, argument: str) -> Reply:
        number = _number(argument)
        if number not in self._present():
            return _NO_SUCH
        self._marked.add(number)
        return reply("+OK Marked to be deleted.")

    def _quit(self, _: str) -> Reply:
        for number in self._marked:
            self._messages.pop(self._numbers[number], None)
        return reply("+OK Logging out.", then=Then.CLOSE)


def _message(lines: list[str]) -> Reply:
    """RFC 1939 section 3: a line that begins with a dot gets another."""
    return reply("+OK", *(f".{line}" if line.startswith(".") else line for line in lines), ".")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


_NO_SUCH = reply("-ERR There's no such message.")
