"""Whatever the user gets wrong is one clear line that names the thing and the place, and exit code 2."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from conftest import Reachable, Run

from diag.cli.faults import Fault

NOT_ASKED = ("-n", "127.0.0.1:1")
"""A resolver that refuses: these mistakes are found before anybody is asked."""

CASES = {
    "malformed domain": (["check", "exa mple.org"], "'exa mple.org'"),
    "a URL": (["check", "https://example.org/x"], "give the domain name alone: example.org"),
    "unknown option": (["check", "a.example", "--formt", "json"], "--formt"),
    "unknown command": (["chek", "a.example"], "unknown command 'chek'; did you mean 'check'?"),
    "no domain": (["check"], "Missing argument"),
    "unknown format": (["check", "a.example", "-f", "jsn"], "unknown format 'jsn'; did you mean 'json'?"),
    "unknown area": (
        ["check", "a.example", "--only", "spff"],
        "--only: unknown area 'spff'; did you mean 'spf'?",
    ),
    "the DNS alone and more": (
        ["check", "a.example", "--dns-only", "--intrusive"],
        "--dns-only and --intrusive exclude one another: intrusive trials connect to mail hosts",
    ),
    "unknown rule": (
        ["check", "a.example", "--skip", "spf/too-many-lokups"],
        "--skip: unknown rule 'spf/too-many-lokups'; did you mean 'spf/too-many-lookups'?",
    ),
    "unknown severity": (["check", "a.example", "--fail-on", "eror"], "did you mean 'error'?"),
    "unknown required area": (["check", "a.example", "--require", "mxx"], "--require: unknown area 'mxx'"),
    "bad nameserver": (["check", "a.example", "-n", "resolver.example"], "--nameserver 'resolver.example'"),
    "bad port": (["check", "a.example", "-n", "[::1]:99999"], "'99999' is no port"),
    "bad port map": (["check", "a.example", "--port-map", "mx:25"], "--port-map 'mx:25'"),
    "bad network": (["check", "a.example", "--public", "10/33"], "--public '10/33'"),
    "bad timeout": (["check", "a.example", "--timeout", "-1"], "'--timeout': -1: expected seconds"),
    "timeout that is no number": (
        ["check", "a.example", "--timeout", "x"],
        "'--timeout': x: expected seconds",
    ),
    "a moment that is none": (["check", "a.example", "--at", "march"], "'--at': march: expected a date"),
    "a moment in the far past": (["replay", "x.tape", "--at", "0001-01-01"], "'--at': 0001-01-01: expected"),
    "port that is no number": (["talk", "smtp", "127.0.0.1", "-p", "x"], "x: expected a port, 1 to 65535"),
    "port out of range": (["talk", "smtp", "127.0.0.1", "-p", "65536"], "65536: expected a port, 1 to 65535"),
    "port of many digits": (["check", "a.example", "-n", f"127.0.0.1:{'9' * 5000}"], "is no port"),
    "empty output": (["check", "a.example", "-o", ""], "'--output': a path is expected"),
    "empty tape name": (["check", "a.example", "--save", ""], "'--save': a path is expected"),
    "bad deadline": (["check", "a.example", "--deadline", "nan"], "'--deadline': nan: expected seconds"),
    "bad helo": (["check", "a.example", "--helo", "a b"], "--helo 'a b'"),
    "a second line of EHLO": (
        ["check", "a.example", "--helo", "a\r\nDATA"],
        "--helo 'a\\r\\nDATA': a control character",
    ),
    "bad selector": (["check", "a.example", "--selector", "a..b"], "--selector: "),
    "unknown profile of TLS": (
        ["check", "a.example", "--tls-profile", "ncsc-2025"],
        "--tls-profile: unknown profile of TLS 'ncsc-2025'; did you mean 'ncsc-nl-2025'?",
    ),
    "unknown depth": (
        ["check", "a.example", "--tls", "fulll"],
        "unknown depth 'fulll'; did you mean 'full'?",
    ),
    "missing profile": (
        ["check", "a.example", "--profile", "none.toml"],
        "none.toml: cannot be read: no such file",
    ),
    "missing zone": (["check", "a.example", "--zone", "none.zone"], "--zone none.zone: cannot be read"),
    "missing roots": (["check", "a.example", "--ca-file", "none.pem"], "--ca-file none.pem: cannot be read"),
    "no folder for the report": (
        ["check", "a.example", "-o", "no/where.txt"],
        "--output no/where.txt: cannot be written",
    ),
    "no folder for the tape": (["check", "a.example", "--save", "no/where.tape"], "--save no/where.tape"),
    "one tape for two": (
        ["check", "a.example", "b.example", "--save", "x"],
        "--save x: a tape is of one domain",
    ),
    "two formats on stdout": (["check", "a.example", "-f", "json", "-f", "text"], "json and text"),
    "two formats in one file": (
        ["check", "a.example", "-f", "json", "-f", "text", "-o", "x", "-o", "x"],
        "--output x: two formats",
    ),
    "an output too many": (["check", "a.example", "-o", "x", "-o", "y"], "--output y: there is no --format"),
    "missing tape": (["replay", "none.tape"], "none.tape: cannot be read: no such file"),
    "unknown rule to explain": (["explain", "spf/too-many-lokups"], "did you mean 'spf/too-many-lookups'?"),
    "unknown area of rules": (["rules", "spff"], "did you mean 'spf'?"),
    "unknown form of rules": (["rules", "-f", "yaml"], "--format: unknown format 'yaml'"),
    "unknown protocol": (["talk", "smpt", "127.0.0.1"], "unknown protocol 'smpt'; did you mean 'smtp'?"),
    "no folder for the demo": (["demo", "-o", "nowhere"], "--output nowhere"),
}


@pytest.mark.parametrize(("arguments", "words"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_one_line_on_stderr(maildiag: Run, arguments: list[str], words: str) -> None:
    extra = NOT_ASKED if arguments[0] == "check" and "-n" not in arguments else ()
    done = maildiag(*arguments, *extra)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("maildiag: ")
    assert done.err.count("\n") == 1
    assert words in done.err
    assert list(Path().iterdir()) == [], "something half-written was left behind"


FILES = {
    "zone": (b"@ 3600 IN MX ten mail\n", ("check", "a.example", "--zone"), ":1:"),
    "zone that is not UTF-8": (b"\xff\xfe", ("check", "a.example", "--zone"), "not UTF-8 at octet 0"),
    "profile key": (b"nameserver = []\n", ("check", "a.example", "--profile"), "did you mean 'nameservers'?"),
    "profile rule": (
        b'[severity]\n"spf/too-many-lokups" = "info"\n',
        ("check", "a.example", "--profile"),
        "did you mean 'spf/too-many-lookups'?",
    ),
    "profile area": (
        b'require = ["mxx"]\n',
        ("check", "a.example", "--profile"),
        ": require: unknown area 'mxx'",
    ),
    "profile helo": (
        b'helo = "a\\r\\nDATA"\n',
        ("check", "a.example", "--profile"),
        ": helo 'a\\r\\nDATA': a control character, which could end the line",
    ),
    "profile too deep": (b"a=" + b"[" * 100_000, ("check", "a.example", "--profile"), "nested too deeply"),
    "profile syntax": (b"= 1\n", ("check", "a.example", "--profile"), "at line 1"),
    "roots": (b"no certificate\n", ("check", "a.example", "--ca-file"), "no certificate in PEM"),
    "roots that are damaged": (
        b"-----BEGIN CERTIFICATE-----\nzz\n-----END CERTIFICATE-----\n",
        ("check", "a.example", "--ca-file"),
        "a certificate in it cannot be read",
    ),
    "tape too deep": (b"[" * 100_000, ("replay",), "nested too deeply"),
    "tape that is none": (b'{"a": 1}\n', ("replay",), ":1: this is no maildiag tape"),
    "tape that is no JSON": (b"\x00\x01", ("replay",), ":1:"),
    "empty tape": (b"", ("replay",), ":1: this is no maildiag tape"),
    "tape without a header": (
        b'{"maildiag-tape": 1}\n{"end": 0}\n',
        ("replay",),
        ":1: the header is damaged",
    ),
}


@pytest.mark.parametrize(("octets", "arguments", "words"), FILES.values(), ids=FILES.keys())
def test_a_bad_file_is_named_with_the_place(
    maildiag: Run, tmp_path: Path, octets: bytes, arguments: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "given"
    path.write_bytes(octets)
    done = maildiag(*arguments, path, *(NOT_ASKED if arguments[0] == "check" else ()))
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert str(path) in done.err
    assert words in done.err


def test_every_cut_and_every_damaged_line_of_a_tape_is_noticed(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape, broken = tmp_path / "run.tape", tmp_path / "broken.tape"
    maildiag("check", harbour.domain, *harbour.arguments(profile), "--only", "mx", "--save", tape)
    lines = tape.read_bytes().splitlines(keepends=True)
    for cut in (lines[:-1], lines[:3], [*lines[:-1], lines[-1][:4]], lines[:1]):
        broken.write_bytes(b"".join(cut))
        done = maildiag("replay", broken)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert f"{broken}:" in done.err
    broken.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"kind"', b'"kin"', 1), *lines[3:]]))
    assert f"{broken}:3:" in maildiag("replay", broken).err


HEADERS = {
    "domain": ({"target": {"domain": "a..b"}}, "'a..b' has an empty label"),
    "moment": ({"moment": "today"}, "'today'"),
    "area": ({"only": ["spff"]}, ":1: unknown area 'spff'"),
    "required": ({"required": ["mxx"]}, ":1: unknown area 'mxx'"),
    "fail_on": ({"fail_on": "eror"}, ":1: unknown severity 'eror'"),
}


@pytest.mark.parametrize(("changed", "words"), HEADERS.values(), ids=HEADERS.keys())
def test_a_header_that_names_what_nobody_knows_is_refused(
    maildiag: Run, tmp_path: Path, profile: Path, changed: dict[str, object], words: str
) -> None:
    tape = tmp_path / "run.tape"
    maildiag("check", "a.example", *NOT_ASKED, "--profile", profile, "--only", "mx", "--save", tape)
    first, *others = tape.read_text().splitlines(keepends=True)
    tape.write_text("".join([json.dumps({**json.loads(first), **changed}) + "\n", *others]))
    done = maildiag("replay", tape)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert f"{tape}:1:" in done.err
    assert words in done.err


def test_a_bad_line_of_standard_input_is_named_by_its_number(
    maildiag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for octets, words in (
        (b"a.example\n\nb c\n", "line 3"),
        (b"\xff\n", "octet 0"),
        (b"# none\n", "no domain"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
        done = maildiag("check", "-", *NOT_ASKED)
        assert (done.code, done.out) == (2, "")
        assert "standard input" in done.err
        assert words in done.err


def test_control_characters_of_a_mistake_do_not_reach_the_terminal(maildiag: Run) -> None:
    done = maildiag("check", "a.example", "-f", "\x1b[31mjson\n", *NOT_ASKED)
    assert "\x1b" not in done.err
    assert done.err.count("\n") == 1


def test_a_tape_that_cannot_be_written_costs_no_report(
    maildiag: Run, tmp_path: Path, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Fault("--save: cannot be written: no space left on device")

    monkeypatch.setattr("diag.cli.tapes.save", full)
    options = ("--profile", profile, "--only", "mx", "--save", tmp_path / "t")
    done = maildiag("check", "a.example", *NOT_ASKED, *options)
    assert (done.code, done.err.count("no space left")) == (2, 1)
    assert "a.example" in done.out


def test_a_profile_of_a_replay_is_blamed_for_its_own_areas(
    maildiag: Run, tmp_path: Path, profile: Path
) -> None:
    tape, named = tmp_path / "run.tape", tmp_path / "p.toml"
    maildiag("check", "a.example", *NOT_ASKED, "--profile", profile, "--only", "mx", "--save", tape)
    named.write_text('require = ["mxx"]\n')
    done = maildiag("replay", tape, "--profile", named)
    assert (done.code, done.out) == (2, "")
    assert f"{named}: require: unknown area 'mxx'" in done.err
