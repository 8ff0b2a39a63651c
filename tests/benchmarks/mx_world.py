"""A world of many mail hosts, each with a domain of its own and counting who connects to it.

`python mx_world.py --hosts N` serves it until its standard input closes; at every line `count` it prints what the
hosts saw since the last one. Needs root, for standard ports, and the Debian package knot. Every host takes mail on
port 25 of an address of its own, with STARTTLS; nothing else is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.abc
from list_world import SERVER, _knot, _ready

from diag.lab.live.network import SocketWire
from diag.sandbox.certificates import Certificates
from diag.sandbox.hosts import CertificateSpec, HostSpec, Kind, Tls
from diag.sandbox.mail import Mail
from diag.sandbox.peer import Heard, TornDown, serve

NET = "127.31"


def address(number: int) -> str:
    """Where the host of that number listens: a network of its own for every one."""
    return f"{NET}.{number % 250 + 1}.{number // 250 + 1}"


def zone(hosts: int) -> Iterator[str]:
    """The zone, a record a line."""
    yield "$ORIGIN .\n$TTL 3600\n@ SOA ns.example. hostmaster.example. 1 7200 3600 1209600 300\n@ NS ns.example."
    yield f"ns.example. A {SERVER}"
    for number in range(1, hosts + 1):
        name = f"d{number}.example."
        yield f'{name} MX 10 mx.{name}\nmx.{name} A {address(number)}\n{name} TXT "v=spf1 mx -all"'


class Hosts:
    """All hosts at once; each is known by the address that was connected to."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates
        self._now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        """The most connections that a host had at a time."""
        self.total: Counter[str] = Counter()

    async def play(self, stream: anyio.abc.SocketStream) -> None:
        """One connection."""
        at = stream.extra(anyio.abc.SocketAttribute.local_address)[0]
        self.total[at] += 1
        self._now[at] += 1
        self.most[at] = max(self.most[at], self._now[at])
        host = HostSpec(
            at, 25, Kind.SMTP, Tls.STARTTLS, "mx.example", certificate=CertificateSpec("valid", ("mx.example",)),
            domains=("example",), min_version="TLSv1.2",
        )  # fmt: skip
        wire = SocketWire(stream)
        try:
            await serve(host, wire, self._certificates, Heard(at, 25), Mail())
        except* TornDown:
            pass
        finally:
            self._now[at] -= 1
            await wire.close()

    def counted(self) -> dict[str, int]:
        """What they saw, and from now on anew."""
        seen = {
            "hosts": len(self.total),
            "connections": sum(self.total.values()),
            "most_to_one": max(self.total.values(), default=0),
            "most_at_a_time": max(self.most.values(), default=0),
        }
        self.most.clear()
        self.total.clear()
        return seen


async def main(folder: Path, count: int) -> None:
    """Serve until standard input closes; the first line says where the resolver is."""
    (folder / "root.zone").write_text("\n".join(zone(count)) + "\n")
    hosts = Hosts(Certificates(datetime.now(UTC)))
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(_knot(folder)))
        stack.callback(process.terminate)
        _ready(f"d{count}.example")
        async with anyio.create_task_group() as tasks:
            for number in range(1, count + 1):
                listener = await anyio.create_tcp_listener(local_host=address(number), local_port=25)
                tasks.start_soon(listener.serve, hosts.play)
            print(json.dumps({"resolver": SERVER}), flush=True)
            stdin = anyio.wrap_file(open(0, closefd=False))  # noqa: SIM115
            while line := await stdin.readline():
                if line.strip() == "count":
                    print(json.dumps(hosts.counted()), flush=True)
            tasks.cancel_scope.cancel()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--hosts", type=int, default=500)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        anyio.run(main, Path(place), chosen.hosts)
