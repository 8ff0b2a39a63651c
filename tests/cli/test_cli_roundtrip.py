"""maildiag roundtrip: a message from a mailbox to itself over real sockets, and what is left when it is interrupted."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from conftest import Player, Run

from diag.sandbox.certificates import Certificates
from diag.sandbox.staged import DOCUMENTATION
from diag.sandbox.world import World, load

ROOT = Path(__file__).parents[2]
WORLDS = ROOT / "fixtures" / "access" / "round-trip"
MAILBOX = "anna@lantern.example"
NOWHERE = ("-n", "127.0.0.1:1")


def today(name: str) -> World:
    """A world with certificates that are good now: sockets know no other clock."""
    world = load(WORLDS / name)
    now = datetime.now(UTC)
    return dataclasses.replace(world, moment=now, certificates=Certificates(now))


class Playing:
    """A world on loopback, and what leads a command there."""

    def __init__(self, player: Player, world: World, folder: Path) -> None:
        self.world = world
        self._played = player.play(world)
        root = folder / "root.pem"
        root.write_bytes(world.certificates.root)
        nets = (option for net in DOCUMENTATION for option in ("--public", net))
        self.arguments = [
            *("roundtrip", MAILBOX, "--password", "env:LENT", "-4", "-n", self._played.resolver),
            *(*self._played.routes, "--ca-file", str(root), *nets),
        ]


@pytest.fixture
def own(player: Player, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Playing:
    playing = Playing(player, today("own"), tmp_path)
    monkeypatch.setenv("LENT", playing.world.password)
    return playing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((MAILBOX,), "--password or --token is needed"),
        (("anna", "--password", "env:HOME"), "expected a mailbox"),
        (("ännchen@lantern.example", "--password", "env:HOME"), "in ASCII"),
        ((MAILBOX, "--password", "secret"), "expected env:NAME, file:PATH or fd:NUMBER"),
        ((MAILBOX, "--password", "env:NOBODY_SETS_THIS"), "no such variable"),
        ((MAILBOX, "--password", "env:HOME", "--token", "env:HOME"), "exclude one another"),
        ((MAILBOX, "--password", "env:HOME", "--read", "imap4"), "did you mean 'imap'"),
        ((MAILBOX, "--password", "env:HOME", "--submission", "mail.lantern.example:x"), "HOST:PORT"),
        ((MAILBOX, "--password", "env:HOME", "--wait", "0"), "above 0"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line_before_anything_is_asked(
    arguments: tuple[str, ...], said: str, maildiag: Run
) -> None:
    outcome = maildiag("roundtrip", *arguments, *NOWHERE)
    assert outcome.code == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


@pytest.mark.parametrize("reading", ["imap", "pop3"])
def test_a_message_arrives_and_its_way_is_told(own: Playing, reading: str, maildiag: Run) -> None:
    outcome = maildiag(*own.arguments, "--read", reading)
    assert outcome.code == 0, outcome.out + outcome.err
    assert f"sends one message to {MAILBOX}" in outcome.err
    told = " ".join(outcome.out.split())
    assert f"From {MAILBOX} to itself" in told
    assert "handed in mail.lantern.example:465, login by PLAIN: 250 2.0.0 Ok: queued as" in told
    assert f"found in INBOX at mail.lantern.example:{993 if reading == 'imap' else 995} after" in told
    assert "1 mail.lantern.example ESMTPSA 09:00:01" in told
    assert "2 store.lantern.example LMTP 09:00:02 +1 s" in told
    assert "receiver mail.lantern.example: spf=pass, dmarc=pass" in told
    assert "elsewhere" not in told, "what somebody else claims to have found"
    assert "changed nothing" in told


def test_as_json_by_its_schema_and_replayed_the_same_without_a_password(
    own: Playing, maildiag: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = tmp_path / "x.tape"
    first = maildiag(*own.arguments, "-q", "-f", "json", "--save", tape)
    report = json.loads(first.out)
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    trip = report["round_trip"]
    assert trip["arrival"]["removed"]
    assert [each["method"] for each in trip["arrival"]["results"]] == ["spf", "dmarc"]
    assert first.err == ""
    secret = own.world.password
    plain = base64.b64encode(f"\0{MAILBOX}\0{secret}".encode()).decode()
    for form in (secret, plain, base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
        assert form not in first.out
        assert form not in tape.read_text()
    monkeypatch.delenv("LENT")
    again = json.loads(maildiag("replay", tape, "-f", "json").out)
    assert (again["round_trip"], again["results"]) == (trip, report["results"])


def test_bad_credentials_are_a_finding_with_the_servers_own_words(
    own: Playing, maildiag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LENT", "an old one")
    outcome = maildiag(*own.arguments, "-q")
    assert outcome.code == 1
    assert 'refuses the login with PLAIN: "535 5.7.8' in " ".join(outcome.out.split())
    assert "to itself" not in outcome.out, "nothing was sent"


def test_where_no_server_is_to_be_had_that_is_said_and_nothing_is_sent(own: Playing, maildiag: Run) -> None:
    outcome = maildiag(*own.arguments, "--submission", "mail.lantern.example:2525")
    assert outcome.code == 3
    assert "mail.lantern.example:2525 is no submission server that a login may go to" in " ".join(
        outcome.out.split()
    )
    assert "sends one message" not in outcome.err


def test_a_shorter_wait_leaves_open_whether_it_is_lost(
    player: Player, tmp_path: Path, maildiag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing = Playing(player, today("lost"), tmp_path)
    monkeypatch.setenv("LENT", playing.world.password)
    outcome = maildiag(*playing.arguments, "--wait", "1")
    assert outcome.code == 3
    told = " ".join(outcome.out.split())
    assert "not found at mail.lantern.example:993 after 1 s" in told
    assert "Should it arrive later, its subject is 'maildiag round trip" in told


@pytest.fixture
def process(player: Player, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that waits for a message which takes three seconds."""
    world = today("slow")
    hosts = {
        place: dataclasses.replace(host, delivers_after=3.0) if host.delivers_after else host
        for place, host in world.hosts.items()
    }
    playing = Playing(player, dataclasses.replace(world, hosts=hosts), tmp_path)
    code = "import sys; from diag.cli import program; program()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, *playing.arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"LENT": playing.world.password},
    )
    yield running
    running.kill()
    running.communicate()


def test_an_interrupted_run_removes_what_it_sent_where_that_has_arrived(
    process: subprocess.Popen[str],
) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if "waits up to" in line:
            break
    time.sleep(1)
    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"env:LENT" in arguments
    assert b"battery" not in arguments
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "maildiag: the message was removed" in err
    assert "interrupted" in out
