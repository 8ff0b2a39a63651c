"""Hosts and TLS: what is said around the handshake, and handshakes that fail."""

import dataclasses
from typing import Any

import pytest
from played_worlds import IMAP, SMTP, WAYS, dialogue, quirky, run, until, upgraded, world

from diag.lab.live.tls import secure
from diag.sandbox.hosts import Handshake, Tls
from diag.tls.handshake import Handshake as Recorded, TlsFailure, TlsTrouble

pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")


@WAYS
def test_clear_text_may_be_injected_before_the_handshake(way: Any) -> None:
    async def test() -> bytes:
        async with way(world(quirky(SMTP, inject="250 evil\r\n"))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            return (await dialogue(wire, "EHLO me", "STARTTLS"))[-1]

    assert run(test) == b"220 2.0.0 Ready to start TLS\r\n250 evil\r\n"


@WAYS
@pytest.mark.parametrize(("keeps", "verbs"), [(True, ["STARTTLS", "NOOP"]), (False, ["STARTTLS", "QUIT"])])
def test_only_a_broken_host_obeys_after_tls_what_came_before(way: Any, keeps: bool, verbs: list[str]) -> None:
    async def test() -> tuple[bytes, list[str]]:
        async with way(world(quirky(SMTP, keeps_clear_text=keeps))) as (network, hearing):
            wire = await network.connect(SMTP.address, 25)
            await until(wire, b"\r\n")
            await wire.write(b"STARTTLS\r\nNOOP\r\n")
            await until(wire, b"TLS\r\n")
            wire = await upgraded(wire, SMTP.name)
            if not keeps:
                await wire.write(b"QUIT\r\n")
            reply = await until(wire, b"\r\n")
            await wire.close()
            return reply, hearing[0].verbs

    assert run(test) == (b"250 2.0.0 Ok\r\n" if keeps else b"221 2.0.0 Bye\r\n", verbs)


@WAYS
@pytest.mark.parametrize(
    ("how", "trouble"),
    [
        (Handshake.CLOSE, TlsTrouble.CLOSED),
        (Handshake.RESET, TlsTrouble.RESET),
        (Handshake.PLAIN, TlsTrouble.NOT_TLS),
        (Handshake.STALL, TlsTrouble.TIMED_OUT),
    ],
)
def test_a_handshake_may_fail(way: Any, how: Handshake, trouble: TlsTrouble) -> None:
    async def test() -> TlsTrouble:
        async with way(world(quirky(SMTP, handshake=how))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            failure = await secure(wire, SMTP.name, within=0.2 if how is Handshake.STALL else 10)
            assert isinstance(failure, TlsFailure)
            return failure.reason

    assert run(test) is trouble


@WAYS
def test_a_handshake_may_end_in_an_alert(way: Any) -> None:
    async def test() -> str:
        async with way(world(quirky(SMTP, handshake=Handshake.ALERT))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            failure = await secure(wire, SMTP.name, within=10)
            assert isinstance(failure, TlsFailure)
            return failure.detail

    assert "alert handshake failure" in run(test)


@WAYS
def test_the_newest_version_may_be_bounded(way: Any) -> None:
    async def test() -> Recorded:
        async with way(world(dataclasses.replace(SMTP, max_version="TLSv1.2"))) as (network, _):
            wire = await network.connect(SMTP.address, 25)
            await dialogue(wire, "EHLO me", "STARTTLS")
            done = await secure(wire, SMTP.name, within=10)
            assert not isinstance(done, TlsFailure)
            return done[1]

    assert run(test).version == "TLSv1.2"


@WAYS
def test_a_port_of_implicit_tls_may_talk_plain_text_and_the_reverse(way: Any) -> None:
    plain = dataclasses.replace(IMAP, port=993, tls=Tls.NONE)
    early = dataclasses.replace(SMTP, tls=Tls.IMPLICIT)

    async def test() -> tuple[bytes, bytes]:
        async with way(world(plain, early)) as (network, _):
            wire = await network.connect(plain.address, 993)
            first = await until(wire, b"\r\n")
            wire = await upgraded(await network.connect(early.address, 25), early.name)
            return first, await until(wire, b"\r\n")

    first, second = run(test)
    assert first.startswith(b"* OK ")
    assert second == b"220 mx.a.example ESMTP Postfix\r\n"
