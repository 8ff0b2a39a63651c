"""A network namespace with addresses of both families, for a world of its own: loopback has no IPv6 address but ::1.

    unshare --net python -m lab.families

Gives the namespace its addresses, says so, and holds it until standard input ends.  Nothing leaves it: its routes
lead back to itself, and are there because a checker without a route to a family says nothing of it.
"""

import contextlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.addresses import GONE, SILENT, SIX
from lab.files import run

OURS = "fd25::1"
"""Where a checker comes from."""


def here() -> bool:
    """Whether the IPv6 addresses of the world are this machine's, as they are in the namespace only."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind((OURS, 0))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Namespace:
    """One that lives as long as the process `pid` holds it."""

    pid: int

    def run(self, *command: str | Path, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a command in it to its end."""
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net", *map(str, command)]
        return subprocess.run(
            inside, capture_output=True, text=True, timeout=seconds, check=False, env=_environment()
        )


def _environment() -> dict[str, str]:
    """Ours, with the folder that `lab` is a package of on the path."""
    known = os.environ.get("PYTHONPATH")
    above = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": f"{above}{os.pathsep}{known}" if known else above}


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """A namespace that is there until the end of the block."""
    with subprocess.Popen(
        ["unshare", "--net", sys.executable, "-m", "lab.families"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(),
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            if not holder.stdout.readline():
                raise SystemExit("lab: no network namespace could be made")
            yield Namespace(holder.pid)
        finally:
            holder.stdin.close()


def _hold() -> None:
    there = [at for at in itertools.chain(*itertools.chain(*SIX.values())) if at != GONE]
    run("ip", "link", "set", "lo", "up")
    for at in (OURS, *there):
        run("ip", "-6", "addr", "add", f"{at}/128", "dev", "lo", "nodad")
    run("ip", "-6", "route", "add", "default", "dev", "lo", "src", OURS)
    run("ip", "route", "add", "default", "dev", "lo", "src", "127.0.0.1")
    with (
        socket.create_server((SILENT, 25), family=socket.AF_INET6, backlog=0),
        contextlib.ExitStack() as waiting,
    ):
        for _ in range(3):  # whoever comes after those that fill the queue hears nothing, not even a refusal
            client = waiting.enter_context(socket.socket(socket.AF_INET6))
            client.setblocking(False)
            client.connect_ex((SILENT, 25))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _hold()
