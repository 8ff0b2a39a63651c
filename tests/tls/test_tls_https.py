"""One HTTP request: what comes back, what cuts it short, and what is never done."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from tls_peers import CA, HOST, PEM, OnePeer, Peer, run

from diag.lab.live.https import get
from diag.lab.live.network import Trouble, Wire
from diag.lab.tape import Tape
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.probe import Probe
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.tls_server import TlsServer
from diag.tls.chain import issuers_of
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

ASK = HttpsGet(HOST, "192.0.2.1", "/.well-known/mta-sts.txt", limit=1000, timeout=10)
PLAIN = replace(ASK, scheme="http", port=80)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


def ask(probe: HttpsGet, peer: Peer, trouble: Trouble | None = None) -> HttpExchange:
    async def main() -> HttpExchange:
        async with anyio.create_task_group() as group:
            network = OnePeer(peer, group, trouble)
            found = await get(probe, network, probe.timeout)
            assert network.asked == [(probe.address, probe.port)]
            group.cancel_scope.cancel()
        return found

    return run(main)


def says(*pieces: bytes, pause: float = 0.0, then_close: bool = True) -> Peer:
    async def peer(wire: Wire) -> None:
        await wire.read(4096)
        for piece in pieces:
            await wire.write(piece)
            await anyio.sleep(pause)
        if not then_close:
            await anyio.sleep(3600)

    return peer


def under_tls(peer: Peer, pem: bytes = PEM) -> Peer:
    async def wrapped(wire: Wire) -> None:
        secured = await TlsServer(pem, alpn=("http/1.1",)).accept(wire)
        await peer(secured)
        await secured.close()

    return wrapped


@pytest.mark.parametrize("kind", ["valid", "expired", "self_signed"])
def test_a_response_under_tls_whatever_the_certificate(kind: str) -> None:
    credentials = CA.kinds()[kind](HOST)
    found = ask(ASK, under_tls(says(OK), credentials.pem))
    assert (found.status, found.reason, found.body, found.trouble) == (200, "OK", b"hello", "")
    assert found.header("content-TYPE") == "text/plain"
    assert isinstance(found.handshake, Handshake)
    assert found.handshake.chain == credentials.chain
    assert (found.handshake.sni, found.handshake.alpn) == (HOST, "http/1.1")


def test_what_is_asked() -> None:
    heard = bytearray()

    async def peer(wire: Wire) -> None:
        heard.extend(await wire.read(4096))
        await wire.write(OK)

    ask(PLAIN, peer)
    lines = bytes(heard).lower().split(b"\r\n")
    assert lines[0] == b"get /.well-known/mta-sts.txt http/1.1"
    assert b"host: mx.example.org" in lines
    heard.clear()
    ask(replace(PLAIN, port=8080), peer)
    assert b"host: mx.example.org:8080" in bytes(heard).lower()


def test_redirects_are_shown_and_not_followed() -> None:
    head = b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
    found = ask(PLAIN, says(head))
    assert (found.status, found.location, found.trouble) == (301, "https://elsewhere.example/", "")


@pytest.mark.parametrize(
    ("pieces", "status", "body", "trouble", "truncated"),
    [
        ((OK,), 200, b"hello", "", False),
        (tuple(bytes([octet]) for octet in OK), 200, b"hello", "", False),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + OK,), 200, b"hello", "", False),
        (
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",),
            200,
            b"abcde",
            "",
            False,
        ),
        ((b"HTTP/1.0 200 OK\r\n\r\nuntil the end",), 200, b"until the end", "", False),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000,), 200, b"x" * 1000, "", False),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,),
            200,
            b"",  # it said so before: nothing of it is read
            "too-big",
            True,
        ),
        ((b"HTTP/1.1 404 No\r\nContent-Length: 1001\r\n\r\n",), 404, b"", "too-big", True),
        (
            (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1001,),
            200,
            b"x" * 1000,
            "too-big",
            True,
        ),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",), 200, b"hello", "closed", True),
        ((b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",), 404, b"", "", False),
        ((b"220 mx.example.org ESMTP\r\n",), 0, b"", "garbage", False),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40000,), 0, b"", "too-big", False),
        ((), 0, b"", "closed", False),
        ((b"HTTP/1.1 200",), 0, b"", "closed", False),
    ],
)
def test_responses(
    pieces: tuple[bytes, ...], status: int, body: bytes, trouble: str, truncated: bool
) -> None:
    found = ask(PLAIN, says(*pieces))
    assert (found.status, found.body, found.trouble, found.truncated) == (status, body, trouble, truncated)
    assert found.handshake is None


def test_a_server_that_drips_ends_at_the_limit_of_time() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    found = ask(PLAIN, says(head, *[b"x"] * 500, pause=1.0))
    assert (found.status, found.trouble, found.truncated) == (200, "timed-out", True)
    assert set(found.body) == {ord("x")}
    assert len(found.body) < 12


def test_chunks_without_end_stop_at_the_limit_of_octets() -> None:
    async def peer(wire: Wire) -> None:
        await wire.read(4096)
        await wire.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.write(b"1;" + b"e" * 5000 + b"\r\nx\r\n")

    found = ask(PLAIN, peer)
    assert (found.trouble, found.truncated) == ("too-big", True)


@pytest.mark.parametrize("probe", [ASK, PLAIN])
def test_silence(probe: HttpsGet) -> None:
    found = ask(probe, says(then_close=False))
    assert (found.status, found.trouble) == (0, "timed-out")
    if probe.scheme == "https":
        assert isinstance(found.handshake, TlsFailure)
        assert found.handshake.reason is TlsTrouble.TIMED_OUT


def test_no_answer_to_the_connection() -> None:
    class Nobody:
        async def connect(self, address: str, port: int) -> Wire:
            await anyio.sleep(3600)
            raise AssertionError

    async def main() -> HttpExchange:
        return await get(ASK, Nobody(), 5)

    found = run(main)
    assert (found.trouble, found.handshake, found.took_ms) == ("timed-out", None, 5000)


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.UNREACHABLE])
def test_no_connection(trouble: Trouble) -> None:
    assert ask(ASK, says(), trouble).trouble == trouble.value


def test_text_where_tls_should_be() -> None:
    found = ask(ASK, says(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert found.trouble == "tls"
    assert isinstance(found.handshake, TlsFailure)
    assert found.handshake.octets == b"HTTP/1.1 400 Bad Request\r\n\r\n"


def test_a_path_that_cannot_be_asked_is_no_exception() -> None:
    assert ask(replace(PLAIN, path="/a b\r\nX: y"), says(OK)).trouble == "failed"
    assert ask(replace(PLAIN, path="/é"), says(OK)).trouble == "failed"


def test_the_command_resolves_nothing() -> None:
    assert ASK.command() == (
        "curl --include --resolve mx.example.org:443:192.0.2.1 https://mx.example.org/.well-known/mta-sts.txt"
    )
    six = replace(PLAIN, address="2001:db8::1", port=8080, path="/?a=b&c")
    assert "--resolve 'mx.example.org:8080:[2001:db8::1]'" in six.command()
    assert six.command().endswith("'http://mx.example.org:8080/?a=b&c'")


def test_an_exchange_survives_the_tape(tmp_path: Path) -> None:
    good = ask(ASK, under_tls(says(OK)))
    failed = ask(replace(ASK, port=8443), says(b"no\r\n"))
    plain = ask(PLAIN, says(OK))
    anchors = TrustAnchors(issuers_of(CA.valid(HOST).chain))
    exchanges: dict[Probe[Any], object] = {
        ASK: good,
        replace(ASK, port=8443): failed,
        PLAIN: plain,
        anchors: Anchors("somewhere", 1, (CA.root,)),
    }
    Tape(exchanges, {}).save(tmp_path / "tape")
    kinds: dict[str, type[Probe[Any]]] = {"https": HttpsGet, "trust-anchors": TrustAnchors}
    assert Tape.load(tmp_path / "tape", kinds).exchanges == exchanges
