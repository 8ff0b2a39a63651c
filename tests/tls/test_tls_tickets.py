"""Session tickets are read from the records of a server: in clear before TLS 1.3, by its secret since."""

from __future__ import annotations

import os

import anyio
import pytest
from hypothesis import given, settings, strategies as st
from tls_peers import HOST, PEM, run

from diag.lab.live.network import Wire
from diag.lab.live.tls import TlsWire, secure
from diag.sandbox.pipe import pair
from diag.sandbox.tls_server import TlsServer
from diag.tls.handshake import AfterHandshake, Ticket, TlsEnd, TlsFailure
from diag.tls.tickets import MOST_TICKETS, RecordKeys, TicketReader, read_ticket

DAY = 86_400


def vector(octets: int, content: bytes) -> bytes:
    return len(content).to_bytes(octets) + content


def record(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + b"\x03\x03" + vector(2, content)


def hello(suite: int) -> bytes:
    return b"\x02" + vector(3, b"\x03\x03" + bytes(32) + b"\0" + suite.to_bytes(2) + b"\0")


def ticket(lifetime: int, held: bytes = b"sealed", more: bytes = b"") -> bytes:
    return b"\x04" + vector(3, lifetime.to_bytes(4) + more + vector(2, held))


def ticket13(lifetime: int, extensions: bytes = b"", held: bytes = b"sealed") -> bytes:
    return b"\x04" + vector(
        3, lifetime.to_bytes(4) + bytes(4) + b"\x01\x07" + vector(2, held) + vector(2, extensions)
    )


def early(octets: int) -> bytes:
    return b"\0\x2a" + vector(2, octets.to_bytes(4))


CERTIFICATE = b"\x0b" + vector(3, bytes(300))
CHANGE, FINISHED = record(20, b"\x01"), record(22, bytes(40))

IN_CLEAR: dict[str, tuple[list[bytes], tuple[Ticket, ...] | None]] = {
    "one": ([hello(0xC02F), CERTIFICATE, ticket(7200)], (Ticket(7200),)),
    "for a month": ([hello(0xC02F), ticket(30 * DAY)], (Ticket(30 * DAY),)),
    "for a time that it does not say": ([hello(0xC02F), ticket(0)], (Ticket(0),)),
    "an empty one is none": ([hello(0xC02F), ticket(7200, b"")], ()),
    "none": ([hello(0xC02F), CERTIFICATE], ()),
    "a broken one": ([hello(0xC02F), b"\x04" + vector(3, b"\0\0")], ()),
    "after a message that is too large to hold one": (
        [hello(0xC02F), b"\x0b" + vector(3, bytes(1 << 18)), ticket(60)],
        (Ticket(60),),
    ),
}


@pytest.mark.parametrize("name", IN_CLEAR)
@pytest.mark.parametrize("most", [1 << 14, 7], ids=["large records", "small records"])
def test_before_tls_13_tickets_come_in_clear(name: str, most: int) -> None:
    messages, expected = IN_CLEAR[name]
    flight = b"".join(messages)
    sent = b"".join(record(22, flight[at : at + most]) for at in range(0, len(flight), most))
    for size in (len(sent) + 99, 1000, 5):
        octets, reader = sent + CHANGE + FINISHED, TicketReader()
        assert reader.tickets is None
        for at in range(0, len(octets), size):
            reader.feed(octets[at : at + size])
        assert reader.tickets == expected


def test_what_breaks_off_before_the_keys_change_leaves_open_whether_there_are_tickets() -> None:
    reader = TicketReader()
    reader.feed(record(22, hello(0xC02F) + ticket(7200)))
    assert reader.tickets is None


class Server:
    """Records of TLS 1.3 under keys of its own."""

    def __init__(self, suite: int) -> None:
        self.suite = suite
        self.secret = bytes(range(48 if suite == 0x1302 else 32))
        self.keys = RecordKeys(suite, self.secret)
        self.number = 0

    def sealed(self, kind: int, content: bytes, padding: int = 0) -> bytes:
        inner = content + bytes((kind,)) + bytes(padding)
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        self.number += 1
        return header + self.keys.cipher.encrypt(self.keys.nonce(self.number - 1), inner, header)


UNDER_KEYS: dict[str, tuple[list[tuple[int, bytes]], tuple[Ticket, ...] | None]] = {
    "two": ([(22, ticket13(7200)), (22, ticket13(7200)), (23, b"220")], (Ticket(7200), Ticket(7200))),
    "two in one record": ([(22, ticket13(1) + ticket13(2)), (23, b"220")], (Ticket(1), Ticket(2))),
    "one in two records": ([(22, ticket13(9)[:6]), (22, ticket13(9)[6:]), (23, b"2")], (Ticket(9),)),
    "early data": ([(22, ticket13(7200, early(16384))), (23, b"220")], (Ticket(7200, 16384),)),
    "no octets of early data": ([(22, ticket13(7200, early(0))), (23, b"220")], (Ticket(7200),)),
    "another extension": ([(22, ticket13(7200, b"\xfa\xfa\0\0")), (23, b"220")], (Ticket(7200),)),
    "none": ([(23, b"220")], ()),
    "none before the end": ([(22, ticket13(7200)), (21, b"\x01\0")], None),
    "nothing": ([], None),
    "one after the first word": ([(23, b"220"), (22, ticket13(99))], ()),
    "more than anybody needs": ([(22, ticket13(1) * 99), (23, b"220")], (Ticket(1),) * MOST_TICKETS),
}


@pytest.mark.parametrize("name", UNDER_KEYS)
@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
@pytest.mark.parametrize("size", [1 << 16, 3])
def test_since_tls_13_tickets_come_in_records_that_the_server_s_secret_opens(
    name: str, suite: int, size: int
) -> None:
    said, expected = UNDER_KEYS[name]
    server, other = Server(suite), Server(suite)
    other.keys = RecordKeys(suite, bytes(48))
    handshake = b"".join(other.sealed(22, bytes(200)) for _ in range(3))
    before = record(22, hello(suite)) + CHANGE + handshake
    after = b"".join(server.sealed(kind, content, padding=5) for kind, content in said)
    for known in (len(before), len(before + after)):
        octets, reader = before + after, TicketReader()
        for at in range(0, len(octets), size):
            if at >= known > at - size:
                reader.secret(server.secret)
            reader.feed(octets[at : at + size])
        if size > len(octets) or known == len(octets):
            reader.secret(server.secret)
        assert reader.tickets == expected


def test_records_that_the_keys_do_not_open_leave_open_whether_there_are_tickets() -> None:
    reader, server = TicketReader(), Server(0x1301)
    reader.feed(record(22, hello(0x1301)))
    reader.secret(bytes(32))
    reader.feed(server.sealed(22, ticket13(99)) + server.sealed(23, b"220"))
    assert reader.tickets is None


def test_a_suite_that_nobody_offered_leaves_it_open() -> None:
    reader = TicketReader()
    reader.feed(record(22, hello(0x1304)))
    reader.secret(bytes(32))
    reader.feed(record(23, bytes(40)))
    assert reader.tickets is None


def test_of_records_that_come_before_the_secret_the_last_are_kept() -> None:
    reader, server = TicketReader(), Server(0x1301)
    reader.feed(record(22, hello(0x1301)))
    for _ in range(20_000):
        reader.feed(record(23, bytes(20)))
    reader.feed(record(23, bytes(1 << 15)) + server.sealed(22, ticket13(99)) + server.sealed(23, b"220"))
    reader.secret(server.secret)
    assert reader.tickets == (Ticket(99),)


@given(st.lists(st.binary(max_size=200), max_size=6), st.binary(max_size=64), st.integers(0, 6))
@settings(max_examples=100, deadline=None)
def test_nothing_raises(pieces: list[bytes], secret: bytes, told: int) -> None:
    reader = TicketReader()
    reader.feed(record(22, hello(0x1301)))
    for number, piece in enumerate(pieces):
        if number == told:
            reader.secret(secret)
        reader.feed(piece)
    assert reader.tickets is None or isinstance(reader.tickets, tuple)
    assert all(isinstance(each, Ticket) for each in read_ticket(secret, tls13=True))


@pytest.mark.parametrize(
    ("version", "lifetime", "octets", "expected"),
    [
        ("TLSv1.3", 0, 0, (Ticket(7200), Ticket(7200))),
        ("TLSv1.3", 60 * DAY, 4096, (Ticket(60 * DAY, 4096),) * 2),
        ("TLSv1.2", 0, 0, (Ticket(7200),)),
        ("TLSv1.2", 60 * DAY, 0, (Ticket(60 * DAY),)),
        ("TLSv1", 60 * DAY, 0, (Ticket(60 * DAY),)),
    ],
)
def test_openssl_and_the_reader_agree(
    version: str, lifetime: int, octets: int, expected: tuple[Ticket, ...]
) -> None:
    """What the sandbox seals anew is opened by OpenSSL, too, or the conversation would break."""
    server = TlsServer(PEM, newest=version, ticket_lifetime=lifetime, early_data=octets)

    async def main() -> AfterHandshake:
        ours, theirs = pair()
        async with anyio.create_task_group() as group:
            group.start_soon(echo, server, theirs)
            met = await secure(ours, HOST, within=10)
            assert not isinstance(met, TlsFailure), met
            wire, _ = met
            assert isinstance(wire, TlsWire)
            await wire.write(b"hello")
            assert await wire.read(10) == b"hello"
            assert await wire.read(10) == b""
            await wire.close()
        return wire.after

    assert run(main) == AfterHandshake(TlsEnd.NOTIFIED, expected)


async def echo(server: TlsServer, wire: Wire) -> None:
    secured = await server.accept(wire)
    await secured.write(await secured.read(10))
    await secured.close()


def test_the_reader_keeps_no_secret_once_the_application_speaks() -> None:
    reader, server = TicketReader(), Server(0x1301)
    server.secret = os.urandom(32)
    server.keys = RecordKeys(0x1301, server.secret)
    reader.feed(record(22, hello(0x1301)))
    reader.secret(server.secret)
    reader.feed(server.sealed(23, b"220"))
    assert server.secret not in (value for value in vars(reader).values() if isinstance(value, bytes))
    assert vars(reader)["_keys"] is None
