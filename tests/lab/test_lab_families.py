"""Hosts with addresses of both families: what is dead over IPv6 is told where IPv6 works, and left open elsewhere."""

from __future__ import annotations

import errno
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lab import families, processes, world
from lab.addresses import SIX

pytestmark = pytest.mark.lab

MAILDIAG = Path(sys.executable).parent / "maildiag"


@dataclass(frozen=True)
class Seen:
    """A report: rule and subject of what was found, and what was left open."""

    found: set[tuple[str, str]]
    undecided: dict[str, set[str]]
    messages: list[str]


@dataclass(frozen=True)
class Both:
    """A world in a namespace with both families."""

    space: families.Namespace
    world: world.World

    def check(self, reference: str, *more: str) -> dict[str, Seen]:
        """Check the domains whose MX hosts have addresses of both families."""
        profile = Path(self.world.folder) / f"{reference}-{more[-1]}.toml"
        profile.write_text(f'references = ["{reference}"]\n')
        done = self.space.run(
            *(str(MAILDIAG), "check", "-q", "-f", "json"),
            *("-n", self.world.resolver, "--ca-file", self.world.root_ca),
            *("--selector", self.world.selector, "--public", "127.25.0.0/16", "--public", "fd25::/64"),
            *("--profile", str(profile), *more),
        )
        decoder, seen, at = json.JSONDecoder(), {}, 0
        while done.stdout[at:].strip():
            report, at = decoder.raw_decode(done.stdout, len(done.stdout) - len(done.stdout[at:].lstrip()))
            seen[report["target"]["domain"]] = _seen(report)
        assert seen, done.stderr
        return seen


def _seen(report: Any) -> Seen:
    results = report["results"]
    assert [result for result in results if result["status"] == "crashed"] == []
    found = [finding for result in results for finding in result["findings"]]
    undecided: dict[str, set[str]] = {}
    for result in results:
        if result["status"] == "inconclusive":
            undecided.setdefault(result["area"], set()).add(result["subject"])
    return Seen(
        {(each["rule"], each["subject"]) for each in found}, undecided, [each["message"] for each in found]
    )


@pytest.fixture(scope="module")
def both(real_servers: None) -> Iterator[Both]:
    with (
        families.namespace() as space,
        tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name)
        try:
            started = space.run(sys.executable, "-m", "lab", "start", folder)
            assert started.returncode == 0, started.stderr
            yield Both(space, world.World.load(folder))
        finally:
            processes.stop(folder)


DEAD = {"dead-ipv6.test": "fd25::dead", "gone-ipv6.test": "fd25::90e", "silent-ipv6.test": "fd25::511e"}
SAID = {
    "dead-ipv6.test": "refuses connections on port 25.",
    "gone-ipv6.test": "cannot be reached.",
    "silent-ipv6.test": "does not answer on port 25.",
    "half-dead-ipv6.test": "refuses connections on port 25.",
}
AREAS = ("smtp", "certificates", "tls")


def place(domain: str, address: str) -> str:
    return f"mx.{domain} [{address}]:25"


def open_for(domain: str, *addresses: str) -> dict[str, set[str]]:
    """What is left open where nothing can be said of some addresses of the mail host."""
    of_places = {area: {place(domain, each) for each in addresses} for area in AREAS}
    return {**of_places, "delivery": {domain}, "consistency": {f"mx.{domain}"}}


HEARD = """
import socket, sys
for address in sys.argv[1:]:
    try:
        with socket.create_connection((address, 25), 2) as connection:
            print(connection.recv(4).decode())
    except OSError as error:
        print(type(error).__name__, error.errno)
"""


def test_the_addresses_are_as_planted(both: Both) -> None:
    heard = both.space.run(sys.executable, "-c", HEARD, *itertools.chain(*itertools.chain(*SIX.values())))
    refused, nobody = f"ConnectionRefusedError {errno.ECONNREFUSED}", f"OSError {errno.ENETUNREACH}"
    assert heard.stdout.split("\n")[:-1] == ["220 ", refused, nobody, "TimeoutError None", "220 ", refused]


SILENT = ("--timeout", "5", "silent-ipv6.test")
"""Less patience than a minute, for the one domain where nothing is heard."""


@pytest.fixture(scope="module")
def reports(both: Both) -> dict[str, dict[str, Seen]]:
    """By reference host: one that answers over IPv6, and one that has no such address. The runs mostly wait."""
    six, four = "both-families.test", "sound.test"
    others = [f"{name}.test" for name in SIX if f"{name}.test" not in SILENT]
    runs = ((six, *others), (six, *SILENT), (four, "dead-ipv6.test"), (four, *SILENT))
    found: dict[str, dict[str, Seen]] = {six: {}, four: {}}
    with ThreadPoolExecutor() as pool:
        for (reference, *_), seen in zip(runs, pool.map(lambda run: both.check(*run), runs), strict=True):
            found[reference] |= seen
    return found


@pytest.fixture
def seen(reports: dict[str, dict[str, Seen]]) -> dict[str, Seen]:
    return reports["both-families.test"]


def test_a_mail_host_that_answers_over_both_families_is_sound(seen: dict[str, Seen]) -> None:
    assert seen["both-families.test"] == Seen(set(), {}, [])


@pytest.mark.parametrize(("domain", "address"), [*DEAD.items(), ("half-dead-ipv6.test", "fd25::22:dead")])
def test_a_dead_address_is_found_where_ipv6_works_and_nothing_else(
    domain: str, address: str, seen: dict[str, Seen]
) -> None:
    where = place(domain, address)
    assert seen[domain] == Seen({("smtp/address-unreachable", where)}, {}, [f"{where} {SAID[domain]}"])


def test_what_nobody_answered_over_ipv6_is_left_open_where_nothing_shows_that_it_works(
    reports: dict[str, dict[str, Seen]],
) -> None:
    seen = dict(reports["sound.test"])
    refused = place("dead-ipv6.test", DEAD["dead-ipv6.test"])
    assert seen.pop("dead-ipv6.test").found == {("smtp/address-unreachable", refused)}, "a refusal is heard"
    silent = "silent-ipv6.test"
    assert seen == {silent: Seen(set(), open_for(silent, DEAD[silent]), [])}


def test_nothing_is_said_of_hosts_over_ipv6_without_a_route(
    both: Both, reports: dict[str, dict[str, Seen]]
) -> None:
    assert reports, "those that need the route are made"
    both.space.run("ip", "-6", "route", "del", "default")
    domains = {"both-families.test": ["fd25::21"], "half-dead-ipv6.test": ["fd25::22", "fd25::22:dead"]}
    for domain, known in both.check("both-families.test", *domains).items():
        assert known.found == {("vantage/no-ipv6", "this machine")}
        assert known.undecided == open_for(domain, *domains[domain])
