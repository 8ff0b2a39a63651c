"""Logins by every mechanism and protocol over real TLS: what is said, and that the secret is nowhere but on the wire."""

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

from diag.lab.live.live import Live, Means
from diag.lab.tape import Tape
from diag.probes.logins import ImapVisit, LoginProbe, Pop3Visit, SubmissionLogin
from diag.run.registry import Registry, load as load_plugins
from diag.sandbox.memory import MemoryNetwork
from diag.sandbox.world import World, load
from diag.wire.login import GIVEN_UP, UNPROVEN, LoginEnd, LoginRead
from diag.wire.login_imap import read_imap_login
from diag.wire.login_pop3 import read_pop3_login
from diag.wire.login_smtp import read_smtp_login
from diag.wire.sasl import PASSWORD_MECHANISMS, TOKEN_MECHANISMS, scram_proof
from diag.wire.transcript import Remark, Said, Transcript, Who, render

HOST = "192.0.2.30"
NAME = "mail.a.example"
ANNA = "anna@a.example"
SECRET = 'Tr0ub4dor, "and" 3=more'
READERS = {"smtp": read_smtp_login, "imap": read_imap_login, "pop3": read_pop3_login}
MECHANISMS = (*PASSWORD_MECHANISMS, *TOKEN_MECHANISMS)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_plugins()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENT", SECRET)
    monkeypatch.setenv("WRONG", "n0t that, one")


def world(tmp_path: Path, mechanism: str, more: str = "") -> World:
    (tmp_path / "hosts.toml").write_text(
        f"""domain = "a.example"
[[host]]
address = "{HOST}"
port = 465
name = "{NAME}"
keywords_tls = ["AUTH {mechanism}"]
logins = {{ "{ANNA}" = '{SECRET}' }}
{more}
[[host]]
address = "{HOST}"
port = 993
name = "{NAME}"
keywords_tls = ["IMAP4rev1", "AUTH={mechanism}"]
logins = {{ "{ANNA}" = '{SECRET}' }}
{more}
[[host]]
address = "{HOST}"
port = 995
name = "{NAME}"
keywords_tls = ["UIDL", "TOP", "SASL {mechanism}"]
logins = {{ "{ANNA}" = '{SECRET}' }}
{more}
"""
    )
    return load(tmp_path)


def probe(played: World, protocol: str, *, mechanism: str = "", secret: str = "env:LENT") -> LoginProbe:
    pem = played.certificates.pem("valid", (NAME,))
    leaf = hashlib.sha256(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)).hexdigest()
    told: dict[str, Any] = {
        "address": HOST,
        "port": {"smtp": 465, "imap": 993, "pop3": 995}[protocol],
        "host": NAME,
        "tls": "implicit",
        "certificate": leaf,
        "login": ANNA,
        "secret": secret,
        "token": mechanism in TOKEN_MECHANISMS,
    }
    match protocol:
        case "smtp":
            return SubmissionLogin(**told, helo="me.example")
        case "imap":
            return ImapVisit(**told)
        case _:
            return Pop3Visit(**told)


def performed(
    played: World, registry: Registry, *probes: LoginProbe
) -> tuple[list[Transcript], MemoryNetwork]:
    async def run() -> tuple[list[Transcript], MemoryNetwork]:
        async with MemoryNetwork(played) as network:
            lab = Live(registry.performers, Means(network=network))
            return [await lab.run(each) for each in probes], network

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def forms(secret: str, heard: bytes) -> set[bytes]:
    """A secret in every way in which it could stand somewhere: plain, in base64 and hex, and as it went over the wire."""
    plain = secret.encode()
    found = {plain, plain.hex().encode(), plain.hex().upper().encode()}
    found |= {base64.b64encode(b"x" * shift + plain + b"yyy")[4:-4] for shift in range(3)}
    found.add(base64.b64encode(f"\0{ANNA}\0{secret}".encode()))
    for word in heard.split():
        try:
            said = base64.b64decode(word, validate=True)
        except ValueError:
            continue
        # Whatever we said in base64 beside the name: responses, proofs and tokens.
        if len(word) > 8 and not word.isalpha() and said != ANNA.encode():
            found.add(word)
            found |= {part for part in said.split(b",") if part.startswith((b"p=", b"r="))}
    return found


@pytest.mark.parametrize("protocol", READERS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_login_is_taken_and_its_secret_is_only_on_the_wire(
    mechanism: str, protocol: str, registry: Registry, tmp_path: Path
) -> None:
    played = world(tmp_path, mechanism)
    asked = probe(played, protocol, mechanism=mechanism)
    (transcript,), network = performed(played, registry, asked)
    read = READERS[protocol](transcript)
    assert (read.end, read.mechanism) == (LoginEnd.TAKEN, mechanism), render(transcript)
    assert UNPROVEN not in remarks(transcript)
    heard = b"\n".join(line for each in network.heard for line in each.lines)
    assert any(form in heard for form in forms(SECRET, heard)), "it was said"
    Tape({asked: transcript}, {}).save(tmp_path / "t.tape")
    for text in ((tmp_path / "t.tape").read_bytes(), "\n".join(render(transcript)).encode()):
        assert [form for form in forms(SECRET, heard) if form in text] == []
    if mechanism.startswith("SCRAM-"):
        told = b"".join(said(transcript, Who.PEER))
        assert b"r=" not in told
        assert b"i=4096" not in told, "a challenge and a proof together could be tried against word lists"


@pytest.mark.parametrize("protocol", READERS)
def test_a_long_token_waits_until_it_is_asked_for(
    protocol: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "t0ken" * 300
    monkeypatch.setenv("LENT", token)
    world(tmp_path, "OAUTHBEARER")
    text = (tmp_path / "hosts.toml").read_text().replace(SECRET, token)
    (tmp_path / "hosts.toml").write_text(text)
    played = load(tmp_path)
    (transcript,), network = performed(played, registry, probe(played, protocol, mechanism="OAUTHBEARER"))
    assert READERS[protocol](transcript).end is LoginEnd.TAKEN, render(transcript)
    commands = [line for each in network.heard for line in each.lines if b"OAUTHBEARER" in line]
    longest = {"smtp": 512, "pop3": 255}.get(protocol)
    assert longest is None or all(len(line) <= longest for line in commands)
    assert b"OAUTHBEARER" in commands[0]
    assert token not in "\n".join(render(transcript))


@pytest.mark.parametrize("protocol", READERS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_login_that_fails_is_read_so_and_tells_as_little(
    mechanism: str, protocol: str, registry: Registry, tmp_path: Path
) -> None:
    played = world(tmp_path, mechanism)
    asked = probe(played, protocol, mechanism=mechanism, secret="env:WRONG")
    again = probe(played, protocol, mechanism=mechanism)
    (transcript, second), network = performed(played, registry, asked, again)
    assert READERS[protocol](transcript).end is LoginEnd.REJECTED, render(transcript)
    assert len(network.heard) == 1, "there is no other login"
    assert READERS[protocol](second).end is LoginEnd.UNTRIED
    heard = b"\n".join(line for each in network.heard for line in each.lines)
    Tape({asked: transcript}, {}).save(tmp_path / "t.tape")
    taped = (tmp_path / "t.tape").read_bytes()
    assert [form for form in forms("n0t that, one", heard) if form in taped] == []


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("mechanism", [m for m in PASSWORD_MECHANISMS if m.endswith("-PLUS")])
def test_a_login_is_bound_to_its_connection_in_every_version_of_tls(
    mechanism: str, version: str, registry: Registry, tmp_path: Path
) -> None:
    played = world(tmp_path, mechanism, f'min_version = "{version}"\nmax_version = "{version}"')
    (transcript,), network = performed(played, registry, probe(played, "smtp"))
    assert read_smtp_login(transcript).end is LoginEnd.TAKEN
    initial = next(line.split()[-1] for line in network.heard[0].lines if line.startswith(b"AUTH"))
    kind = b"p=tls-exporter,," if version == "TLSv1.3" else b"p=tls-unique,,"
    assert base64.b64decode(initial).startswith(kind)


def test_a_refusal_that_repeats_the_challenge_tells_nothing_of_it(registry: Registry, tmp_path: Path) -> None:
    """As Postfix does: `535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6`."""
    challenge = base64.b64encode(b"r=abc,s=c2FsdCBhbmQgcGVwcGVy,i=4096").decode()
    played = world(
        tmp_path,
        "SCRAM-SHA-256",
        f'replies_tls = {{ "AUTH" = "334 {challenge}", "*" = "535 5.7.8 failed: {challenge} c2FsdCBhbmQgcGVwcGVy" }}',
    )
    (transcript,), _ = performed(played, registry, probe(played, "smtp"))
    told = b"".join(said(transcript, Who.PEER))
    assert b"334 [redacted]\r\n" in told
    assert challenge.encode() not in told
    assert b"c2FsdCBh" not in told
    read = read_smtp_login(transcript)
    assert read.end is LoginEnd.UNSETTLED, "we gave up, and nothing is said of the password"
    assert read.because.startswith(GIVEN_UP)


def test_a_server_that_cannot_prove_itself_is_not_believed(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "diag.sandbox.logins.scram_proof", lambda *given: (scram_proof(*given)[0], b"no signature")
    )
    played = world(tmp_path, "SCRAM-SHA-256")
    (transcript,), _ = performed(played, registry, probe(played, "imap"))
    read: LoginRead = read_imap_login(transcript)
    assert read.end is LoginEnd.UNSETTLED
    assert "its signature is wrong" in read.because


def said(transcript: Transcript, who: Who) -> list[bytes]:
    return [event.octets for event in transcript.events if isinstance(event, Said) and event.who is who]


def remarks(transcript: Transcript) -> list[str]:
    return [event.text for event in transcript.events if isinstance(event, Remark)]
