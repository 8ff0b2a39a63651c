"""Every way in which a host can misbehave, and what it is scripted to say."""

import contextlib
import dataclasses
import itertools
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
    quirky,
    run,
    run_jumping,
    until,
    upgraded,
    world,
)

from diag.lab.live.network import Trouble, WireError
from diag.sandbox.hosts import HostSpec
from diag.sandbox.peer import LONGEST_LINE

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


@WAYS
@pytest.mark.parametrize(
    ("quirks", "said"),
    [
        ({"close_on": "GREETING"}, []),
        ({"close_on": "EHLO"}, [b"220"]),
        ({"close_after": "GREETING"}, [b"220"]),
        ({"close_after": "NOOP"}, [b"220", b"250", b"250"]),
    ],
)
def test_a_host_may_close(way: Any, quirks: dict[str, Any], said: list[bytes]) -> None:
    async def test() -> list[bytes]:
        async with way(world(quirky(SMTP, **quirks))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            found = []
            hello = b"EHLO me\r\n" if quirks.get("close_on") == "EHLO" else b"HELO me\r\n"
            with contextlib.suppress(WireError):
                for command in (hello, b"NOOP\r\n", b"NOOP\r\n"):
                    octets = await wire.read(4096)
                    if not octets:
                        break
                    found.append(octets[:3])
                    await wire.write(command)
                else:
                    found += filter(None, [await wire.read(4096)])
            return found

    assert run(test) == said


@WAYS
@pytest.mark.parametrize("verb", ["GREETING", "EHLO"])
def test_a_host_may_reset(way: Any, verb: str) -> None:
    async def test() -> Trouble:
        async with way(world(quirky(SMTP, reset_on=verb))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            if verb == "EHLO":
                await wire.read(4096)
                await wire.write(b"EHLO me\r\n")
            with pytest.raises(WireError) as caught:
                await wire.read(1)
            return caught.value.trouble

    assert run(test) is Trouble.RESET


@WAYS
@pytest.mark.parametrize(
    ("host", "quirks", "start", "again"),
    [
        (SMTP, {"endless_line": "GREETING"}, b"220 mx.a.example ESMTP Postfixxxxxx", b"x"),
        (SMTP, {"endless_reply": "GREETING"}, b"220-again\r\n", b"220-again\r\n"),
        (IMAP, {"endless_reply": "GREETING"}, b"* OK again\r\n", b"* OK again\r\n"),
        (POP3, {"endless_reply": "GREETING"}, b"+OK again\r\n", b"+OK again\r\n"),
    ],
)
def test_a_host_may_never_end(
    way: Any, host: HostSpec, quirks: dict[str, Any], start: bytes, again: bytes
) -> None:
    async def test() -> bytes:
        async with way(world(quirky(host, **quirks))) as (network, _):
            wire = await network.connect(host.address, host.port)
            octets = b""
            while len(octets) < 100_000:
                octets += await wire.read(4096)
            await wire.close()
            return octets

    octets = run(test)
    assert octets.startswith(start)
    assert octets.count(again) > 8_000


@WAYS
def test_an_endless_document(way: Any) -> None:
    async def test() -> int:
        async with way(world(quirky(HTTPS, endless_reply="GET"))) as (network, _):
            wire = await upgraded(await network.connect(HTTPS.address, 443), HTTPS.name)
            await wire.write(b"GET /a HTTP/1.1\r\nHost: web.a.example\r\n\r\n")
            size = 0
            while size < 100_000:
                size += len(await wire.read(65536))
            await wire.close()
            return size

    assert run(test) >= 100_000


@WAYS
def test_the_longest_fitting_reply_wins_and_under_tls_its_own(way: Any) -> None:
    host = dataclasses.replace(
        SMTP,
        replies={"MAIL": ("250 any",), "MAIL FROM:<>": ("550 null",)},
        replies_tls={"MAIL FROM": ("451 later",)},
        greeting=("220-one \x1b[31m", "220 two <b>é"),
    )

    async def test() -> list[bytes]:
        async with way(world(host)) as (network, _):
            wire = await network.connect(host.address, 25)
            said = await dialogue(wire, "EHLO me", "MAIL FROM:<a@b>", "RSET", "MAIL FROM:<>", "STARTTLS")
            wire = await upgraded(wire, host.name)
            for command in ("EHLO me", "MAIL FROM:<>"):
                await wire.write(command.encode() + b"\r\n")
                said.append(await wire.read(65536))
            return said

    said = run(test)
    assert said[0] == "220-one \x1b[31m\r\n220 two <b>é\r\n".encode()
    assert (said[2], said[4], said[-1]) == (b"250 any\r\n", b"550 null\r\n", b"451 later\r\n")


@WAYS
def test_every_second_connection_may_meet_another_machine(way: Any) -> None:
    host = dataclasses.replace(SMTP, second=dataclasses.replace(SMTP, greeting=("421 busy",)))

    async def test() -> list[bytes]:
        async with way(world(host, IMAP)) as (network, _):
            ports = (25, 143, 25, 25, 25)
            return [await until(await network.connect(SMTP.address, port), b"\r\n") for port in ports]

    said = run(test)
    assert [octets[:3] for octets in said] == [b"220", b"* O", b"421", b"220", b"421"]


def test_lines_may_end_otherwise() -> None:
    async def test() -> bytes:
        async with in_memory(world(quirky(SMTP, line_end="\n"))) as (network, _):
            return await (await network.connect(SMTP.address, 25)).read(4096)

    assert run(test) == b"220 mx.a.example ESMTP Postfix\n"


def test_a_drip_is_an_octet_at_a_time() -> None:
    async def test() -> tuple[list[bytes], float]:
        async with in_memory(world(quirky(SMTP, drip_ms=1000))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            began = anyio.current_time()
            return [await wire.read(4096) for _ in range(10)], anyio.current_time() - began

    octets, took = run_jumping(test)
    assert octets == [bytes((octet,)) for octet in b"220 mx.a.e"]
    assert took == pytest.approx(9)


@pytest.mark.parametrize(
    ("quirks", "seconds"),
    [({"greeting_delay_ms": 30_000}, [30, 0, 0]), ({"delay_ms": 5_000}, [5, 5, 5])],
)
def test_replies_may_be_late(quirks: dict[str, Any], seconds: list[float]) -> None:
    async def test() -> list[float]:
        async with in_memory(world(quirky(SMTP, **quirks))) as (network, _):
            times = [anyio.current_time()]
            wire = await network.connect(SMTP.address, 25)
            for command in (b"EHLO me\r\n", b"NOOP\r\n", b""):
                await wire.read(4096)
                times.append(anyio.current_time())
                await wire.write(command)
            return [late - early for early, late in itertools.pairwise(times)]

    assert run_jumping(test) == pytest.approx(seconds)


@pytest.mark.parametrize("replies", [0, 1, 2])
def test_a_host_may_fall_silent(replies: int) -> None:
    async def test() -> int:
        async with in_memory(world(quirky(SMTP, silent_after=replies))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            heard = 0
            with anyio.move_on_after(3600):
                while await wire.read(4096):
                    heard += 1
                    await wire.write(b"NOOP\r\n")
            return heard

    assert run_jumping(test) == replies


def test_content_and_chunks_are_no_commands() -> None:
    host = dataclasses.replace(SMTP, mailboxes=("*",))

    async def test() -> list[bytes]:
        async with in_memory(world(host)) as (network, _):
            wire = await network.connect(host.address, 25)
            begin = ("EHLO me", "MAIL FROM:<>", "RCPT TO:<x@a.example>")
            said = await dialogue(wire, *begin, "DATA")
            await wire.write(b"QUIT\r\n.\r\n")
            said.append(await wire.read(4096))
            await wire.write(b"MAIL FROM:<>\r\n")
            await wire.read(4096)
            await wire.write(b"RCPT TO:<x@a.example>\r\n")
            await wire.read(4096)
            await wire.write(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
            return [*said, await until(wire, b"Ok\r\n")]

    said = run(test)
    assert said[4].startswith(b"354")
    assert said[5].startswith(b"250 2.0.0 Ok: queued")
    assert said[6] == b"250 2.0.0 Ok: 6 bytes\r\n250 2.0.0 Ok\r\n"


def test_a_line_without_end_is_hung_up_on() -> None:
    async def test() -> int:
        async with in_memory(world(SMTP)) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await until(wire, b"\r\n")
            sent = 0
            with contextlib.suppress(WireError):
                while sent < 10 * LONGEST_LINE:
                    await wire.write(b"x" * 4096)
                    sent += 4096
            return sent

    assert LONGEST_LINE <= run(test) < 10 * LONGEST_LINE
