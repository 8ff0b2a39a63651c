"""`maildiag talk` and ManageSieve against real servers: Postfix, Exim and Dovecot with Pigeonhole."""

import subprocess
import sys
from pathlib import Path

import pytest
from lab.world import World

pytestmark = pytest.mark.lab
MAILDIAG = Path(sys.executable).with_name("maildiag")


def talk(lab: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(MAILDIAG), "talk", *arguments]
    if "--replay" not in arguments:
        command += ["-n", lab.resolver]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize(
    ("arguments", "heard"),
    [
        (("imap", "imap.lab.test"), "<~  a9 OK Logout completed."),
        (("imap", "imap.lab.test", "-p", "993"), '<~  * ID ("name" "Dovecot")'),
        (("pop3", "imap.lab.test"), "<~  UIDL"),
        (("sieve", "imap.lab.test"), '<~  "SASL" "PLAIN LOGIN SCRAM-SHA-256"'),
        (("smtp", "mx.sound.test"), "<~  221 2.0.0 Bye"),
    ],
)
def test_sound_servers_are_talked_to_and_not_complained_of(
    lab: World, arguments: tuple[str, ...], heard: str
) -> None:
    done = talk(lab, *arguments)
    assert done.returncode == 0, done.stderr
    assert heard in done.stdout
    assert "no findings, " in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("imap", "mail.imap-clear.test"), "imap/login-before-tls"),
        (("pop3", "mail.imap-clear.test"), "pop3/user-before-tls"),
        (("sieve", "mail.imap-clear.test"), "managesieve/plaintext-auth"),
    ],
)
def test_logins_in_clear_are_told_of(lab: World, arguments: tuple[str, ...], rule: str) -> None:
    assert f" {rule}: " in talk(lab, *arguments).stdout


def test_greylisting_leaves_the_mailbox_open(lab: World) -> None:
    done = talk(lab, "smtp", "mx.greylist.test", "--to", "postmaster@greylist.test")
    assert "greylisting puts us off" in " ".join(done.stdout.split())
    assert "no findings, " in done.stdout


def test_a_script_is_spoken_kept_and_shown_again(lab: World, tmp_path: Path) -> None:
    script, tape = tmp_path / "tag.txt", tmp_path / "t.tape"
    script.write_text('S: OK\nC: STARTTLS\nTLS\nC: NOOP "{nonce}"\nS: OK (TAG "{back}")\n')
    done = talk(lab, "sieve", "imap.lab.test", "--script", str(script), "--save", str(tape))
    assert (done.returncode, done.stderr) == (0, "")
    said = next(line for line in done.stdout.splitlines() if "~>  NOOP" in line)
    assert f"back = {said.split(chr(34))[1]}" in done.stdout
    again = talk(lab, "--replay", str(tape))
    assert (again.stdout, again.returncode) == (done.stdout, 0)


def test_a_message_is_handed_in_only_where_that_is_asked_for(lab: World) -> None:
    lines = ("--say", "MAIL FROM:<>", "--say", "VRFY postmaster")
    assert talk(lab, "smtp", "mx.sound.test", *lines).returncode == 2
    done = talk(lab, "smtp", "mx.sound.test", *lines, "--intrusive")
    assert "~>  VRFY postmaster" in done.stdout
    assert done.stderr.endswith("says MAIL FROM:<>, VRFY postmaster\n")
