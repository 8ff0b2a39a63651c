"""Logins and round trips at the real servers: every mechanism that Dovecot knows, and what is left in mailboxes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from lab import processes
from lab.files import write
from lab.world import World

from diag.lab.live.live import Means
from diag.lab.live.talks import Conversation
from diag.lab.live.tls import secure
from diag.probes.talks import ImapTalk, Pop3Talk
from diag.wire.login import Account, LoginEnd
from diag.wire.transcript import Remark, Transcript, render
from diag.wire.visit_imap import imap_visit_dialogue, read_imap_visit
from diag.wire.visit_pop3 import pop3_visit_dialogue, read_pop3_visit

pytestmark = pytest.mark.lab

MAILDIAG = Path(sys.executable).parent / "maildiag"
ALICE = "alice@lab.test"
PASSWORD_MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
TOKEN_MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
KEY = b"a key that signs tokens of the laboratory"


def token(user: str) -> str:
    """A signed token (RFC 7519) that says who somebody is."""

    def part(told: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()

    said = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': user, 'iat': 1_700_000_000, 'exp': 4_000_000_000})}"
    return (
        f"{said}.{base64.urlsafe_b64encode(hmac.digest(KEY, said.encode(), 'sha256')).rstrip(b'=').decode()}"
    )


@pytest.fixture(scope="module")
def every_mechanism(lab: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a second Dovecot, which offers every mechanism and shares users and mail with the first."""
    main = Path(lab.folder) / "dovecot"
    home = Path(lab.folder) / "dovecot-every"
    home.mkdir()
    address = f"{lab.prefix}.9.9"
    write(home / "keys" / "default" / "HS256" / "default", base64.b64encode(KEY).decode())
    write(
        home / "oauth2.conf",
        f"introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={home}/keys/\nusername_attribute = sub\n",
    )
    text = (main / "dovecot.conf").read_text().partition("service lmtp {")[0]
    text = text.partition("service auth {")[0]
    lines = [line for line in text.splitlines() if not line.startswith(("listen", "auth_mechanisms"))]
    text = "\n".join(lines).replace(f"base_dir = {main}/run", f"base_dir = {home}/run")
    text = text.replace(f"state_dir = {main}", f"state_dir = {home}").replace("imap pop3 lmtp", "imap pop3")
    mechanisms = " ".join((*PASSWORD_MECHANISMS, *TOKEN_MECHANISMS)).lower()
    config = write(
        home / "dovecot.conf",
        f"{text}\nlisten = {address}\nauth_mechanisms = {mechanisms}\n"
        f"passdb {{\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  args = {home}/oauth2.conf\n}}\n"
        # Wrong secrets are meant here: neither they nor what follows them is put off.
        "auth_failure_delay = 0\n"
        "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n",
    )
    process = processes.launch(Path(lab.folder), "dovecot-every", "dovecot", "-F", "-c", config)
    try:
        for port in (143, 993, 110, 995):
            processes.wait_until_answered(address, port, [process])
        yield address
    finally:
        process.terminate()
        process.wait(10)


def entered(lab: World, address: str, protocol: str, mechanism: str, secret: bytes) -> Transcript:
    der = subprocess.run(
        ["openssl", "x509", "-in", f"{lab.folder}/pki/imap.lab.test.crt", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    account = Account(
        ALICE,
        secret,
        hashlib.sha256(der).hexdigest(),
        "fresh" + os.urandom(9).hex(),
        token=mechanism in TOKEN_MECHANISMS,
        mechanism=mechanism,
    )
    port = {"imap": 993, "pop3": 995}[protocol]
    visit = imap_visit_dialogue if protocol == "imap" else pop3_visit_dialogue
    dialogue = visit("imap.lab.test", port, account, implicit_tls=True, timeout=30)
    kind = ImapTalk if protocol == "imap" else Pop3Talk

    async def run() -> Transcript:
        talk = kind(address, port, "imap.lab.test")
        return await Conversation(talk, Means().network, secure, [], secrets=(secret,)).hold(dialogue)

    return anyio.run(run)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("mechanism", [*PASSWORD_MECHANISMS, *TOKEN_MECHANISMS])
def test_dovecot_takes_every_mechanism_and_refuses_a_wrong_secret(
    mechanism: str, protocol: str, lab: World, every_mechanism: str
) -> None:
    good = token(ALICE) if mechanism in TOKEN_MECHANISMS else lab.users[ALICE]
    read = read_imap_visit if protocol == "imap" else read_pop3_visit
    transcript = entered(lab, every_mechanism, protocol, mechanism, good.encode())
    login = read(transcript).login
    assert (login.end, login.mechanism) == (LoginEnd.TAKEN, mechanism), render(transcript)
    assert [event.text for event in transcript.events if isinstance(event, Remark)] == []
    told = "\n".join(render(transcript))
    assert good not in told
    assert base64.b64encode(good.encode()).decode() not in told

    transcript = entered(lab, every_mechanism, protocol, mechanism, b"not the one")
    assert read(transcript).login.end in (LoginEnd.REJECTED, LoginEnd.UNSETTLED), render(transcript)
    assert "not the one" not in "\n".join(render(transcript))


def run(lab: World, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = (
        *("-n", lab.resolver, "--ca-file", str(lab.root_ca), "--public", f"{lab.prefix}.0.0/16"),
        *more,
    )
    command = [str(MAILDIAG), *arguments[-1:], *arguments[:-1]]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def left(lab: World, user: str) -> list[Path]:
    """The messages in a mailbox that came by a round trip."""
    local, _, domain = user.partition("@")
    box = Path(lab.folder) / "dovecot" / "mail" / domain / local
    files = [path for path in box.rglob("*") if path.is_file() and path.parent.name in ("cur", "new")]
    return [path for path in files if b"Subject: maildiag round trip" in path.read_bytes()]


@pytest.mark.parametrize("reading", ["imap", "pop3"])
@pytest.mark.parametrize("host", ["mx1.lab.test:465", "mx1.lab.test:587", "mx2.lab.test:465"])
def test_a_message_goes_round_and_nothing_is_left(
    host: str, reading: str, lab: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENT", lab.users[ALICE])
    done = run(
        lab,
        *(ALICE, "--password", "env:LENT", "--submission", host, "--read", reading),
        *("--wait", "60", "-q", "-f", "json", "roundtrip"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trip = json.loads(done.stdout)["round_trip"]
    assert trip["submission"]["mechanism"] == ("SCRAM-SHA-256" if "mx1" in host else "PLAIN")
    assert trip["arrival"]["removed"]
    assert trip["arrival"]["changes"] == []
    assert trip["arrival"]["hops"][0]["by"] == host.partition(":")[0]
    assert left(lab, ALICE) == []
    for form in (lab.users[ALICE], base64.b64encode(lab.users[ALICE].encode()).decode()):
        assert form not in done.stdout


def test_wrong_credentials_are_told_in_the_servers_words(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENT", "not the one")
    done = run(lab, ALICE, "--password", "env:LENT", "-q", "-f", "json", "roundtrip")
    assert done.returncode == 1
    (found,) = [f for r in json.loads(done.stdout)["results"] for f in r["findings"]]
    assert found["rule"] == "access/login-failed"
    assert "535 5.7.8" in found["message"]
    assert left(lab, ALICE) == []
