"""Talks that log in: what is said where, what a tape may know of it, and what is left behind."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from diag.lab.live.intrusive import clear_login_talk, collect_talk
from diag.lab.live.live import Means
from diag.lab.live.secrets import LONGEST, BadReference, Secrets, resolve
from diag.lab.tape import Tape
from diag.probes.intrusive import ClearLoginTalk, CollectTalk
from diag.probes.talks import Tls
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.world import World, load
from diag.wire.clear_login import Login, read_clear_login
from diag.wire.collect import read_collection
from diag.wire.login import OTHER_CERTIFICATE, LoginEnd
from diag.wire.transcript import Closed, Ending, Remark, Said, Transcript

HOST = "192.0.2.30"
PASSWORD = 'p"ss w\\rd'
ANNA = "anna@a.example"
OURS = "From: us\r\nMessage-ID: <n1@a.example>\r\n\r\none\r\n.two\r\n"
THEIRS = "From: them\r\nMessage-ID: <private@b.example>\r\n\r\nsecret affairs\r\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "hosts.toml").write_text(
        f'domain = "a.example"\n[[host]]\naddress = "{HOST}"\nport = [143, 993, 587]\nname = "mail.a.example"\n'
        f"logins = {{ \"{ANNA}\" = '{PASSWORD}' }}\n"
    )
    return load(tmp_path)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANNAS", PASSWORD)
    monkeypatch.setenv("WRONG", "not that one")


def leaf(world: World) -> str:
    pem = world.certificates.pem("valid", ("mail.a.example",))
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()


def collect(world: World, port: int = 993, password: str = "env:ANNAS", certificate: str = "") -> CollectTalk:
    tls: Tls = "implicit" if port == 993 else "starttls"
    ids = ("n1@a.example", "n2@a.example")
    return CollectTalk(
        address=HOST,
        port=port,
        host="mail.a.example",
        tls=tls,
        certificate=certificate or leaf(world),
        login=ANNA,
        secret=password,
        message_ids=ids,
        timeout=120.0,
    )


def performed(
    world: World, *probes: Any, boxes: dict[str, list[str]] | None = None
) -> tuple[list[Transcript], MemoryNetwork]:
    performers = {CollectTalk: collect_talk, ClearLoginTalk: clear_login_talk}

    async def run() -> tuple[list[Transcript], MemoryNetwork]:
        async with MemoryNetwork(world) as network:
            for mailbox, texts in (boxes or {}).items():
                for text in texts:
                    network.mail.deliver((mailbox,), text)
            means = Means(network=network)
            return [await performers[type(probe)].function(probe, means) for probe in probes], network

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def octets(transcript: Transcript) -> bytes:
    return b"".join(event.octets for event in transcript.events if isinstance(event, Said))


@pytest.mark.parametrize("port", [993, 143])
def test_what_is_ours_is_read_and_removed_and_the_rest_neither_touched_nor_told(
    world: World, port: int
) -> None:
    both = {ANNA: [THEIRS, OURS]}
    (transcript,), network = performed(world, collect(world, port), boxes=both)
    read = read_collection(transcript, ("n1@a.example", "n2@a.example"))
    assert read.login.end is LoginEnd.TAKEN
    assert read.texts == {"n1@a.example": (b"one", b".two")}, "the second never came"
    assert list(network.mail.of(ANNA).values()) == [THEIRS]
    told = octets(transcript)
    assert b"secret affairs" not in told
    assert b"EXISTS" not in told, "how much mail there is, is nobody's business"
    (login,) = [
        event
        for event in transcript.events
        if isinstance(event, Said) and event.octets.endswith(b" AUTHENTICATE PLAIN [redacted]\r\n")
    ]
    assert login.secure


@pytest.mark.parametrize("capability", ["AUTH=PLAIN", "SASL-IR"])
def test_the_password_goes_over_the_wire_and_on_no_tape(
    world: World, capability: str, tmp_path: Path
) -> None:
    host = world.hosts[HOST, 993]
    object.__setattr__(host, "keywords_tls", ("IMAP4rev1", capability))
    probe = collect(world)
    (transcript,), network = performed(world, probe, boxes={ANNA: [OURS]})
    assert read_collection(transcript, probe.message_ids).login.end is LoginEnd.TAKEN
    Tape({probe: transcript}, {}).save(tmp_path / "t.tape")
    taped = (tmp_path / "t.tape").read_text()
    assert "env:ANNAS" in taped
    for heard in network.heard:
        for line in heard.lines:
            if b"ss w" in line or line.startswith(b"AGFu"):
                break
        else:
            raise AssertionError("the password was not said")
    plain = base64.b64encode(f"\0{ANNA}\0{PASSWORD}".encode()).decode()
    for form in (PASSWORD, PASSWORD.replace("\\", "\\\\").replace('"', '\\"'), plain):
        assert form not in taped
        assert form.replace("\\", "\\\\").replace('"', '\\"') not in taped


def test_under_another_certificate_nothing_is_said(world: World) -> None:
    for port in (993, 143):
        (transcript,), network = performed(world, collect(world, port, certificate="0" * 64))
        assert Remark(0, OTHER_CERTIFICATE).text in [
            event.text for event in transcript.events if isinstance(event, Remark)
        ]
        verbs = [verb for heard in network.heard for verb in heard.verbs]
        assert verbs in ([], ["A1"]), "STARTTLS and no more"
        assert read_collection(transcript, ()).login.end is LoginEnd.UNTRIED


def test_after_one_failed_login_no_password_is_said_any_more(world: World) -> None:
    host = world.hosts[HOST, 587]
    object.__setattr__(host, "keywords", ("AUTH PLAIN",))
    clear = ClearLoginTalk(HOST, 587, "mail.a.example", "me", ANNA, "env:ANNAS")
    (first, second), network = performed(world, collect(world, password="env:WRONG"), clear)
    tried = read_collection(first, ()).login
    assert tried.end is LoginEnd.REJECTED
    assert "AUTHENTICATIONFAILED" in tried.because
    assert len(network.heard) == 1, "no second connection"
    assert second.closed.how is Ending.FAILED
    assert "not tried again" in second.closed.detail


def test_a_login_in_clear_that_is_taken(world: World) -> None:
    host = world.hosts[HOST, 587]
    object.__setattr__(host, "keywords", ("AUTH PLAIN",))
    clear = ClearLoginTalk(HOST, 587, "mail.a.example", "me", ANNA, "env:ANNAS")
    (transcript,), _ = performed(world, clear)
    assert read_clear_login(transcript).login is Login.TAKEN
    assert b"[redacted]" in octets(transcript)
    assert PASSWORD.encode() not in octets(transcript)


def test_a_password_that_has_gone_missing_makes_no_connection(world: World) -> None:
    (transcript,), network = performed(world, collect(world, password="env:GONE"))
    assert transcript.events == (Closed(0, Ending.FAILED, transcript.closed.detail),)
    assert "env:GONE" in transcript.closed.detail
    assert network.heard == []


def test_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    for written, meant in ((b"pass word\n", b"pass word"), (b"x\r\n", b"x"), ("pä".encode(), "pä".encode())):
        file.write_bytes(written)
        assert resolve(f"file:{file}") == meant
    monkeypatch.setenv("X", "from:env")
    assert resolve("env:X") == b"from:env"


@pytest.mark.parametrize("written", [b"", b"\n", b"one\ntwo\n", b"x\0y", b"x" * (LONGEST + 1)])
def test_a_file_that_holds_no_password(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(written)
    with pytest.raises(BadReference, match="secret"):
        resolve(f"file:{tmp_path / 'secret'}")


@pytest.mark.parametrize("given", ["hunter2", "", "env:", ":x", "keyring:hunter2", "file:"])
def test_what_is_no_reference_is_not_repeated(given: str) -> None:
    with pytest.raises(BadReference) as raised:
        resolve(given)
    assert "hunter2" not in str(raised.value)
    assert "env:NAME" in str(raised.value)


def test_whoever_failed_once_gets_no_password() -> None:
    secrets = Secrets()
    assert secrets.of("env:ANNAS") == PASSWORD.encode()
    secrets.failed()
    with pytest.raises(BadReference, match="failed before"):
        secrets.of("env:ANNAS")
