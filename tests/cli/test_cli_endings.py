"""How a run ends when it is cut short: Ctrl-C, a closed pipe, a check of ours that crashes."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Reachable, Run

from diag.cli import exits
from diag.model.finding import Severity
from diag.model.report import Report, Result, Status
from diag.model.target import Target
from diag.sandbox.world import packaged

COMMAND = [sys.executable, "-c", "from diag.cli import program; program()"]


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_partial_report_and_exits_with_130(profile: Path, sent: signal.Signals) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stalled:
        stalled.bind(("127.0.0.1", 0))
        stalled.settimeout(30)
        where = f"127.0.0.1:{stalled.getsockname()[1]}"
        arguments = ["check", "a.example", "b.example", "-n", where, "--profile", str(profile), "-f", "json"]
        run = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        stalled.recv(512)  # a question is under way, and nobody will answer it
        run.send_signal(sent)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    reports = [json.loads(line) for line in out.splitlines()]
    assert [report["partial"] for report in reports] == ["interrupted", "interrupted"]
    assert all(report["grade"].endswith("?") for report in reports)
    assert "the report is partial: interrupted" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_ctrl_c_on_a_stalled_mail_host_keeps_what_was_found_before(harbour: Reachable, profile: Path) -> None:
    with socket.socket() as stalled:
        stalled.bind(("127.0.0.1", 0))
        stalled.listen()
        stalled.settimeout(30)
        to = f"203.0.113.10:25=127.0.0.1:{stalled.getsockname()[1]}"
        arguments = ["check", harbour.domain, *harbour.arguments(profile), "--port-map", to, "-f", "json"]
        run = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        connection, _ = stalled.accept()  # whoever connects here waits for a greeting in vain
        with connection:
            time.sleep(1)  # by then all the others have answered
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    report = json.loads(out)
    assert report["partial"] == "interrupted"
    assert "spf/too-many-lookups" in [f["rule"] for result in report["results"] for f in result["findings"]]


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.02, 0.1, 0.3])
def test_a_second_ctrl_c_ends_at_once_and_in_silence(harbour: Reachable, profile: Path, pause: float) -> None:
    with socket.socket() as stalled:
        stalled.bind(("127.0.0.1", 0))
        stalled.listen()
        stalled.settimeout(30)
        to = f"203.0.113.10:25=127.0.0.1:{stalled.getsockname()[1]}"
        arguments = ["check", harbour.domain, *harbour.arguments(profile), "--port-map", to, "-f", "html"]
        run = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        connection, _ = stalled.accept()
        with connection:
            run.send_signal(signal.SIGINT)
            time.sleep(pause)
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert all(line.startswith(("maildiag: ", "\r")) for line in err.splitlines() if line.strip()), err


def test_a_terminal_without_utf_8_gets_the_report_too(harbour: Reachable, profile: Path) -> None:
    arguments = ["check", harbour.domain, *harbour.arguments(profile), "--only", "spf"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\\u2500" in done.stdout


def test_a_closed_pipe_ends_quietly() -> None:
    run = subprocess.Popen([*COMMAND, "rules"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.close()
    err = run.stderr.read()
    run.stderr.close()
    assert (run.wait(timeout=30), err) == (141, b"")


PROGRAM = shlex.join(COMMAND)
UNWRITABLE = {
    "a full disk": (">/dev/full", {}, "standard output: cannot be written: no space left on device"),
    "a full disk without a buffer": (
        ">/dev/full",
        {"PYTHONUNBUFFERED": "1"},
        "standard output: cannot be written: no space left on device",
    ),
    "closed": (">&-", {}, "standard output: cannot be written: bad file descriptor"),
}


@pytest.mark.parametrize(
    "command", ["rules", "--help", "check -h", "--version", "explain spf/too-many-lookups"]
)
@pytest.mark.parametrize(("where", "more", "words"), UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_an_output_that_cannot_be_written_is_told(
    command: str, where: str, more: dict[str, str], words: str
) -> None:
    environment = {**{k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}, **more}
    done = subprocess.run(
        ["sh", "-c", f"{PROGRAM} {command} {where}"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, f"maildiag: {words}\n")


def test_without_a_buffer_a_write_that_stops_half_way_is_told(tmp_path: Path) -> None:
    """A limit on a file's size cuts as a full disk does: what fits is written, and the rest is not."""
    done = subprocess.run(
        ["sh", "-c", f"trap '' XFSZ; ulimit -f 4; {PROGRAM} rules >{tmp_path / 'rules'}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "maildiag: standard output: cannot be written: file too large\n",
    )


def test_standard_streams_may_be_closed(tmp_path: Path) -> None:
    def run(arguments: str) -> subprocess.CompletedProcess[str]:
        line = f"{PROGRAM} {arguments}"
        return subprocess.run(["sh", "-c", line], capture_output=True, text=True, cwd=tmp_path, check=False)

    done = run("check - -n 127.0.0.1:1 <&-")
    assert (done.returncode, done.stderr) == (
        2,
        "maildiag: standard input: cannot be read: bad file descriptor\n",
    )
    done = run("check a.example -n 127.0.0.1:1 --only mx -f json -o r.json <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert "results" in json.loads((tmp_path / "r.json").read_text())


def test_a_bug_of_ours_is_one_line(maildiag: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("diag.cli.index.entries", broken)
    done = maildiag("rules")
    assert (done.code, done.out, done.err.count("\n")) == (4, "", 1)
    assert "this is a bug of ours: RuntimeError: two lines (" in done.err
    assert Path(__file__).name in done.err


def report(*results: Result, required: tuple[str, ...] = ("dns",)) -> Report:
    return Report(Target("a.example"), packaged("lantern").moment, results, {}, {}, required=required)


def result(status: Status, area: str = "mx") -> Result:
    return Result("c", "claim", area, "a.example", status, could=Severity.ERROR)


def test_the_first_exit_code_that_fits_is_taken() -> None:
    assert exits.first({0, 3, 4, 1, 2, 130}) == 130
    assert exits.first({0, 3, 4, 1, 2}) == 2
    assert exits.first({0, 3, 4, 1}) == 1
    assert exits.first({0, 3, 4}) == 4
    assert exits.first({0, 3}) == 3
    assert exits.first({0}) == exits.first(()) == 0


def test_a_crash_goes_before_what_could_not_be_determined() -> None:
    both = report(result(Status.CRASHED), result(Status.INCONCLUSIVE))
    assert exits.code_of(both, Severity.ERROR) == 4
    assert exits.code_of(report(result(Status.INCONCLUSIVE)), Severity.ERROR) == 3
    assert exits.code_of(report(result(Status.PASSED)), Severity.ERROR) == 0


def test_only_required_areas_make_a_run_undetermined() -> None:
    open_smtp = result(Status.INCONCLUSIVE, "smtp")
    assert exits.code_of(report(open_smtp), Severity.ERROR) == 0
    assert exits.code_of(report(open_smtp, required=("dns", "smtp")), Severity.ERROR) == 3


def test_a_check_that_crashes_exits_with_4(
    maildiag: Run, lantern: Reachable, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diag.run import runner

    def broken(**_: object) -> Iterator[object]:
        raise RuntimeError("a bug of ours")

    judge_one = runner._judge_one

    def judged(judgement, *rest):
        if judgement.check.name == "null_mx_stands_alone":
            check = dataclasses.replace(judgement.check, function=broken)
            judgement = dataclasses.replace(judgement, check=check)
        return judge_one(judgement, *rest)

    monkeypatch.setattr(runner, "_judge_one", judged)
    done = maildiag("check", lantern.domain, *lantern.arguments(profile), "--only", "mx")
    assert done.code == 4
    assert "RuntimeError: a bug of ours" in " ".join(done.out.split())
