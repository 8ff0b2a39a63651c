"""The world that is measured: copies of the healthy one on loopback, at standard ports, a round trip away.

`python world.py --rtt MS --domains N` plays it until its standard input closes, and then prints what was
asked of it. Needs root: the ports are the standard ones, because the programs compared know no others.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import re
import tempfile
from pathlib import Path

import anyio

from diag.sandbox.serve import played
from diag.sandbox.world import WORLDS, World, load

NET = "127.27.0"
RESOLVER = f"{NET}.5"
HEALTHY = "lantern"
FILES = (".zone", ".toml")


def domains(count: int) -> list[str]:
    """The domains of a world of this size."""
    return [f"d{number}.example" for number in range(1, count + 1)]


def build(folder: Path, count: int) -> World:
    """The healthy world so many times over, all on one set of hosts, IPv4 only, as of now."""
    zone, toml = ((WORLDS / f"{HEALTHY}{ending}").read_text() for ending in FILES)
    head, _, rest = zone.partition("$TTL")
    first = head + "$TTL" + rest
    texts = [_moved(first, "d1.example")]
    for name in domains(count)[1:]:
        # Hosts are shared: each further domain has the records, and the first one's hosts.
        body = _moved("$TTL" + rest, name).split("$ORIGIN .\n")[0]
        body = body[body.index(f"$ORIGIN {name}.") :]
        texts.append(re.sub(r"\b(mx1|mx2|mail)$", r"\1.d1.example.", body, flags=re.MULTILINE))
    (folder / "bench.zone").write_text("\n".join(texts))
    (folder / "bench.toml").write_text(_hosts(_moved(toml, "d1.example"), count))
    return load(folder / "bench")


def _moved(text: str, name: str) -> str:
    lines = [line for line in text.splitlines() if "AAAA" not in line and "ip6.arpa. PTR" not in line]
    moved = "\n".join(lines).replace("lantern.example", name).replace("198.51.100.", f"{NET}.")
    moved = moved.replace("203.0.113.", "127.28.0.").replace("192.0.2.", "127.29.0.")
    return moved.replace("100.51.198.in-addr", "0.27.127.in-addr") + "\n"


def _hosts(toml: str, count: int) -> str:
    toml = re.sub(r', "2001:db8:10::\d+"', "", toml)
    return toml.replace('domains = ["d1.example"]', f"domains = {json.dumps(domains(count))}")


def one_port(world: World) -> World:
    """The same with one MX host that listens on port 25, and nothing else that speaks."""
    kept = {place: host for place, host in world.hosts.items() if host.name.startswith(("mx1", "mta-sts"))}
    return dataclasses.replace(world, hosts=kept)


def one_host(folder: Path) -> World:
    """The healthy world with one host for everything, on all its ports."""
    zone, toml = (_moved((WORLDS / f"{HEALTHY}{ending}").read_text(), "d1.example") for ending in FILES)
    second = re.compile(r"MX +20 |^mx[12] |^_25\._tcp\.mx2| mx[12]\.d1\.example\.$")
    lines = [line for line in zone.splitlines() if not second.search(line)]
    (folder / "bench.zone").write_text("\n".join(lines).replace("mx1", "mail") + "\n")
    tables = toml.split("[[host]]")
    hosts = [table for table in tables if 'name = "mx2' not in table]
    toml = "[[host]]".join(hosts).replace("mx: mx2.d1.example\\r\\n\\\n", "")
    (folder / "bench.toml").write_text(
        _hosts(toml.replace(f"{NET}.10", f"{NET}.30").replace("mx1", "mail"), 1)
    )
    return load(folder / "bench")


async def main(rtt: float, count: int, *, alone: bool, together: bool) -> None:
    """Play until standard input closes; then print the counters as one JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        world = one_host(Path(folder)) if together else build(Path(folder), count)
        if alone:
            world = one_port(world)
        async with played(world, rtt, resolver_at=(RESOLVER, 53)) as playing:
            root = Path(folder) / "root.pem"
            root.write_bytes(world.certificates.root)
            print(json.dumps({"root": str(root)}), flush=True)
            stdin = anyio.wrap_file(open(0, closefd=False))  # noqa: SIM115
            while line := await stdin.readline():
                if line.strip() == "count":
                    counted = {
                        "questions": [[*key, many] for key, many in playing.counters.questions.items()],
                        "put_to_servers": playing.counters.put_to_servers.total(),
                        "connections": [[*key, many] for key, many in playing.counters.connections.items()],
                    }
                    print(json.dumps(counted), flush=True)
                    playing.counters.questions.clear()
                    playing.counters.put_to_servers.clear()
                    playing.counters.connections.clear()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rtt", type=float, default=0)
    options.add_argument("--domains", type=int, default=1)
    options.add_argument("--one-port", action="store_true", help="one MX host, and no other but for policies")
    options.add_argument("--one-host", action="store_true", help="one mail host, on all its ports")
    chosen = options.parse_args()
    anyio.run(
        functools.partial(main, chosen.rtt, chosen.domains, alone=chosen.one_port, together=chosen.one_host)
    )
