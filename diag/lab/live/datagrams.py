"""Questions over UDP: a port for each that is under way, kept for the next one, as most of its price is its making.

On asyncio itself, as thousands of answers are awaited a minute: anyio's sockets cost several times as much, and
never hear that a port is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Coroutine
from typing import Any
from weakref import WeakKeyDictionary

MOST_USES = 32
"""Questions that go out of one port, one after another, before another one is taken (RFC 5452 section 9.2)."""
MOST_IDLE = 128
"""Ports that are kept, of all servers together; the oldest goes first."""
OPTIONS = 11
"""Octets of the EDNS record at the end of a question of ours, where it has one (RFC 6891 section 6.1.2)."""


class Datagrams:
    """Ports to servers, those of each event loop by themselves."""

    def __init__(self) -> None:
        self._idle: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[_Port]] = WeakKeyDictionary()

    def ask(self, question: bytes, host: str, port: int, within: float) -> Coroutine[Any, Any, bytes]:
        """The first datagram from there that answers this question.

        Raises OSError; TimeoutError after `within` seconds.
        """
        loop = asyncio.get_running_loop()
        idle = self._idle.get(loop)
        if idle is None:
            idle = self._idle[loop] = deque()
        place = host, port
        for kept in idle:
            if kept.place == place:
                idle.remove(kept)
                return kept.ask(question, within)
        return _Port(place, idle).ask(question, within)


class _Port:
    """A socket of a port of its own, with one question at a time under way; between them it lies with the idle.

    It belongs to one event loop, and does not hold it: with the loop, at the end of a run, it goes.
    """

    def __init__(self, place: tuple[str, int], idle: deque[_Port]) -> None:
        self.place = place
        self._idle = idle
        self._uses = 0
        self._question = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in place[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            self._socket.setblocking(False)
            self._socket.connect(place)
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._heard)
        except BaseException:
            self._socket.close()
            raise

    async def ask(self, question: bytes, within: float) -> bytes:
        self._uses += 1
        self._question = question
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        self._answer = answer
        # A timer of our own: asyncio.timeout costs as much as all else here.
        timer = loop.call_later(within, self._fail, TimeoutError())
        try:
            self._socket.send(question)
            found = await answer
        except BaseException:
            self._close()  # what comes too late finds nobody
            raise
        finally:
            timer.cancel()
            self._answer = None
        if self._uses == MOST_USES:
            self._close()
        else:
            if len(self._idle) == MOST_IDLE:
                self._idle.popleft()._close()
            self._idle.append(self)
        return found

    def _heard(self) -> None:
        try:
            reply = self._socket.recv(65535)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        if self._answer is not None and not self._answer.done() and answers(self._question, reply):
            self._answer.set_result(reply)

    def _fail(self, error: OSError) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def __del__(self) -> None:
        # A socket should not be left to the interpreter, which complains. There is none where none could be had.
        if made := getattr(self, "_socket", None):
            made.close()


def answers(question: bytes, reply: bytes) -> bool:
    """Whether a datagram answers this question: same id, a response, and the same question section.

    A server that repeats no question at all is believed only where it refuses (RFC 5452 section 9.1).
    """
    if len(reply) < 12 or reply[:2] != question[:2] or not reply[2] & 0x80:
        return False
    if reply[4:6] == b"\0\0":
        return reply[3] & 0x0F != 0
    end = len(question) if question[10:12] == b"\0\0" else len(question) - OPTIONS
    kind = end - 4
    return (
        reply[4:6] == b"\0\1"
        and reply[12:kind].lower() == question[12:kind].lower()
        and reply[kind:end] == question[kind:end]
    )
