"""Questions over UDP: a port for each that is under way, kept for the next one, as most of its price is its making.

On asyncio itself, as thousands of answers are awaited a minute: anyio's sockets cost several times as much, and
never hear that a port is closed.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from math import inf
from weakref import WeakKeyDictionary

MOST_USES = 32
"""Questions that go out of one port, one after another, before another one is taken (RFC 5452 section 9.2)."""
MOST_IDLE = 128
"""Ports that are kept, of all servers together; the oldest goes first."""
_OF_WHAT_EXISTS = (0, 3)
"""The response codes that say so: NOERROR and NXDOMAIN."""
OPTIONS = 11
"""Octets of the EDNS record at the end of a question of ours, where it has one (RFC 6891 section 6.1.2)."""


class Datagrams:
    """Ports to servers, those of each event loop by themselves."""

    def __init__(self) -> None:
        self._ports: WeakKeyDictionary[asyncio.AbstractEventLoop, _Ports] = WeakKeyDictionary()

    def ask(self, question: bytes, host: str, port: int, within: float) -> asyncio.Future[bytes]:
        """The first datagram from there that answers this question, when it comes.

        Raises OSError; it comes to TimeoutError after `within` seconds, and to OSError where the way is closed.
        """
        loop = asyncio.get_running_loop()
        ports = self._ports.get(loop)
        if ports is None:
            ports = self._ports[loop] = _Ports()
        return ports.ask(question, (host, port), within, loop)


class _Ports:
    """The ports of one event loop. They do not hold it: with the loop, at the end of a run, they go."""

    def __init__(self) -> None:
        self.idle: deque[_Port] = deque()
        self.under_way: set[_Port] = set()
        self._to_send: list[_Port] = []
        self._alarm = inf
        """When we look who has waited too long. A timer for each question would cost more than its sending."""

    def ask(
        self, question: bytes, place: tuple[str, int], within: float, loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[bytes]:
        port = next((kept for kept in self.idle if kept.place == place), None)
        if port is None:
            port = _Port(place, self, loop)
        else:
            self.idle.remove(port)
        answer: asyncio.Future[bytes] = loop.create_future()
        until = loop.time() + within
        port.ask(question, answer, until)
        self.under_way.add(port)
        if until < self._alarm:
            self._alarm = until
            loop.call_at(until, self._look_round, until)
        if not self._to_send:
            # All that is asked in one turn of the loop goes out at once: sent one by one, every question would wake
            # a resolver beside us, which costs more than all else here.
            loop.call_soon(self._send)
        self._to_send.append(port)
        return answer

    def _send(self) -> None:
        ports, self._to_send = self._to_send, []
        for port in ports:
            port.send()

    def _look_round(self, alarm: float) -> None:
        if alarm != self._alarm:
            return  # an earlier one took its place
        loop = asyncio.get_running_loop()
        now = loop.time()
        for port in [port for port in self.under_way if port.until <= now]:
            port.fail(TimeoutError())
        self._alarm = min((port.until for port in self.under_way), default=inf)
        if self._alarm < inf:
            loop.call_at(self._alarm, self._look_round, self._alarm)


class _Port:
    """A socket of a port of its own, with one question at a time under way; between them it lies with the idle.

    Where nobody waits for an answer any more, it is held until that comes or its time is over.
    """

    def __init__(self, place: tuple[str, int], ports: _Ports, loop: asyncio.AbstractEventLoop) -> None:
        self.place = place
        self.until = inf
        self._ports = ports
        self._uses = 0
        self._question = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._socket = socket.socket(
            socket.AF_INET6 if ":" in place[0] else socket.AF_INET, socket.SOCK_DGRAM
        )
        try:
            self._socket.setblocking(False)
            self._socket.connect(place)
            loop.add_reader(self._socket.fileno(), self._heard)
        except BaseException:
            self._socket.close()
            raise

    def ask(self, question: bytes, answer: asyncio.Future[bytes], until: float) -> None:
        """Take on a question; `send` sends it."""
        self._uses += 1
        self._question, self._answer, self.until = question, answer, until

    def send(self) -> None:
        """Send the question."""
        try:
            self._socket.send(self._question)
        except OSError as error:
            self.fail(error)

    def fail(self, error: OSError) -> None:
        """Give up the question, and the port with it: what comes too late finds nobody."""
        answer = self._answer
        self._ended()
        self._close()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _heard(self) -> None:
        try:
            reply = self._socket.recv(65535)
        except BlockingIOError:
            return
        except OSError as error:
            if self._answer is not None:
                self.fail(error)
            return
        answer = self._answer
        if answer is None or not answers(self._question, reply):
            return
        self._ended()
        if self._uses == MOST_USES:
            self._close()
        else:
            if len(self._ports.idle) == MOST_IDLE:
                self._ports.idle.popleft()._close()
            self._ports.idle.append(self)
        if not answer.done():
            answer.set_result(reply)

    def _ended(self) -> None:
        self._ports.under_way.discard(self)
        self._answer = None

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def __del__(self) -> None:
        # A socket should not be left to the interpreter, which complains. There is none where none could be had.
        if made := getattr(self, "_socket", None):
            made.close()


def answers(question: bytes, reply: bytes) -> bool:
    """Whether a datagram answers this question: same id, a response, and the same question section.

    One that repeats no question at all proves nothing (RFC 5452 section 9.1). Where it refuses it is heard all the
    same, as many refuse so; of what exists it is not believed.
    """
    if len(reply) < 12 or reply[:2] != question[:2] or not reply[2] & 0x80:
        return False
    if reply[4:6] == b"\0\0":
        return reply[3] & 0x0F not in _OF_WHAT_EXISTS
    end = len(question) if question[10:12] == b"\0\0" else len(question) - OPTIONS
    asked, repeated = question[12:end], reply[12:end]
    return reply[4:6] == b"\0\1" and (
        repeated == asked or (repeated[:-4].lower(), repeated[-4:]) == (asked[:-4].lower(), asked[-4:])
    )
