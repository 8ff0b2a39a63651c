"""Worlds played in memory and on sockets: the same octets, documents and refusals."""

import dataclasses
from typing import Any

import anyio
import pytest
from played_worlds import (
    HTTPS,
    IMAP,
    POP3,
    SMTP,
    WAYS,
    dialogue,
    in_memory,
    on_sockets,
    rest,
    run,
    upgraded,
    world,
)

from diag.lab.live.network import Trouble, WireError
from diag.sandbox.hosts import HostSpec, State
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.peer import Heard

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


CONVERSATIONS = [
    (
        SMTP,
        ("EHLO me", "STARTTLS"),
        ("EHLO me", "MAIL FROM:<>", "RCPT TO:<postmaster@a.example>", "RSET", "QUIT"),
    ),
    (IMAP, ("a CAPABILITY", "b STARTTLS"), ("c CAPABILITY", "d ID NIL", "e LOGOUT")),
    (POP3, ("CAPA", "STLS"), ("CAPA", "QUIT")),
]


@pytest.mark.parametrize(("host", "clear", "under"), CONVERSATIONS)
def test_both_ways_give_the_same_octets(
    host: HostSpec, clear: tuple[str, ...], under: tuple[str, ...]
) -> None:
    async def heard(way: Any) -> tuple[list[bytes], list[Heard]]:
        async with way(world(host)) as (network, hearing):
            wire = await network.connect(host.address, host.port)
            said = await dialogue(wire, *clear)
            wire = await upgraded(wire, host.name)
            for command in under:
                await wire.write(command.encode() + b"\r\n")
                said.append(await wire.read(65536))
            assert await rest(wire) == b""
            await wire.close()
            return said, hearing

    memory, sockets = run(lambda: heard(in_memory)), run(lambda: heard(on_sockets))
    assert memory == sockets
    (said,) = memory[1]
    assert said.lines == [command.encode() for command in (*clear, *under)]
    assert said.in_clear == len(clear)
    assert said.verbs == [command.split()[0].upper() for command in (*clear, *under)]
    assert all(octets.endswith(b"\r\n") for octets in memory[0])


@WAYS
@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        ("GET /a", b"200 OK", b"text\n"),
        ("GET /b", b"301 Moved", b""),
        ("HEAD /a", b"200", b""),
        ("GET /c", b"404", b"Not found\n"),
    ],
)
def test_documents_are_served(way: Any, request_line: str, status: bytes, body: bytes) -> None:
    async def test() -> bytes:
        async with way(world(HTTPS)) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(f"{request_line} HTTP/1.1\r\nHost: web.a.example\r\n\r\n".encode())
            return await rest(wire)

    head, _, found = run(test).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert found == body
    assert (b"Location: /a" in head) == ("/b" in request_line)


@WAYS
def test_what_is_no_request_is_refused(way: Any) -> None:
    async def test() -> bytes:
        async with way(world(HTTPS)) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(b"EHLO me\r\n\r\n")
            return await rest(wire)

    assert run(test).startswith(b"HTTP/1.1 400 ")


@WAYS
@pytest.mark.parametrize(
    ("state", "trouble"), [(State.REFUSED, Trouble.REFUSED), (State.UNREACHABLE, Trouble.UNREACHABLE)]
)
def test_a_connection_that_is_not_to_be_had_says_why(way: Any, state: State, trouble: Trouble) -> None:
    async def test() -> Trouble:
        async with way(world(dataclasses.replace(SMTP, state=state))) as (network, _):
            with pytest.raises(WireError) as caught:
                await network.connect(SMTP.address, 25)
            return caught.value.trouble

    assert run(test) is trouble


@WAYS
def test_a_filtered_connection_never_comes_about(way: Any) -> None:
    async def test() -> bool:
        async with way(world(dataclasses.replace(SMTP, state=State.FILTERED))) as (network, _):
            with anyio.move_on_after(0.1) as scope:
                await network.connect(SMTP.address, 25)
            return scope.cancelled_caught

    assert run(test)


def test_in_memory_other_ports_are_closed_and_other_addresses_unknown() -> None:
    async def test() -> list[Trouble]:
        troubles = []
        async with MemoryNetwork(world(SMTP)) as network:
            for address, port in ((SMTP.address, 24), ("192.0.2.9", 25)):
                with pytest.raises(WireError) as caught:
                    await network.connect(address, port)
                troubles.append(caught.value.trouble)
        return troubles

    assert run(test) == [Trouble.REFUSED, Trouble.UNREACHABLE]
