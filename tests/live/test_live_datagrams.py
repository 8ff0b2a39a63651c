"""Ports that questions leave from: one question at a time, used again, given up, and never a wrong answer."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from diag.lab.live import datagrams
from diag.lab.live.datagrams import Datagrams, answers

Reply = Callable[[bytes], list[bytes]]


def question(number: int, name: bytes = b"a", kind: int = 1) -> bytes:
    """A question of that id and type, without EDNS."""
    head = number.to_bytes(2) + b"\1\0\0\1\0\0\0\0\0\0"
    return head + bytes([len(name)]) + name + b"\0" + kind.to_bytes(2) + b"\0\1"


def echoed(asked: bytes) -> bytes:
    """The same as an answer."""
    return asked[:2] + bytes([asked[2] | 0x80]) + asked[3:]


class Server(asyncio.DatagramProtocol):
    """Answers as told, and notes from which ports it was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.ports: list[int] = []
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.ports.append(addr[1])
        assert self.transport is not None
        for reply in self.reply(data):
            self.transport.sendto(reply, addr)


def served(reply: Reply, work: Callable[[Datagrams, int, Server], Awaitable[Any]]) -> tuple[Any, Server]:
    """What `work` gives with a server at hand, and the server."""

    async def run() -> tuple[Any, Server]:
        transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Server(reply), local_addr=("127.0.0.1", 0)
        )
        try:
            return await work(Datagrams(), transport.get_extra_info("sockname")[1], server), server
        finally:
            transport.close()

    found = asyncio.run(run())
    gc.collect()  # a socket that was left open would be complained of here
    return found


def test_a_port_is_used_again_and_given_up_in_the_end() -> None:
    async def work(ports: Datagrams, at: int, _: Server) -> None:
        for number in range(datagrams.MOST_USES + 1):
            await ports.ask(question(number), "127.0.0.1", at, 5)

    _, server = served(lambda asked: [echoed(asked)], work)
    assert len(server.ports) == datagrams.MOST_USES + 1
    assert [len(set(server.ports[:-1])), len(set(server.ports))] == [1, 2]


def test_questions_at_the_same_time_leave_from_ports_of_their_own() -> None:
    async def work(ports: Datagrams, at: int, _: Server) -> None:
        await asyncio.gather(*(ports.ask(question(number), "127.0.0.1", at, 5) for number in range(9)))

    _, server = served(lambda asked: [echoed(asked)], work)
    assert len(set(server.ports)) == 9


def test_no_more_ports_than_stated_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagrams, "MOST_IDLE", 3)

    async def work(ports: Datagrams, at: int, server: Server) -> None:
        for _ in range(2):
            await asyncio.gather(*(ports.ask(question(number), "127.0.0.1", at, 5) for number in range(9)))

    _, server = served(lambda asked: [echoed(asked)], work)
    assert len(set(server.ports)) == 9 + 6


def test_silence_ends_in_time_and_what_comes_late_answers_nobody() -> None:
    held: list[bytes] = []

    def late(asked: bytes) -> list[bytes]:
        """The first question is answered with the second one, and before that."""
        held.append(echoed(asked))
        return [] if len(held) == 1 else held

    async def work(ports: Datagrams, at: int, _: Server) -> bytes:
        with pytest.raises(TimeoutError):
            await ports.ask(question(1, b"first"), "127.0.0.1", at, 0.05)
        return await ports.ask(question(2, b"second"), "127.0.0.1", at, 5)

    answer, server = served(late, work)
    assert answer == echoed(question(2, b"second"))
    assert len(set(server.ports)) == 2, "the port of a question that failed is not used again"


def test_a_short_patience_ends_in_time_beside_a_long_one() -> None:
    async def work(ports: Datagrams, at: int, _: Server) -> list[bool]:
        long = ports.ask(question(1), "127.0.0.1", at, 60)
        for number in (2, 3):
            with pytest.raises(TimeoutError):
                await ports.ask(question(number), "127.0.0.1", at, 0.05)
        return [long.done(), long.cancel()]

    assert served(lambda asked: [], work)[0] == [False, True]


def test_the_port_of_a_question_nobody_waits_for_is_free_once_that_is_answered() -> None:
    held: list[bytes] = []

    def late(asked: bytes) -> list[bytes]:
        """The first question is answered together with the second one."""
        held.append(echoed(asked))
        return [] if len(held) == 1 else [held[-1]]

    async def work(ports: Datagrams, at: int, server: Server) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ports.ask(question(1), "127.0.0.1", at, 5)
        await ports.ask(question(2), "127.0.0.1", at, 5)
        assert len(set(server.ports)) == 2
        assert server.transport is not None
        server.transport.sendto(held[0], ("127.0.0.1", server.ports[0]))
        await asyncio.sleep(0.05)
        await asyncio.gather(*(ports.ask(question(n), "127.0.0.1", at, 5) for n in (3, 4)))

    _, server = served(late, work)
    assert len(server.ports) == 4
    assert len(set(server.ports)) == 2


def test_what_answers_another_question_is_passed_over() -> None:
    def reply(asked: bytes) -> list[bytes]:
        return [
            b"",
            b"x",
            echoed(question(9)),
            echoed(question(1, b"b")),
            echoed(question(1, kind=2)),
            echoed(asked),
        ]

    async def work(ports: Datagrams, at: int, _: Server) -> bytes:
        return await ports.ask(question(1), "127.0.0.1", at, 5)

    assert served(reply, work)[0] == echoed(question(1))


def test_a_closed_port_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        at = held.getsockname()[1]

    async def run() -> None:
        with pytest.raises(ConnectionRefusedError):
            await Datagrams().ask(question(1), "127.0.0.1", at, 5)

    asyncio.run(run())


def test_a_run_that_ends_leaves_nothing_open() -> None:
    ports = Datagrams()

    async def work(_: Datagrams, at: int, __: Server) -> None:
        await ports.ask(question(1), "127.0.0.1", at, 5)

    served(lambda asked: [echoed(asked)], work)
    assert not ports._ports, "the ports went with the loop they belonged to"


@pytest.mark.parametrize(
    ("reply", "does"),
    [
        (echoed(question(1)), True),
        (echoed(question(1, b"A")), True),
        (echoed(question(2)), False),
        (question(1), False),
        (echoed(question(1, b"b")), False),
        (echoed(question(1, kind=28)), False),
        (echoed(question(1))[:-1], False),
        (b"\0\1\x80\5" + bytes(8), True),  # refused, and no question repeated
        (b"\0\1\x80\0" + bytes(8), False),
        (b"\0\1\x80\3" + bytes(8), False),  # that there is no such name is not believed so
    ],
)
def test_an_answer_repeats_the_question(reply: bytes, does: bool) -> None:
    assert answers(question(1), reply) is does


def test_types_are_no_letters() -> None:
    assert not answers(question(1, kind=65), echoed(question(1, kind=97))), "65 and 97 are A and a"
