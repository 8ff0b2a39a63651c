"""One try to negotiate anew: only a second handshake that was completed counts, and only an alert is a refusal."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import anyio
import pytest
from tls_kit import MODERN, TLS_12, survey
from tls_peers import HOST, PEM, run

from diag.facts.tls_survey import Known
from diag.gather.renegotiation import read, renegotiation
from diag.lab.live.network import Wire, WireError
from diag.lab.live.talks import talk
from diag.lab.live.tls import TlsWire, secure
from diag.model.knowing import Cite
from diag.model.target import Depth
from diag.probes.renegotiation import TlsRenegotiation
from diag.probes.talks import Pop3Talk
from diag.sandbox.pipe import pair
from diag.sandbox.tls_script import tls_script
from diag.sandbox.tls_server import TlsServer
from diag.tls.handshake import AfterHandshake, TlsEnd, TlsFailure
from diag.tls.hello import Hello
from diag.wire.transcript import (
    Closed,
    Ending,
    Event,
    Opened,
    Outcome,
    Renegotiated,
    Transcript,
    render_event,
)

PROBE = TlsRenegotiation("192.0.2.1", 993, HOST, "imap", "implicit", "")
Peer = Callable[[Wire], Awaitable[None]]


async def closed(wire: Wire) -> None:
    with anyio.CancelScope(shield=True):
        await wire.close()


def asked(server: TlsServer, after: Peer) -> tuple[Outcome, str]:
    async def serve(wire: Wire) -> None:
        try:
            await after(await server.accept(wire))
        except WireError:
            return
        finally:
            await closed(wire)

    async def main() -> tuple[Outcome, str]:
        ours, theirs = pair()
        async with anyio.create_task_group() as group:
            group.start_soon(serve, theirs)
            met = await secure(ours, HOST, within=10, hello=Hello.CLASSICAL, renegotiates=True)
            assert not isinstance(met, TlsFailure), met
            wire, made = met
            assert isinstance(wire, TlsWire)
            assert made.version == "TLSv1.2"
            try:
                outcome = await wire.renegotiate()
            except WireError as error:  # the conversation takes it so, too
                outcome = (Outcome.UNKNOWN, error.detail)
            if outcome[0] is Outcome.DONE:
                await wire.write(b"hello")
                assert await wire.read(10) == b"HELLO"
            await wire.close()
            group.cancel_scope.cancel()
        return outcome

    return run(main)


async def echo(wire: Wire) -> None:
    while octets := await wire.read(100):
        await wire.write(octets.upper())


async def hang_up(wire: Wire) -> None:
    await wire.close()


def test_a_server_that_lets_clients_goes_on_with_the_new_keys() -> None:
    assert asked(TlsServer(PEM, renegotiates=True), echo) == (Outcome.DONE, "")


def test_an_alert_is_a_refusal() -> None:
    outcome, detail = asked(TlsServer(PEM), echo)
    assert (outcome, detail) == (Outcome.REFUSED, "no renegotiation")


def test_that_the_server_hangs_up_shows_nothing() -> None:
    assert asked(TlsServer(PEM, renegotiates=True), hang_up)[0] is Outcome.UNKNOWN


def said(*events: Event, how: Ending = Ending.BY_US) -> Transcript:
    return Transcript((Opened(1, "192.0.2.1", 993), *events, Closed(9, how, "")))


@pytest.mark.parametrize(
    ("transcript", "known", "because"),
    [
        (said(Renegotiated(5, Outcome.DONE, "")), Known.YES, ""),
        (said(Renegotiated(5, Outcome.REFUSED, "no renegotiation")), Known.NO, ""),
        (said(Renegotiated(5, Outcome.UNKNOWN, "silence")), Known.UNKNOWN, "it was tried, and silence"),
        (said(how=Ending.BY_PEER), Known.UNKNOWN, "the conversation did not come so far: by-peer"),
    ],
)
def test_what_a_transcript_shows(transcript: Transcript, known: Known, because: str) -> None:
    verdict = read(transcript, lambda event: Cite(PROBE, event))
    assert (verdict.known, verdict.because) == (known, because)
    assert verdict.cites


class Asked:
    """A lab that answers one probe, and counts."""

    def __init__(self) -> None:
        self.times = 0

    async def run(self, probe: object) -> Transcript:
        assert probe == PROBE
        self.times += 1
        return said(Renegotiated(5, Outcome.DONE, ""))


SUITES = ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]


@pytest.mark.parametrize(
    ("versions", "left", "times", "known"),
    [
        (["TLSv1.2", "TLSv1.3"], "", 1, Known.YES),
        (["TLSv1.3"], "", 0, Known.NO),
        (["TLSv1.2", "TLSv1.3"], "we were turned away", 0, Known.UNKNOWN),
    ],
)
def test_it_is_tried_where_it_could_be_and_nobody_turned_us_away(
    versions: list[str], left: str, times: int, known: Known
) -> None:
    made = MODERN if "TLSv1.3" in versions else TLS_12
    seen = survey(tls_script({"suites": SUITES, "versions": versions}), made, depth=Depth.FULL)
    seen = dataclasses.replace(seen, left=left or seen.left)
    lab = Asked()
    verdict = anyio.run(renegotiation, seen, PROBE, lab)
    assert (lab.times, verdict.known) == (times, known)


def test_it_reads_well() -> None:
    assert render_event(Renegotiated(5, Outcome.REFUSED, "no \x1b")).endswith(
        "asked to negotiate TLS anew, and that was refused: no \\x1b"
    )
    assert "-tls1_2" in PROBE.command()


class InMemory:
    """A network of one peer, which speaks POP3 under TLS from the first octet."""

    def __init__(self, leave: Callable[[Wire, Wire], Awaitable[None]]) -> None:
        self._leave = leave
        self.group: anyio.abc.TaskGroup

    async def connect(self, address: str, port: int) -> Wire:
        ours, theirs = pair()
        self.group.start_soon(self._serve, theirs)
        return ours

    async def _serve(self, wire: Wire) -> None:
        try:
            secured = await TlsServer(PEM).accept(wire)
            await secured.write(b"+OK\r\n")
            await secured.read(100)
            await secured.write(b"+OK\r\nUIDL\r\n.\r\n")
            await secured.read(100)
            await secured.write(b"+OK bye\r\n")
            await self._leave(secured, wire)
        except WireError:
            return
        finally:
            await closed(wire)


async def politely(wire: Wire, below: Wire) -> None:
    await wire.close()


async def rudely(wire: Wire, below: Wire) -> None:
    await below.close()


async def not_at_all(wire: Wire, below: Wire) -> None:
    await anyio.sleep(3600)


async def talking_on(wire: Wire, below: Wire) -> None:
    while True:
        await wire.write(b"one more thing\r\n")


async def torn(wire: Wire, below: Wire) -> None:
    await below.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    await below.close()


@pytest.mark.parametrize(
    ("leave", "end"),
    [
        (politely, TlsEnd.NOTIFIED),
        (rudely, TlsEnd.TRUNCATED),
        (not_at_all, TlsEnd.OPEN),
        (talking_on, TlsEnd.OPEN),
        (torn, TlsEnd.OPEN),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_after_its_goodbye_a_server_closes_first_if_it_does_so_soon(
    leave: Callable[[Wire, Wire], Awaitable[None]], end: TlsEnd
) -> None:
    async def main() -> Transcript:
        network = InMemory(leave)
        async with anyio.create_task_group() as network.group:
            found = await talk(Pop3Talk("192.0.2.1", 995, HOST, "implicit"), network)
            network.group.cancel_scope.cancel()
        return found

    closed = run(main).closed
    assert closed.how is Ending.BY_US
    assert isinstance(closed.tls, AfterHandshake)
    assert closed.tls.end is end
    assert closed.tls.tickets
    assert closed.at_ms <= 1100
