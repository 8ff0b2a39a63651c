"""Starting, awaiting and stopping exactly our own processes: known by pid and start time, no recycled one is hit."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_START_TIME = 19  # of the fields after the command name; proc(5) counts it as field 22
_RECORD = "pids"
_SPEAKS_LAST = (53, 443, 465, 993, 995, 10023)  # ports where the server waits for the client
_READY_S = 30.0


@dataclass(frozen=True)
class Recorded:
    """One process of the world; `born` is its start time in clock ticks since boot."""

    pid: int
    born: str
    name: str

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie counts as gone."""
        fields = _stat(self.pid)
        return bool(fields) and fields[_START_TIME] == self.born and fields[0] != "Z"

    def send(self, what: signal.Signals) -> None:
        """Send a signal, unless the process has gone."""
        if self.alive:
            os.kill(self.pid, what)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def launch(folder: Path, name: str, *argv: str | Path) -> "subprocess.Popen[bytes]":
    """Start a server in a session of its own, its output in log/NAME.out, and record it in `folder`."""
    with (folder / "log" / f"{name}.out").open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=folder,
        )
    fields = _stat(process.pid)
    if fields:
        with (folder / _RECORD).open("a") as record:
            record.write(f"{process.pid} {fields[_START_TIME]} {name}\n")
    return process


def wait_until_answered(address: str, port: int, started: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Wait until a server answers there; give up at once when one of those started has ended by itself."""
    until = time.monotonic() + _READY_S
    while not answers(address, port):
        complain_of_ended(started)
        if time.monotonic() > until:
            raise SystemExit(f"lab: no answer at {address}:{port}")
        time.sleep(0.02)


def answers(address: str, port: int) -> bool:
    """Whether a server takes a connection there and, where servers speak first, speaks."""
    try:
        with socket.create_connection((address, port), 5) as connection:
            return port in _SPEAKS_LAST or bool(connection.recv(1))
    except OSError:
        return False


def complain_of_ended(started: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Give up, with their names, when servers have ended that should run."""
    ended = [str(process.args) for process in started if process.poll() is not None]
    if ended:
        raise SystemExit(f"lab: ended by itself: {', '.join(ended)}")


def recorded(folder: Path) -> list[Recorded]:
    """The processes recorded in `folder`, oldest first; empty when the world was stopped or never started."""
    record = folder / _RECORD
    if not record.exists():
        return []
    rows = (line.split() for line in record.read_text().splitlines())
    return [Recorded(int(pid), born, name) for pid, born, name in rows]


def stop(folder: Path, patience_s: float = 8.0) -> None:
    """End what `folder` records, the youngest first: politely, then by force; say what would not end."""
    left = recorded(folder)
    for what, seconds in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 3.0)):
        for process in reversed(left):
            process.send(what)
        until = time.monotonic() + seconds
        while any(process.alive for process in left) and time.monotonic() < until:
            time.sleep(0.02)
        left = [process for process in left if process.alive]
        if left and what == signal.SIGTERM:
            print("lab: had to kill " + ", ".join(process.name for process in left), file=sys.stderr)
    if left:
        raise SystemExit("lab: still running: " + ", ".join(process.name for process in left))
    (folder / _RECORD).unlink(missing_ok=True)
