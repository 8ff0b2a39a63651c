"""TLS handshakes over wires in memory: with our own server, and with peers that misbehave."""

import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from tls_peers import CA, HOST, MOMENT, PEM, run

from diag.lab.live.network import Trouble, Wire, WireError
from diag.lab.live.tls import TlsWire, secure, server_name
from diag.sandbox.authority import DAY
from diag.sandbox.pipe import pair
from diag.sandbox.tls_server import TlsServer
from diag.tls.handshake import FIRST_OCTETS, Handshake, TlsEnd, TlsFailure, TlsTrouble

Peer = Callable[[Wire], Awaitable[None]]


async def meet(
    peer: Peer, *, sni: str = HOST, alpn: tuple[str, ...] = (), use: Peer | None = None
) -> Handshake | TlsFailure:
    """Shake hands with a peer, use the wire, close it."""
    ours, theirs = pair()
    found: Handshake | TlsFailure

    async def serve() -> None:
        try:
            await peer(theirs)
        except WireError:
            return
        finally:
            await theirs.close()

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        answer = await secure(ours, sni, within=10, alpn=alpn)
        if isinstance(answer, TlsFailure):
            await ours.close()
            found = answer
        else:
            wire, found = answer
            if use is not None:
                await use(wire)
            await wire.close()
        group.cancel_scope.cancel()
    return found


def echo(server: TlsServer) -> Peer:
    async def peer(wire: Wire) -> None:
        secured = await server.accept(wire)
        while octets := await secured.read(4096):
            await secured.write(octets)
        await secured.close()

    return peer


def made(found: Handshake | TlsFailure) -> Handshake:
    assert isinstance(found, Handshake), found
    return found


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
def test_every_version_is_seen(version: str) -> None:
    async def main() -> Handshake | TlsFailure:
        return await meet(echo(TlsServer(PEM, newest=version)))

    found = made(run(main))
    assert found.version == version
    assert found.cipher
    assert found.sni == HOST
    assert found.group


@pytest.mark.parametrize("kind", sorted(CA.kinds()))
def test_every_chain_is_recorded_as_sent_and_never_refused(kind: str) -> None:
    credentials = CA.kinds()[kind](HOST)

    async def main() -> Handshake | TlsFailure:
        return await meet(echo(TlsServer(credentials.pem)))

    assert made(run(main)).chain == credentials.chain


@pytest.mark.parametrize(
    ("known", "chosen"),
    [(("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "http/1.1"), (("imap",), ""), ((), "")],
)
def test_alpn(known: tuple[str, ...], chosen: str) -> None:
    async def main() -> Handshake | TlsFailure:
        return await meet(echo(TlsServer(PEM, alpn=known)), alpn=("http/1.1",))

    assert made(run(main)).alpn == chosen


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("mx.example.org", "mx.example.org"),
        ("mx.example.org.", "mx.example.org"),
        ("192.0.2.1", ""),
        ("2001:db8::1", ""),
        ("[2001:db8::1]", ""),
        ("bücher.example", ""),
        ("a" * 300, ""),
        ("", ""),
    ],
)
def test_no_address_is_sent_as_server_name(name: str, sent: str) -> None:
    assert server_name(name) == sent


def test_the_server_chooses_by_name() -> None:
    other = CA.valid("other.example.org")
    server = TlsServer(PEM, by_name={"other.example.org": other.pem})

    async def main(name: str) -> Handshake | TlsFailure:
        return await meet(echo(server), sni=name)

    assert made(run(main, "other.example.org")).chain[0] == other.chain[0]
    assert made(run(main, HOST)).chain[0] != other.chain[0]


def test_octets_go_through_whole() -> None:
    sent = bytes(range(256)) * 400
    heard = bytearray()

    async def use(wire: Wire) -> None:
        async def listen() -> None:
            while len(heard) < len(sent):
                heard.extend(await wire.read(70000))

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await wire.write(sent)

    async def main() -> Handshake | TlsFailure:
        return await meet(echo(TlsServer(PEM)), use=use)

    made(run(main))
    assert bytes(heard) == sent


@pytest.mark.parametrize("polite", [True, False])
def test_the_end_is_told_from_truncation(polite: bool) -> None:
    seen: list[tuple[bytes, TlsEnd]] = []

    async def peer(wire: Wire) -> None:
        secured = await TlsServer(PEM).accept(wire)
        await secured.write(b"bye")
        await (secured if polite else wire).close()

    async def use(wire: Wire) -> None:
        assert isinstance(wire, TlsWire)
        assert await wire.read(10) == b"bye"
        seen.append((await wire.read(10), wire.after.end))

    async def main() -> Handshake | TlsFailure:
        return await meet(peer, use=use)

    made(run(main))
    assert seen == [(b"", TlsEnd.NOTIFIED if polite else TlsEnd.TRUNCATED)]


def test_garbage_under_tls_is_a_wire_error() -> None:
    async def peer(wire: Wire) -> None:
        secured = await TlsServer(PEM).accept(wire)
        await secured.write(b"x")
        await wire.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        await anyio.sleep(60)

    async def use(wire: Wire) -> None:
        assert await wire.read(10) == b"x"
        with pytest.raises(WireError) as caught:
            await wire.read(10)
        assert caught.value.trouble is Trouble.FAILED

    async def main() -> Handshake | TlsFailure:
        return await meet(peer, use=use)

    made(run(main))


def alert(description: int) -> Peer:
    async def peer(wire: Wire) -> None:
        await wire.read(4096)
        await wire.write(bytes([0x15, 3, 3, 0, 2, 2, description]))
        await wire.close()

    return peer


async def closes(wire: Wire) -> None:
    await wire.read(4096)
    await wire.close()


async def says_nothing(wire: Wire) -> None:
    await wire.read(4096)
    await anyio.sleep(3600)


async def speaks_smtp(wire: Wire) -> None:
    await wire.write(b"220 mx.example.org ESMTP\r\n")
    await wire.close()


async def dribbles_smtp(wire: Wire) -> None:
    for octet in b"500 5.5.1 what?\r\nand more":
        await wire.write(bytes([octet]))
        await anyio.sleep(0.01)
    await anyio.sleep(3600)


async def pours_text(wire: Wire) -> None:
    while True:
        await wire.write(b"A" * 1000)


async def dribbles_records(wire: Wire) -> None:
    """A handshake record that never ends."""
    await wire.write(b"\x16\x03\x03\x40\x00\x02")
    while True:
        await anyio.sleep(1)
        await wire.write(b"\0")


async def claims_too_much(wire: Wire) -> None:
    """A record longer than records may be."""
    await wire.write(b"\x16\x03\x03\xff\xff" + bytes(20000))
    await anyio.sleep(3600)


async def half_a_hello(wire: Wire) -> None:
    await wire.read(4096)
    await wire.write(b"\x16\x03\x03\x00\x50\x02")
    await wire.close()


@pytest.mark.parametrize(
    ("peer", "reason", "alert_name", "octets"),
    [
        (alert(40), TlsTrouble.ALERT, "handshake_failure", b""),
        (alert(70), TlsTrouble.ALERT, "protocol_version", b""),
        (alert(112), TlsTrouble.ALERT, "unrecognized_name", b""),
        (alert(80), TlsTrouble.ALERT, "internal_error", b""),
        (closes, TlsTrouble.CLOSED, "", b""),
        (half_a_hello, TlsTrouble.CLOSED, "", b""),
        (says_nothing, TlsTrouble.TIMED_OUT, "", b""),
        (dribbles_records, TlsTrouble.TIMED_OUT, "", b""),
        (speaks_smtp, TlsTrouble.NOT_TLS, "", b"220 mx.example.org ESMTP\r\n"),
        (dribbles_smtp, TlsTrouble.NOT_TLS, "", b"500 5.5.1 what?\r\n"),
        (pours_text, TlsTrouble.NOT_TLS, "", b"A" * FIRST_OCTETS),
        (claims_too_much, TlsTrouble.PROTOCOL, "", b""),
    ],
)
def test_failures_are_told_apart(peer: Peer, reason: TlsTrouble, alert_name: str, octets: bytes) -> None:
    async def main() -> Handshake | TlsFailure:
        return await meet(peer)

    found = run(main)
    assert isinstance(found, TlsFailure)
    assert (found.reason, found.alert, found.octets) == (reason, alert_name, octets)


def test_a_reset() -> None:
    class Broken:
        async def read(self, most: int) -> bytes:
            raise WireError(Trouble.RESET, "connection reset by peer")

        async def write(self, octets: bytes) -> None:
            return

        async def close(self) -> None:
            return

    async def main() -> object:
        return await secure(Broken(), HOST, within=1)

    found = run(main)
    assert isinstance(found, TlsFailure)
    assert found.reason is TlsTrouble.RESET
    assert "connection reset by peer" in found.detail


def test_no_version_in_common_is_an_alert_of_the_servers() -> None:
    async def old_client(wire: Wire) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        await wire.write(outgoing.read())
        incoming.write(await wire.read(4096))
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            client.do_handshake()

    async def main() -> None:
        ours, theirs = pair()
        async with anyio.create_task_group() as group:
            group.start_soon(old_client, ours)
            with pytest.raises(WireError):
                await TlsServer(PEM, oldest="TLSv1.3").accept(theirs)
        await ours.close()
        await theirs.close()

    run(main)


def test_loading_the_module_does_not_load_openssl() -> None:
    code = (
        "import sys, diag.lab.live.tls, diag.lab.live.https\n"
        "sys.exit('OpenSSL' in sys.modules or 'h11' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_staple_is_kept(version: str) -> None:
    credentials = CA.valid(HOST)
    leaf, issuer = (x509.load_der_x509_certificate(der) for der in credentials.chain)
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf,
            issuer=issuer,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=MOMENT,
            next_update=MOMENT + DAY,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        .sign(CA.intermediate_key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )

    async def main(staple: bytes) -> Handshake | TlsFailure:
        return await meet(echo(TlsServer(credentials.pem, newest=version, staple=staple)))

    assert made(run(main, response)).staple == response
    assert made(run(main, b"")).staple == b""
