"""What each ClientHello holds, and that a server which knows its business takes all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from diag.lab.live.tls import secure
from diag.lab.tape import Tape
from diag.probes.hello import ImapHelloTalk, Pop3HelloTalk, SmtpHelloTalk, with_hello
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk, Talk
from diag.run.registry import load
from diag.sandbox import pipe
from diag.sandbox.authority import Authority
from diag.sandbox.tls_server import TlsServer
from diag.tls.handshake import Handshake
from diag.tls.hello import Hello
from diag.wire.transcript import Closed, Ending, Transcript

HOST = "mx1.a-rather-long-name-of-a-mail-host.example"
CA = Authority(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
OFFERS_TLS13 = bytes.fromhex("002b")
P256_ALONE = bytes.fromhex("000a000400020017")
"""The extension supported_groups with secp256r1 and nothing else (RFC 8446 section 4.2.7)."""


class Silent:
    """A peer that hears the ClientHello and closes."""

    def __init__(self) -> None:
        self.heard = b""

    async def read(self, most: int) -> bytes:
        return b""

    async def write(self, octets: bytes) -> None:
        self.heard += octets

    async def close(self) -> None:
        return


def sent(hello: Hello) -> bytes:
    wire = Silent()
    anyio.run(lambda: secure(wire, HOST, within=5, hello=hello))
    return wire.heard


def test_the_usual_hello_is_large_and_the_others_fit_a_box_of_512_octets() -> None:
    sizes = {hello: len(sent(hello)) for hello in Hello}
    assert sizes[Hello.USUAL] > 1400
    assert max(sizes[Hello.SMALL], sizes[Hello.CLASSICAL]) < 512


def test_the_small_hello_offers_tls13_and_the_classical_one_does_not() -> None:
    assert OFFERS_TLS13 in sent(Hello.SMALL)
    assert P256_ALONE in sent(Hello.SMALL)
    assert OFFERS_TLS13 not in sent(Hello.CLASSICAL)


@pytest.mark.parametrize(
    ("hello", "version"), [(Hello.USUAL, "TLSv1.3"), (Hello.SMALL, "TLSv1.3"), (Hello.CLASSICAL, "TLSv1.2")]
)
def test_a_sound_server_takes_every_hello(hello: Hello, version: str) -> None:
    served = CA.valid(HOST)
    server = TlsServer(served.pem)

    async def shake() -> object:
        near, far = pipe.pair()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.accept, far)
            made = await secure(near, HOST, within=5, hello=hello)
        await near.close()
        await far.close()
        return made[1] if isinstance(made, tuple) else made

    made = anyio.run(shake)
    assert isinstance(made, Handshake)
    assert made.version == version
    assert made.chain[0] == served.chain[0]


SMTP = SmtpTalk("192.0.2.1", 25, HOST, "me", mail_from="", recipients=("postmaster@a.example",), timeout=9)


@pytest.mark.parametrize(
    ("talk", "kind", "said"),
    [
        (SMTP, SmtpHelloTalk, "-starttls smtp"),
        (ImapTalk("192.0.2.1", 993, HOST, "implicit"), ImapHelloTalk, "-connect 192.0.2.1:993"),
        (Pop3Talk("192.0.2.1", 110, HOST), Pop3HelloTalk, "-starttls pop3"),
    ],
)
def test_a_talk_with_another_hello_is_a_probe_of_its_own_and_goes_on_tape(
    talk: Talk, kind: type[Talk], said: str, tmp_path: Path
) -> None:
    other = with_hello(talk, Hello.SMALL)
    assert type(other) is kind
    assert (other.address, other.port, other.host, other.tls) == (
        talk.address,
        talk.port,
        talk.host,
        talk.tls,
    )
    assert other != with_hello(talk, Hello.CLASSICAL)
    assert other.command().endswith(" -groups P-256")
    assert said in other.command()
    assert with_hello(talk, Hello.CLASSICAL).command().endswith(" -tls1_2")
    path = tmp_path / "a.tape"
    heard = Transcript((Closed(1, Ending.BY_PEER, ""),))
    Tape({other: heard}, {}).save(path)
    assert Tape.load(path, load().probes).exchanges == {other: heard}


def test_no_transaction_is_begun_for_the_sake_of_a_handshake() -> None:
    again = with_hello(SMTP, Hello.CLASSICAL)
    assert (again.mail_from, again.recipients, again.timeout) == (None, (), 9)
