"""`talk`: a dialogue shown as it goes, judged at its end, scripted, kept and shown again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import NOBODY, Player, Reachable, Run

from diag.cli.talk_shown import line
from diag.probes.dns import DnsAnswer, DnsQuery, build_answer
from diag.sandbox.world import load
from diag.wire.transcript import Said, Who

FIXTURES = Path(__file__).parents[2] / "fixtures"
ME = ("--helo", "me.example")


def route(world: Reachable, address: str, port: int) -> tuple[str, str]:
    (found,) = [option for option in world.routes if option.startswith(f"{address}:{port}=")]
    return "--port-map", found


Shown = Callable[..., tuple[str, ...]]


def marks(out: str) -> list[str]:
    """The lines of the dialogue without their times."""
    return [line[10:] for line in out.splitlines() if line[:8].strip().replace(".", "").isdigit()]


@pytest.fixture(scope="session")
def sieve(player: Player) -> Reachable:
    """A world whose ManageSieve takes passwords in clear."""
    return player.play(load(FIXTURES / "managesieve" / "plaintext-auth"))


def test_a_dialogue_is_judged_at_its_end(maildiag: Run, harbour: Reachable) -> None:
    mx = route(harbour, "203.0.113.10", 25)
    done = maildiag("talk", "smtp", "203.0.113.10", *mx, *ME)
    assert done.code == 0, done.err
    said = " ".join(done.out.split("\n\n")[1].split())
    assert said.startswith("Judged by itself, as senders meet it: ")
    assert "checks passed." in said
    assert "postmaster" not in said
    assert all(len(line) <= 80 for line in done.out.split("\n\n")[1].splitlines())


def test_passwords_in_clear_are_told_of_at_any_address(maildiag: Run, player: Player) -> None:
    world = player.play(load(FIXTURES / "smtp" / "auth-in-clear"))
    done = maildiag("talk", "smtp", "198.51.100.20", *route(world, "198.51.100.20", 25), *ME)
    assert "error     smtp/auth-before-tls: " in done.out, done.out


def test_only_who_asks_for_the_postmaster_is_told_of_him(maildiag: Run, player: Player) -> None:
    world = player.play(load(FIXTURES / "smtp" / "postmaster-unknown"))
    at = ("198.51.100.20", *route(world, "198.51.100.20", 25), *ME)
    for recipient, told in (("nobody@lantern.example", False), ("postmaster@lantern.example", True)):
        done = maildiag("talk", "smtp", *at, "--to", recipient)
        assert f"RCPT TO:<{recipient}>" in done.out
        assert ("open      Mail for the postmaster is taken" in done.out) is told, done.out


def test_manage_sieve_is_spoken_and_judged(maildiag: Run, sieve: Reachable) -> None:
    done = maildiag("talk", "sieve", "198.51.100.30", *route(sieve, "198.51.100.30", 4190))
    assert done.code == 0, done.err
    assert '<-  "STARTTLS"' in marks(done.out)
    assert "~>  LOGOUT" in marks(done.out)
    assert "error     managesieve/plaintext-auth: " in done.out
    assert "1 finding," in done.out


def test_what_one_conversation_cannot_show_is_said_to_be_open(maildiag: Run, player: Player) -> None:
    world = player.play(load(FIXTURES / "imap" / "no-starttls"))
    done = maildiag("talk", "imap", "198.51.100.30", *route(world, "198.51.100.30", 143))
    said = " ".join(done.out.split("\n\n")[1].split())
    assert (
        "open An IMAP server offers STARTTLS, and takes plain-text logins only under it: one look alone"
        in said
    )
    assert "error" not in said.replace("no error", "")


def test_a_sound_server_is_not_complained_of(maildiag: Run, lantern: Reachable) -> None:
    for protocol, port in (("imap", 993), ("pop3", 110)):
        done = maildiag(
            "talk", protocol, "198.51.100.30", "-p", str(port), *route(lantern, "198.51.100.30", port)
        )
        assert "no findings, " in done.out


def test_lines_of_ones_own_are_said_behind_the_usual_beginning(maildiag: Run, lantern: Reachable) -> None:
    mx = route(lantern, "198.51.100.10", 25)
    done = maildiag("talk", "smtp", "198.51.100.10", *mx, *ME, "--say", "NOOP", "--say", "RSET")
    assert done.code == 0, done.err
    said = [line for line in marks(done.out) if line[:2] in ("->", "~>")]
    assert said == [
        "->  EHLO me.example",
        "->  STARTTLS",
        "~>  EHLO me.example",
        "~>  NOOP",
        "~>  RSET",
        "~>  QUIT",
    ]
    assert "The script was spoken to its end: 2 replies, as expected." in done.out
    clear = maildiag("talk", "smtp", "198.51.100.10", *mx, *ME, "--say", "NOOP", "--tls", "none")
    assert "->  NOOP" in marks(clear.out)


def test_a_dialogue_that_leaves_tls_out_is_not_judged(
    maildiag: Run, lantern: Reachable, tmp_path: Path
) -> None:
    tape = tmp_path / "t.tape"
    at = ("smtp", "198.51.100.10", *route(lantern, "198.51.100.10", 25), *ME, "--tls", "none")
    done = maildiag("talk", *at, "--save", tape)
    assert done.code == 0, done.err
    assert "->  STARTTLS" not in marks(done.out)
    said = done.out.split("\n\n")[1]
    assert said.startswith(
        "Not judged: the usual dialogue goes on with TLS here, and this one left it out.\n"
    )
    assert "script" not in said
    assert "finding" not in said
    assert maildiag("talk", "--replay", tape).out == done.out
    closed = maildiag("talk", *at, "--port-map", f"198.51.100.10:25={NOBODY}")
    assert (closed.code, "\n\n" in closed.out) == (3, False)


def test_a_dialogue_without_tls_is_judged_where_none_is_offered(maildiag: Run, player: Player) -> None:
    world = player.play(load(FIXTURES / "smtp" / "starttls-missing"))
    at = ("smtp", "198.51.100.20", *route(world, "198.51.100.20", 25), *ME)
    usual, clear = (maildiag("talk", *at, *tls).out.split("\n\n")[1] for tls in ((), ("--tls", "none")))
    assert clear == usual
    assert clear.startswith("Judged by itself, as senders meet it: ")


def test_a_script_is_spoken_from_a_file(maildiag: Run, lantern: Reachable, tmp_path: Path) -> None:
    mx = route(lantern, "198.51.100.10", 25)
    script = tmp_path / "s.txt"
    script.write_text(
        "S: 220 {banner}\nC: EHLO {helo}\nS: 250\nC: RCPT TO:<{nonce}@{domain}>\nS: 250 | 251\n"
    )
    done = maildiag("talk", "smtp", "198.51.100.10", *mx, *ME, "--script", script)
    assert (done.code, "banner = mx1.lantern.example" in done.out) == (1, True), done.out
    assert "The script stopped: expected 250 or 251, and heard" in done.out
    script.write_text('protocol = "smtp"\nopens = true\n[[step]]\nsay = "NOOP"\n[[step]]\nexpect = "250"\n')
    assert maildiag("talk", "smtp", "198.51.100.10", *mx, *ME, "--script", script).code == 0


def test_a_server_that_hangs_up_leaves_a_script_undecided(maildiag: Run, lantern: Reachable) -> None:
    nobody = ("--port-map", f"198.51.100.10:25={NOBODY}")
    done = maildiag("talk", "smtp", "198.51.100.10", *nobody, *ME, "--say", "NOOP")
    assert done.code == 3
    assert "The script was not decided" in done.out


@pytest.mark.parametrize(
    ("four", "six", "family", "code"),
    [
        ("NXDOMAIN", "NXDOMAIN", (), 2),
        ("NOERROR", "NOERROR", (), 2),
        ("SERVFAIL", "NOERROR", (), 3),
        ("NOERROR", "SERVFAIL", (), 3),
        ("NOERROR", "SERVFAIL", ("-4",), 2),
    ],
)
def test_a_host_without_an_address_is_a_mistake_and_a_failed_look_up_is_none(
    maildiag: Run, monkeypatch: pytest.MonkeyPatch, four: str, six: str, family: tuple[str, ...], code: int
) -> None:
    class Answers:
        async def run(self, query: DnsQuery) -> DnsAnswer:
            return build_answer(query, rcode={"A": four, "AAAA": six}[query.rdtype])

    monkeypatch.setattr("diag.cli.world.live", lambda *_, **__: Answers())
    done = maildiag("talk", "smtp", "host.example", *family)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    said = "no address to talk to" if code == 2 else "its address could not be looked up"
    assert done.err.startswith(f"maildiag: host.example: {said}: "), done.err
    assert ("SERVFAIL" in done.err) is (code == 3)


def test_help_tells_as_what_a_port_is_judged(maildiag: Run, lantern: Reachable) -> None:
    said = " ".join(maildiag("talk", "--help").out.split())
    assert "On port 25 smtp is judged as senders meet it; on any other port as mail programs do" in said
    at = route(lantern, "198.51.100.30", 587)
    done = maildiag(
        "talk", "smtp", "198.51.100.30", "-p", "2500", *at[:1], at[1].replace(":587=", ":2500="), *ME
    )
    assert "as mail programs meet it: " in done.out


def test_help_tells_the_exit_codes_of_hosts_without_an_address(maildiag: Run) -> None:
    said = " ".join(maildiag("talk", "--help").out.split())
    assert (
        "Exits with 2 where HOST has no address; with 3 where that cannot be looked up, no connection" in said
    )


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"2", "<-  2 [no line end]"),
        (b"250 ok [no line end]\n", "<-  250 ok [no line end]\\n  [bare LF]"),
        (b"2" * 500, f"<-  {'2' * 400} [114 more characters]  [no line end]"),
    ],
)
def test_a_missing_line_end_is_marked_once(octets: bytes, shown: str) -> None:
    assert line(Said(0, Who.PEER, octets, False), "smtp")[10:] == shown


def test_a_dialogue_is_kept_where_nobody_reads_it_to_its_end(
    maildiag: Run, lantern: Reachable, tmp_path: Path
) -> None:
    at = ("pop3", "198.51.100.30", *route(lantern, "198.51.100.30", 110))
    tape, whole = tmp_path / "t.tape", maildiag("talk", *at, "--raw").out
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "from diag.cli import program; program()"]
    with os.fdopen(writing, "w") as nobody:
        done = subprocess.run(
            [*program, "talk", *at, "--raw", "--save", tape],
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")
    assert maildiag("talk", "--replay", tape, "--raw").out == whole


def test_a_dialogue_is_kept_where_the_disk_takes_no_output(lantern: Reachable, tmp_path: Path) -> None:
    at = ("pop3", "198.51.100.30", *route(lantern, "198.51.100.30", 110))
    program = [sys.executable, "-c", "from diag.cli import program; program()"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*program, "talk", *at, "--save", tmp_path / "t.tape"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, "standard output: cannot be written" in done.stderr) == (2, True)
    assert (tmp_path / "t.tape").exists()


def test_raw_is_nothing_but_octets(maildiag: Run, lantern: Reachable, tmp_path: Path) -> None:
    pop = route(lantern, "198.51.100.30", 110)
    done = maildiag("talk", "pop3", "198.51.100.30", *pop, "--raw")
    lines = done.out.splitlines()
    assert lines[:3] == ["S: +OK Dovecot ready.\\r\\n", "C: CAPA\\r\\n", "S: +OK\\r\\n"]
    assert "TLS" in lines
    assert all(line[:3] in ("S: ", "C: ", "TLS") for line in lines)


def test_a_kept_dialogue_is_shown_and_judged_again(maildiag: Run, sieve: Reachable, tmp_path: Path) -> None:
    tape = tmp_path / "t.tape"
    at = route(sieve, "198.51.100.30", 4190)
    first = maildiag("talk", "sieve", "198.51.100.30", *at, "--save", tape)
    again = maildiag("talk", "--replay", tape)
    assert (again.out, again.code) == (first.out, 0), again.err
    assert maildiag("talk", "--replay", tape, "--raw").out.startswith('S: "IMPLEMENTATION"')
    whole = maildiag("replay", tape)
    assert (whole.code, "maildiag talk --replay" in whole.err) == (2, True)
    said = maildiag("talk", "sieve", "198.51.100.30", *at, "--say", 'NOOP "{nonce}"', "--save", tape)
    again = maildiag("talk", "--replay", tape)
    assert (again.out, again.code) == (said.out, said.code)


@pytest.mark.parametrize(
    ("protocol", "line"),
    [("smtp", "AUTH PLAIN AGFubmEAc2VjcmV0"), ("imap", "LOGIN anna secret"), ("pop3", "PASS secret")],
)
def test_a_password_on_the_command_line_is_refused_unseen(maildiag: Run, protocol: str, line: str) -> None:
    done = maildiag("talk", protocol, "192.0.2.1", "--say", line)
    assert (done.code, done.out) == (2, "")
    assert "--password env:VARIABLE" in done.err
    assert line.split()[-1] not in done.err


SECOND_LINE = "a control character, which could end the line"
REFUSED = {
    "no host": (["talk", "smtp"], "talk needs a protocol and a host"),
    "a host beside a tape": (["talk", "smtp", "x", "--replay", "t"], "no host is named beside it"),
    "both ways": (["talk", "smtp", "x", "--say", "NOOP", "--script", "f"], "exclude each other"),
    "envelope": (["talk", "smtp", "x", "--say", "NOOP", "--to", "a@b"], "say MAIL and RCPT"),
    "envelope in clear": (["talk", "smtp", "x", "--tls", "none", "--to", "a@b"], "say MAIL and RCPT"),
    "no script": (["talk", "smtp", "x", "--script", "none"], "--script none: cannot be read"),
    "intrusive": (["talk", "smtp", "x", "--say", "VRFY a"], "only with --intrusive"),
    "a name": (["talk", "imap", "x", "--say", "NOOP {who}"], "--say: step 1: nothing is known as {who}"),
    "no certificate": (["talk", "smtp", "x", "--client-cert", "none"], "--client-cert none: cannot be read"),
    "way of TLS": (["talk", "smtp", "x", "--tls", "nonne"], "did you mean 'none'?"),
    "a second line": (["talk", "smtp", "x", "--say", "a\r\nDATA"], SECOND_LINE),
    "a second line of EHLO": (
        ["talk", "smtp", "x", "--helo", "a\r\nDATA"],
        f"--helo 'a\\r\\nDATA': {SECOND_LINE}",
    ),
    "a second line of MAIL": (
        ["talk", "smtp", "x", "--from", "a@b\r\nDATA"],
        f"--from 'a@b\\r\\nDATA': {SECOND_LINE}",
    ),
    "a second line of RCPT": (
        ["talk", "smtp", "x", "--to", "a@b\nDATA"],
        f"--to 'a@b\\nDATA': {SECOND_LINE}",
    ),
    "a control in a server name": (["talk", "imap", "x", "--sni", "a\tb"], f"--sni 'a\\tb': {SECOND_LINE}"),
    "a long name": (["talk", "smtp", "x", "--helo", "a" * 999], "a line of more than 998 octets"),
    "two words as a name": (["talk", "smtp", "x", "--helo", "a b"], "--helo 'a b': expected a host name"),
    "no name": (["talk", "smtp", "x", "--helo", ""], "--helo '': expected a host name"),
    "a name for others": (["talk", "imap", "x", "--helo", ""], "--helo, --from and --to are for smtp"),
    "two words as a server name": (
        ["talk", "imap", "x", "--sni", "a b"],
        "--sni: 'a b' contains white space",
    ),
    "an address as a server name": (["talk", "imap", "x", "--sni", "::1"], "--sni: '::1' is an IP address"),
    "two words as a recipient": (["talk", "smtp", "x", "--to", "x y"], "--to 'x y': expected a mailbox"),
    "no recipient": (["talk", "smtp", "x", "--to", "<>"], "--to '<>': expected a mailbox"),
    "brackets within": (["talk", "smtp", "x", "--to", '"<a>"@b'], "expected a mailbox"),
    "a parameter of MAIL": (["talk", "smtp", "x", "--from", "a@b> SIZE=1"], "expected a mailbox"),
    "no tape": (["talk", "--replay", "none"], "none: cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_in_one_line(maildiag: Run, name: str) -> None:
    arguments, said = REFUSED[name]
    done = maildiag(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_what_is_named_may_be_more_than_a_mailbox_but_is_one_word(maildiag: Run, lantern: Reachable) -> None:
    at = ("smtp", "198.51.100.10", *route(lantern, "198.51.100.10", 25), *ME)
    asked = ("postmaster", "<bob@lab.test>", '"a \\" c"@lab.test', "b%c@[192.0.2.1]")
    given = [word for each in asked for word in ("--to", each)]
    said = marks(maildiag("talk", *at, "--from", "<>", *given).out)
    assert "~>  MAIL FROM:<>" in said
    named = [line.partition("RCPT TO:")[2] for line in said if "RCPT TO:" in line]
    assert named == ["<postmaster>", "<bob@lab.test>", '<"a \\" c"@lab.test>', "<b%c@[192.0.2.1]>"]


def test_a_server_name_may_go_beyond_ascii(maildiag: Run, lantern: Reachable) -> None:
    at = ("imap", "198.51.100.30", "-p", "993", *route(lantern, "198.51.100.30", 993))
    assert "server name xn--bcher-kva.example" in maildiag("talk", *at, "--sni", "bücher.example").out


def test_what_is_intrusive_is_announced_first(maildiag: Run, lantern: Reachable) -> None:
    mx = route(lantern, "198.51.100.10", 25)
    done = maildiag("talk", "smtp", "198.51.100.10", *mx, *ME, "--say", "VRFY postmaster", "--intrusive")
    assert done.err == "198.51.100.10 [198.51.100.10]:25: says VRFY postmaster\n"
    assert "~>  VRFY postmaster" in marks(done.out)


def test_another_server_name_and_a_certificate_of_ones_own(
    maildiag: Run, lantern: Reachable, tmp_path: Path
) -> None:
    pem = tmp_path / "me.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=me"]
    subprocess.run(
        [*made, "-keyout", tmp_path / "key", "-out", tmp_path / "crt"], check=True, capture_output=True
    )
    pem.write_bytes((tmp_path / "crt").read_bytes() + (tmp_path / "key").read_bytes())
    at = route(lantern, "198.51.100.30", 993)
    done = maildiag(
        "talk", "imap", "198.51.100.30", "-p", "993", *at, "--sni", "other.example", "--client-cert", pem
    )
    assert done.code == 0, done.err
    assert "server name other.example" in done.out
    assert "Judged by itself, as mail programs meet it: no findings, " in done.out
    none = maildiag("talk", "imap", "198.51.100.30", "-p", "993", *at, "--sni", "")
    assert "server name not sent" in none.out
    pem.write_text("nothing")
    refused = maildiag("talk", "imap", "198.51.100.30", "--client-cert", pem)
    assert (refused.code, "expected a certificate and its key" in refused.err) == (2, True)
