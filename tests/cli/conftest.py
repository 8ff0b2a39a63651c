"""Worlds played on loopback for the command line, and the arguments that lead there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dns.rdatatype
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from diag.cli import main
from diag.sandbox.serve import played
from diag.sandbox.staged import DOCUMENTATION
from diag.sandbox.world import World, packaged

PORTS = (25, 53, 80, 110, 143, 443, 465, 587, 993, 995, 2525, 4190)
NOBODY = "127.0.0.1:1"


@dataclass(frozen=True)
class Reachable:
    """A played world as a command line sees it."""

    domain: str
    resolver: str
    routes: tuple[str, ...]

    def arguments(self, profile: Path) -> list[str]:
        """What leads a `check` into the world and nowhere else."""
        return ["-n", self.resolver, *self.routes, "--profile", str(profile)]


@dataclass(frozen=True)
class Outcome:
    """How one command ended."""

    code: int
    out: str
    err: str


class Player:
    """Plays worlds on an event loop of its own, in a thread."""

    def __init__(self, portal: BlockingPortal, stack: ExitStack) -> None:
        self._portal = portal
        self._stack = stack

    def play(self, world: World) -> Reachable:
        """Play a world until the tests are over."""
        playing = self._stack.enter_context(self._portal.wrap_async_context_manager(played(world)))
        resolver = f"{playing.resolver[0]}:{playing.resolver[1]}"
        return Reachable(world.domain, resolver, tuple(_options(world, dict(playing.routes))))


def _options(world: World, routes: dict[tuple[str, int], tuple[str, int]]) -> Iterator[str]:
    """A --port-map for every address of the zone and every port: what nobody serves goes to nobody."""
    addresses = {
        str(rdata)
        for types in world.dns.zone.rrsets.values()
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        for rdata in types.get(rdtype, ())
    }
    for address in sorted(addresses):
        for port in PORTS:
            to = routes.get((address, port))
            host = f"[{address}]" if ":" in address else address
            yield "--port-map"
            yield f"{host}:{port}={f'{to[0]}:{to[1]}' if to else NOBODY}"


@pytest.fixture(scope="session")
def player() -> Iterator[Player]:
    with start_blocking_portal() as portal, ExitStack() as stack:
        yield Player(portal, stack)


@pytest.fixture(scope="session")
def harbour(player: Player) -> Reachable:
    """The broken world."""
    return player.play(packaged("harbour"))


@pytest.fixture(scope="session")
def lantern(player: Player) -> Reachable:
    """The healthy world."""
    return player.play(packaged("lantern"))


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile for laboratories: nobody outside is asked, and documentation addresses count as public."""
    path = tmp_path / "lab.toml"
    nets = ", ".join(f'"{net}"' for net in DOCUMENTATION)
    path.write_text(f"references = []\npublic = [{nets}]\n[limits]\npause = 0\n")
    return path


Run = Callable[..., Outcome]


@pytest.fixture
def maildiag(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command in this process, in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str | Path) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
