"""A list spread over processes: the same reports in the same order, one ending for all, and nobody left behind."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest
from conftest import Reachable

from diag.cli import workers
from diag.cli.workers import LEAST, number, share
from diag.lab.limited import Limits
from diag.model.target import Target

PROGRAM = "from diag.cli import program; program()"
DNS_ONLY = Target("", dialogues=False, dns_only=True)
POLICIES = Target("", dialogues=False)
STALLED = "stalled.example"
LIST = [f"d{number}.example" for number in range(1, 6)]


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores, and no thread but this one, which other tests may have begun."""
    monkeypatch.setattr(workers, "_cores", lambda: 8)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("domains", "target", "limits", "most", "at_a_time", "expected"),
    [
        (2000, DNS_ONLY, Limits(), None, None, 8),
        (LEAST * 3 - 1, DNS_ONLY, Limits(), None, None, 2),
        (LEAST * 2 - 1, DNS_ONLY, Limits(), None, None, 1),
        (1, DNS_ONLY, Limits(), 8, None, 1),
        (2000, DNS_ONLY, Limits(), 1, None, 1),
        (5, DNS_ONLY, Limits(), 3, None, 3),
        (5, DNS_ONLY, Limits(), 99, None, 5),
        (2000, DNS_ONLY, Limits(), None, 4, 4),
        (2000, DNS_ONLY, Limits(questions_per_server=3), None, None, 3),
        (2000, POLICIES, Limits(), None, None, 3),
        (2000, POLICIES, Limits(connections_per_service=9), None, None, 6),
        (2000, Target(""), Limits(), 8, None, 1),
        (2000, Target("", dialogues=False, intrusive=True), Limits(), 8, None, 1),
    ],
)
def test_how_many_processes(
    domains: int, target: Target, limits: Limits, most: int | None, at_a_time: int | None, expected: int
) -> None:
    assert number(domains, target, limits, most=most, at_a_time=at_a_time) == expected


@pytest.mark.usefixtures("eight_cores")
def test_where_nothing_can_be_forked_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as busy:
        busy.setattr(threading, "active_count", lambda: 2)
        assert number(2000, DNS_ONLY, Limits(), most=8, at_a_time=None) == 1
    monkeypatch.delattr(os, "fork")
    assert number(2000, DNS_ONLY, Limits(), most=8, at_a_time=None) == 1


def test_all_processes_together_keep_the_limits() -> None:
    limits = Limits(connections_per_service=2, questions_per_server=50, pause_after_421=7.0)
    for processes in (1, 2, 3, 8):
        its = share(limits, processes)
        assert its.questions_per_server * processes <= 50
        assert (its.connections_per_service, its.pause_after_421) == (2 // processes or 1, 7.0)
    assert share(limits, 1) == limits


class Resolver(threading.Thread):
    """Knows no name, and says nothing at all of some."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.unanswered: set[bytes] = set()

    def run(self) -> None:
        """Answer until the socket is gone."""
        with suppress(OSError):
            while True:
                octets, sender = self._socket.recvfrom(4096)
                if b"\x07stalled" in octets:
                    self.unanswered.add(octets[2:])
                    continue
                answer = dns.message.make_response(dns.message.from_wire(octets), recursion_available=True)
                answer.set_rcode(dns.rcode.NXDOMAIN)
                self._socket.sendto(answer.to_wire(), sender)


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    found = Resolver()
    found.start()
    return found


def command(where: str, profile: Path, *more: str | Path, program: str = PROGRAM) -> list[str]:
    usual = ("check", "--dns-only", "--processes", "2", "-f", "json", "-n", where, "--profile", profile)
    return [sys.executable, "-c", program, *map(str, (*usual, *more))]


def ended(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def running(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A run in a process group of its own, as at a terminal."""
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as run:
        try:
            yield run
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


def children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


def gone(pids: list[int]) -> None:
    def all_gone() -> bool:
        alive = []
        for pid in pids:
            with suppress(OSError):
                alive.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX")
        return not any(alive)

    until(all_gone, f"{pids} are gone")


def workers_of(run: subprocess.Popen[str]) -> list[int]:
    until(lambda: len(children(run.pid)) == 2 or run.poll() is not None, "there are two workers")
    return children(run.pid)


def told(out: str) -> list[tuple[str, str]]:
    """Domain and why its report is partial, of each report."""
    return [(report["target"]["domain"], report["partial"]) for report in map(json.loads, out.splitlines())]


def judged(report: dict[str, Any]) -> Iterator[Any]:
    """Every result but for the ids of its evidence, which follow the order of the answers."""
    for result in report["results"]:
        found = [(finding["rule"], finding["message"], finding["fix"]) for finding in result["findings"]]
        yield result["check"], result["subject"], result["status"], result["because"], found


@pytest.mark.slow
def test_two_processes_tell_what_one_tells(harbour: Reachable, profile: Path, tmp_path: Path) -> None:
    names = [f"{label}{harbour.domain}" for label in ("", "a.", "b.", "c.", "d.", "e.")]
    seen = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        arguments = command(
            harbour.resolver, profile, "--processes", str(processes), "-f", "text", "-o", "-", "-o", folder
        )
        done = ended([*arguments, "--save", str(folder), "--only", "mx", "--only", "spf", *names])
        assert done.stderr.count("Traceback") == 0
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        files = sorted(path.name for path in folder.iterdir())
        verdicts = [(report["target"], report["grade"], list(judged(report))) for report in reports]
        seen.append((done.returncode, sorted(done.stderr.splitlines()), files, verdicts))
    one, two = seen
    assert one == two
    assert one[0] == 1, "what is found counts, whichever process finds it"
    assert [target["domain"] for target, *_ in one[3]] == names
    assert one[2] == sorted(f"{name}.{kind}" for name in names for kind in ("tape", "text"))


SPREAD = """
import os
from functools import partial
import anyio
from diag.cli.session import Session
from diag.cli.workers import Workers

class Look:
    def __init__(self, name):
        self.name = name

    async def run(self):
        await anyio.sleep(2 if self.name == "slow" else {others})
        return self.name, os.getpid()

def done(found):
    return partial(print, *found)

names = ["slow", *map(str, range({many} - 1))]
with Workers({count}, Look) as workers:
    session = Session(workers.begin, done, side_by_side={at_a_time})
    anyio.run(workers.attended, partial(session.run, names))
print("parent", os.getpid())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "at_a_time", "many", "others", "expected"),
    [(2, 10, 10, 1, [5, 5]), (5, 10, 10, 1, [2, 2, 2, 2, 2]), (2, 2, 4, 0, [1, 3])],
)
def test_a_domain_goes_to_the_worker_with_the_fewest_in_hand(
    count: int, at_a_time: int, many: int, others: float, expected: list[int]
) -> None:
    program = SPREAD.format(count=count, at_a_time=at_a_time, many=many, others=others)
    done = ended([sys.executable, "-c", program])
    assert done.stderr == ""
    *found, (_, parent) = (line.split() for line in done.stdout.splitlines())
    assert [name for name, _ in found] == ["slow", *map(str, range(many - 1))]
    by = Counter(pid for _, pid in found)
    assert sorted(by.values()) == expected
    assert parent not in by


@pytest.mark.slow
def test_the_line_at_a_terminal_counts_what_all_have_asked(
    resolver: Resolver, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen, terminal = pty.openpty()
    arguments = command(resolver.place, profile, *LIST)
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=terminal, check=False, timeout=60)
    os.close(terminal)
    shown = ""
    with suppress(OSError):  # how a terminal whose other end is closed says that there is no more
        while True:
            shown += os.read(screen, 4096).decode()
    os.close(screen)
    assert done.returncode == 0
    states = re.findall(r"(\d) of 5 domains; (\d+) questions", shown)
    asked = {int(number): int(questions) for number, questions in states}
    assert list(asked) == sorted(asked), "one writes there, and not its workers"
    assert asked[0] == 0
    assert asked[5] > 5 * 10


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done_and_leaves_nobody_behind(
    resolver: Resolver, profile: Path, tmp_path: Path
) -> None:
    names = [*LIST[:2], STALLED, *LIST[2:]]
    with running(command(resolver.place, profile, "--save", tmp_path, *names)) as run:
        pids = workers_of(run)
        until(lambda: len(list(tmp_path.glob("d*.tape"))) == len(LIST), "all others are done")
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert told(out) == [(name, "interrupted" if name == STALLED else "") for name in names]
    assert f"{STALLED}: the report is partial: interrupted" in err
    assert "Traceback" not in err
    gone(pids)
    assert len(pids) == 2


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_second_ctrl_c_ends_all_at_once(
    resolver: Resolver, profile: Path, tmp_path: Path, pause: float
) -> None:
    names = [*LIST, *(f"{label}.{STALLED}" for label in "ab")]
    with running(command(resolver.place, profile, "--save", tmp_path, *names)) as run:
        pids = workers_of(run)
        until(lambda: any(tmp_path.glob("d*.tape")), "the first is done")
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(pause)
        os.killpg(run.pid, signal.SIGINT)
        _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert all(line.startswith("maildiag: ") for line in err.splitlines()), err
    gone(pids)
    assert not list(tmp_path.glob(".*")), "no tape is left half-written"


@pytest.mark.slow
def test_a_parent_that_is_killed_leaves_nobody_behind(resolver: Resolver, profile: Path) -> None:
    with running(command(resolver.place, profile, STALLED, *LIST)) as run:
        pids = workers_of(run)
        run.kill()
        gone(pids)
    assert len(pids) == 2


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_ends_the_run(resolver: Resolver, profile: Path, sent: signal.Signals) -> None:
    with running(command(resolver.place, profile, STALLED, *LIST)) as run:
        pids = workers_of(run)
        for pid in pids[:1]:
            os.kill(pid, sent)
        _, err = run.communicate(timeout=30)
    assert run.returncode == 4, err
    words = f"maildiag: a process of this run was ended by signal {sent.value} ("
    assert [line for line in err.splitlines() if line.startswith(words)], err
    assert "Traceback" not in err
    gone(pids)


BROKEN = """
import diag.run.diagnose as module
from diag.model.report import Status
judge = module.judge

def judged(plan, facts, target):
    if target.domain == "d3.example":
        {how}
    return judge(plan, facts, target)

module.judge = judged
"""
CRASHED = (
    "return [__import__('dataclasses').replace(r, status=Status.CRASHED) for r in judge(plan, facts, target)]"
)


def test_a_check_that_crashes_in_a_worker_counts(resolver: Resolver, profile: Path) -> None:
    program = BROKEN.format(how=CRASHED) + PROGRAM
    arguments = command(resolver.place, profile, "--fail-on", "never", *LIST, program=program)
    done = ended(arguments)
    assert (done.returncode, [name for name, _ in told(done.stdout)]) == (4, LIST), done.stderr


@pytest.mark.slow
def test_a_bug_of_ours_in_a_worker_is_one_line(resolver: Resolver, profile: Path) -> None:
    program = BROKEN.format(how="raise RuntimeError('two\\nlines')") + PROGRAM
    said = []
    for processes in ("1", "2"):
        arguments = command(resolver.place, profile, "--processes", processes, *LIST, program=program)
        done = ended(arguments)
        said.append((done.returncode, done.stderr))
    assert said[0] == said[1]
    assert said[0][0] == 4
    assert said[0][1].startswith("maildiag: this is a bug of ours: RuntimeError: two lines (<string>:")
    assert said[0][1].count("\n") == 1


@pytest.mark.slow
def test_the_deadline_is_for_all_processes(resolver: Resolver, profile: Path) -> None:
    arguments = command(resolver.place, profile, "--deadline", "2", STALLED, f"a.{STALLED}", *LIST[:2])
    done = ended(arguments)
    reports: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3, done.stderr
    assert [bool(report["partial"]) for report in reports] == [True, True, False, False]


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_ends_all(resolver: Resolver, profile: Path) -> None:
    with running(command(resolver.place, profile, *LIST, STALLED)) as run:
        pids = workers_of(run)
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert (run.stderr.read(), run.wait(timeout=30)) == ("", 141)
    gone(pids)


def test_what_comes_back_of_a_domain_that_was_given_up_a_moment_ago_is_passed_over() -> None:
    async def heard() -> str | None:
        ours, theirs = socket.socketpair()
        worker: workers._Worker[str] = workers._Worker(0, ours)
        await worker.open()
        # As it is between a task's cancelling and its next turn, in which it would take this away.
        worker.looking["early"] = asyncio.get_running_loop().create_future()
        worker.looking["early"].cancel()
        listening = asyncio.create_task(worker.listen())
        late = asyncio.create_task(worker.look("late"))
        for name in ("early", "late"):
            theirs.sendall(workers._framed((name, f"what was found of {name}")))
        await asyncio.wait([listening, late], return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        await asyncio.wait([listening])
        worker.leave()
        theirs.close()
        return late.result()

    assert asyncio.run(heard()) == "what was found of late"


@pytest.mark.slow
def test_two_processes_ask_no_more_at_a_time_than_one(profile: Path) -> None:
    profile.write_text(profile.read_text() + "questions = 2\n")
    asked = []
    for processes in ("1", "2"):
        stalling = Resolver()
        stalling.start()
        names = [f"{label}.{STALLED}" for label in "abcd"]
        with running(command(stalling.place, profile, "--processes", processes, *names)):
            until(lambda its=stalling: len(its.unanswered) >= 4, "as many as may be are under way")  # type: ignore[misc]
            time.sleep(0.5)  # the first are given up after 1.5 seconds
            asked.append(len(stalling.unanswered))
    assert asked == [4, 4]


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many"])
def test_a_number_that_is_none_is_refused(given: str, resolver: Resolver, profile: Path) -> None:
    done = ended(command(resolver.place, profile, "--processes", given, *LIST))
    assert done.returncode == 2
    assert f"{given}: expected a whole number from 1" in done.stderr
