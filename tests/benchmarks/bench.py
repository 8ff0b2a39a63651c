"""Ratios of paired runs: this program beside others, on the same world, one after the other, several times.

`script/bench` runs it. Nothing here asserts: it prints a table with the bound beside each ratio.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import NET, RESOLVER, domains

from diag.lab.limited import Limits
from diag.lab.tape import Tape
from diag.probes.https import HttpExchange
from diag.run.registry import load
from diag.wire.transcript import Opened, Transcript

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
REPEATS = 3


@dataclass
class Row:
    """One line of the table."""

    what: str
    ours: float
    other: float
    unit: str
    bound: float | None
    ratio: float
    least: bool = False
    """Whether the ratio is to be at least the bound, and not at most."""

    @property
    def aim(self) -> str:
        """The bound in words; empty where there is none."""
        if self.bound is None:
            return ""
        return f"at {'least' if self.least else 'most'} {self.bound:.2f}"


def compiled() -> None:
    """Compile our modules, as an installation does: the programs beside us were installed, and have been."""
    for package in ("diag", "checks", "reports"):
        compileall.compile_dir(HERE.parent.parent / package, quiet=1)


class Playing:
    """The world in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], root: str) -> None:
        self._process = process
        self.root = root

    def count(self) -> dict[str, Any]:
        """What was asked since the last count."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("count", file=self._process.stdin, flush=True)
        counted: dict[str, Any] = json.loads(self._process.stdout.readline())
        return counted


@contextmanager
def playing(rtt: float, count: int = 1, *more: str) -> Iterator[Playing]:
    """A world at a distance, until the context is left."""
    command = [sys.executable, str(HERE / "world.py"), "--rtt", str(rtt), "--domains", str(count), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Playing(process, json.loads(process.stdout.readline())["root"])
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


def timed(command: Sequence[str], *, resolv_conf: Path | None = None) -> float:
    """Seconds of wall time; with a resolv.conf of its own where the program asks the machine's resolver."""
    run = list(command)
    if resolv_conf is not None:
        script = f'mount --bind {resolv_conf} /etc/resolv.conf && exec "$@"'
        run = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *run]
    began = time.perf_counter()
    subprocess.run(run, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return time.perf_counter() - began


def maildiag(root: str, *more: str, resolver: str = RESOLVER) -> list[str]:
    """Our command on the measured world."""
    return [
        str(BIN / "maildiag"),
        "check",
        *more,
        "-q",
        "-4",
        "-n",
        resolver,
        *(["--ca-file", root] if root else []),
        "--public",
        "127.0.0.0/8",
        "-f",
        "json",
    ]


def paired(ours: Sequence[str], other: Sequence[str], resolv: Path) -> tuple[float, float]:
    """Medians of runs taken in turns, so that both meet the same machine."""
    first, second = [], []
    for _ in range(REPEATS):
        first.append(timed(ours))
        second.append(timed(other, resolv_conf=resolv))
    return statistics.median(first), statistics.median(second)


def one_domain(rtt: float, resolv: Path) -> Iterator[Row]:
    """(a), (b) and (d): one domain on every port."""
    with playing(rtt) as world:
        ours = maildiag(world.root, "d1.example", "--tls", "basic")
        theirs = [str(BIN / "checkdmarc"), "-n", RESOLVER, "--check-mx-tls", "d1.example"]
        mine, other = paired(ours, theirs, resolv)
        yield Row(
            f"(b) one domain, eight ports, {rtt:g} ms / checkdmarc with MX TLS",
            mine,
            other,
            "s",
            0.30 if rtt else 1.5,
            mine / other,
        )
        world.count()
        tape = Path(tempfile.mkdtemp()) / "d1.tape"
        timed([*ours, "--save", str(tape)])
        counted = world.count()
        asked = sum(row[-1] for row in counted["questions"])
        twice = sum(row[-1] - 1 for row in counted["questions"])
        hidden = sum(row[-1] for row in counted["connections"]) - conversations(tape)
        timed(theirs, resolv_conf=resolv)
        their_questions = world.count()["questions"]
        mine_same, theirs_same = (both_look_at(rows) for rows in (counted["questions"], their_questions))
        yield Row(
            "(d) questions for the records both look at",
            mine_same,
            theirs_same,
            "",
            1.0,
            mine_same / theirs_same,
        )
        yield Row(
            "(d) all questions", asked, sum(row[-1] for row in their_questions), "", None, asked / mine_same
        )
        yield Row("(d) questions asked twice", twice, 0, "", 0, twice)
        yield Row("(d) connections that the tape does not show", hidden, 0, "", 0, hidden)
        if rtt:
            report = subprocess.run(ours, check=False, capture_output=True, text=True, timeout=600)
            told = json.loads(report.stdout)
            seconds, trips = told["seconds"], told["counts"]["round_trips"]
            yield Row(
                f"(a) wall time / critical path of {trips} round trips",
                seconds,
                trips * rtt / 1000,
                "s",
                1.5,
                seconds / (trips * rtt / 1000),
            )
        shutil.rmtree(tape.parent)


def both_look_at(questions: Sequence[Sequence[Any]]) -> int:
    """Questions for MX and SPF, DMARC, MTA-STS, TLS-RPT and TLSA records and the addresses of MX hosts."""
    texts = ("_dmarc", "_mta-sts", "_smtp")
    return sum(
        many
        for name, rdtype, many in questions
        if rdtype in ("MX", "TLSA")
        or (rdtype == "TXT" and (name == "d1.example" or name.split(".")[0] in texts))
        or (rdtype in ("A", "AAAA") and name.split(".")[0] in ("mx1", "mx2", "mail"))
    )


def conversations(tape: Path) -> int:
    """Connections that a tape shows: conversations and fetches, one each."""
    exchanges = Tape.load(tape, load().probes).exchanges
    opened = sum(
        isinstance(seen, Transcript) and any(isinstance(event, Opened) for event in seen.events)
        for seen in exchanges.values()
    )
    return opened + sum(isinstance(seen, HttpExchange) for seen in exchanges.values())


def twenty_domains(rtt: float, resolv: Path) -> Iterator[Row]:
    """(c): a list of domains, DNS only."""
    names = domains(20)
    with playing(rtt, 20) as world:
        ours = maildiag(world.root, "--no-dialogues", *names)
        theirs = [str(BIN / "checkdmarc"), "-n", RESOLVER, "--", *names]
        mine, other = paired(ours, theirs, resolv)
        yield Row(
            f"(c) 20 domains, DNS only, {rtt:g} ms / checkdmarc",
            mine,
            other,
            "s",
            0.06 if rtt else 0.5,
            mine / other,
        )


BARE = """
import typer

app = typer.Typer()

@app.command()
def one() -> None: ...

@app.command()
def two() -> None: ...

app()
"""


def start_up() -> Iterator[Row]:
    """(e): what does not look at a domain costs no more than a bare program."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        for what in ("--help", "rules"):
            ours, other = [], []
            for _ in range(REPEATS * 3):
                ours.append(timed([str(BIN / "maildiag"), what]))
                other.append(timed([sys.executable, str(bare), "--help"]))
            mine, theirs = statistics.median(ours), statistics.median(other)
            yield Row(f"(e) maildiag {what} / a bare typer program", mine, theirs, "s", 1.3, mine / theirs)


def beside_sslyze() -> Iterator[Row]:
    """(f): eight ports of one host beside sslyze --certinfo over the seven it knows how to."""
    sslyze = os.environ.get("SSLYZE") or shutil.which("sslyze", path=str(BIN))
    if sslyze is None:
        print("bench: no sslyze here: (f) is left out; name the program in SSLYZE", file=sys.stderr)
        return
    starttls = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3"}
    host = f"{NET}.30"
    with playing(0) as world:
        runs = []
        for port in (587, 465, 143, 993, 110, 995):
            how = ["--starttls", starttls[port]] if port in starttls else []
            runs.append([sslyze, "--certinfo", *how, f"{host}:{port}"])
        runs.append([sslyze, "--certinfo", "--starttls", "smtp", f"{NET}.10:25"])
        world.count()
        ours = timed(maildiag(world.root, "d1.example", "--tls", "basic"))
        my_connections = sum(row[-1] for row in world.count()["connections"] if row[1] != 443)
        began = time.perf_counter()
        processes = [
            subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for run in runs
        ]
        for process in processes:
            process.wait(120)
        theirs = time.perf_counter() - began
        their_connections = sum(row[-1] for row in world.count()["connections"])
        yield Row("(f) eight ports / sslyze --certinfo over seven", ours, theirs, "s", 1.0, ours / theirs)
        yield Row(
            "(f) connections / those of sslyze",
            my_connections,
            their_connections,
            "",
            1 / 3,
            my_connections / max(1, their_connections),
        )


def whole_tls() -> Iterator[Row]:
    """(g): all that one STARTTLS port speaks, beside sslyze and testssl.sh; the default depth beside one handshake."""
    place, mx = f"{NET}.10", "mx1.d1.example"
    sslyze = os.environ.get("SSLYZE") or shutil.which("sslyze", path=str(BIN))
    testssl = shutil.which("testssl.sh") or shutil.which("testssl")
    for rtt, bound in ((50, 0.1), (0, None)):
        with playing(rtt, 1, "--one-port") as world:
            ours = maildiag(world.root, "d1.example", "--tls", "full")
            mine = statistics.median(timed(ours) for _ in range(REPEATS))
            world.count()
            timed(ours)
            my_connections = _connections(world, place)
            yield Row(
                f"(g) --tls full on one STARTTLS port, {rtt:g} ms",
                mine,
                3,
                "s",
                1.0 if rtt else None,
                mine / 3,
            )
            yield Row("(g) its connections", my_connections, 29, "", 1.0, my_connections / 29)
            if sslyze is not None:
                theirs = timed([sslyze, "--starttls", "smtp", f"{mx}:25{{{place}}}"])
                their_connections = _connections(world, place)
                yield Row(f"(g) the same / sslyze, {rtt:g} ms", mine, theirs, "s", bound, mine / theirs)
                yield Row(
                    "(g) connections / those of sslyze",
                    my_connections,
                    their_connections,
                    "",
                    1 / 20,
                    my_connections / max(1, their_connections),
                )
            if testssl is not None and not rtt:
                theirs = timed([testssl, "--quiet", "--starttls", "smtp", "--ip", place, f"{mx}:25"])
                yield Row(f"(g) the same / testssl.sh, {rtt:g} ms", mine, theirs, "s", 1 / 20, mine / theirs)
    with playing(50) as world:
        basic, standard = (
            maildiag(world.root, "d1.example", "--tls", depth) for depth in ("basic", "standard")
        )
        one, more = (statistics.median(timed(run) for _ in range(REPEATS)) for run in (basic, standard))
        yield Row(
            "(g) one domain, eight ports, 50 ms / the same with --tls basic", more, one, "s", None, more / one
        )
    with playing(50, 1, "--one-host") as world:
        runs = [_told(maildiag(world.root, "d1.example")) for _ in range(REPEATS)]
        told = statistics.median_low(runs)
        yield Row(
            "(g) one host with eight ports: seconds / its longest chain", *told, "s", 1.25, told[0] / told[1]
        )


def _told(command: Sequence[str]) -> tuple[float, float]:
    """The seconds of a run, and those of its longest chain of round trips, as its report has them; 50 ms each."""
    report = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    told = json.loads(report.stdout)
    return told["seconds"], told["counts"]["round_trips"] * 0.05


def many_hosts(count: int) -> Iterator[Row]:
    """(h): as many MX hosts in one run, each of a domain and an operator of its own; what each of them saw of us."""
    memory: list[float] = []
    for hosts in (count // 10, count):
        command = [sys.executable, str(HERE / "mx_world.py"), "--hosts", str(hosts)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            resolver = json.loads(process.stdout.readline())["resolver"]
            world = Playing(process, "")
            began = time.perf_counter()
            memory.append(_peak(maildiag("", *domains(hosts), resolver=resolver)))
            seconds = time.perf_counter() - began
            saw = world.count()
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)
    limits = Limits()
    at_a_time, in_all = limits.connections_per_service, limits.connections_in_all
    most, total = saw["most_at_a_time"], saw["most_to_one"]
    yield Row(
        f"(h) {count} MX hosts: the most connections at a time that one saw",
        most,
        at_a_time,
        "",
        1.0,
        most / at_a_time,
    )
    yield Row("(h) the most that one saw in all", total, in_all, "", 1.0, total / in_all)
    yield Row("(h) hosts that were talked to", saw["hosts"], count, "", None, saw["hosts"] / count)
    yield Row("(h) hosts a second", count / seconds, 1, "", None, count / seconds)
    yield Row(
        f"(h) memory of {count} hosts / of {count // 10}",
        memory[1],
        memory[0],
        "MiB",
        None,
        memory[1] / memory[0],
    )


def _connections(world: Playing, address: str) -> int:
    """Connections to one address since the last count."""
    return sum(row[-1] for row in world.count()["connections"] if row[0] == address)


@contextmanager
def listed(rtt: float, count: int) -> Iterator[str]:
    """The world of synthetic domains; its server."""
    command = [sys.executable, str(HERE / "list_world.py"), "--rtt", str(rtt), "--domains", str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["resolver"]
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


CHECKDMARCS_AREAS = ("mx", "spf", "dmarc", "mta-sts", "tlsrpt", "bimi", "dnssec")
"""What checkdmarc judges of a domain without being told."""
USUAL_QUESTIONS = 1600
"""Questions a second of dnspython's own resolver on the machine that the aim of 60 domains a second was set for."""


def long_list(count: int) -> Iterator[Row]:
    """Synthetic domains, the DNS alone: domains a second, beside checkdmarc and beside bare questions."""
    yield from _without_delay(count)
    yield from _at_a_distance(count // 4, 50)


def _without_delay(count: int) -> Iterator[Row]:
    cores = f"on {len(os.sched_getaffinity(0))} cores"
    with listed(0, count) as resolver:
        ours = _in_bulk(resolver)
        alone = [*ours, "--processes", "1"]
        alike = [*ours, *(word for area in CHECKDMARCS_AREAS for word in ("--only", area))]
        rounds = [
            (
                _bare_questions(resolver, count),
                _rate(alone, count // 4),
                _rate(alone, count),
                _rate(ours, count),
                _rate(alike, count),
                _checkdmarcs_rate(resolver, count),
            )
            for _ in range(REPEATS)
        ]
    asked, quarter, single, spread, same, other = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    what = f"domains a second of {count}, 0 ms"
    yield Row(f"{what}, one process / 60", single, 60, "", 1, single / 60, least=True)
    yield Row(f"{what}, one process / of {count // 4}", single, quarter, "", 1, single / quarter, least=True)
    yield Row(f"{what}, one process / checkdmarc", single, other, "", None, single / other)
    yield Row(f"{what}, {cores} / checkdmarc", spread, other, "", 5, spread / other, least=True)
    yield Row(
        f"{what}, its own areas alone, {cores} / checkdmarc", same, other, "", 5, same / other, least=True
    )
    yield Row(
        "questions a second of dnspython / 1,600", asked, USUAL_QUESTIONS, "", None, asked / USUAL_QUESTIONS
    )


def _at_a_distance(count: int, rtt: float) -> Iterator[Row]:
    with listed(rtt, count) as resolver:
        single = _rate([*_in_bulk(resolver), "--processes", "1"], count)
        other = _checkdmarcs_rate(resolver, 20)
    yield Row(
        f"domains a second of {count}, {rtt:g} ms, one process / checkdmarc",
        single,
        other,
        "",
        25,
        single / other,
        least=True,
    )


def _in_bulk(resolver: str) -> list[str]:
    return maildiag("", "--dns-only", "--public", "198.18.0.0/15", resolver=resolver)


def _checkdmarcs_rate(resolver: str, count: int) -> float:
    """Domains a second of checkdmarc, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        resolv = Path(folder) / "resolv.conf"
        resolv.write_text(f"nameserver {resolver}\n")
        theirs = [str(BIN / "checkdmarc"), "-n", resolver, "--", *domains(count)]
        return count / timed(theirs, resolv_conf=resolv)


def _rate(ours: Sequence[str], count: int) -> float:
    """Domains a second, start-up included."""
    return count / timed([*ours, *domains(count)])


BARE_QUESTIONS = """
import asyncio, sys, time
import dns.asyncresolver

async def main(server, count):
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [server]
    room = asyncio.Semaphore(50)
    async def one(number):
        async with room:
            await resolver.resolve(f"d{number % count + 1}.example", "MX")
    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(2000)))
    print(2000 / (time.perf_counter() - began))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def _bare_questions(server: str, count: int) -> float:
    """Questions a second of dnspython's own resolver, which tells how fast the machine is just now."""
    command = [sys.executable, "-c", BARE_QUESTIONS, server, str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)


def memory(count: int) -> Iterator[Row]:
    """Memory of one domain and of many in one run, in MiB."""
    for many in (1, count):
        with playing(0, many) as world:
            more = ["--no-dialogues"] if many > 1 else []
            mib = _peak(maildiag(world.root, *more, *domains(many)))
            yield Row(
                f"memory of {many} domain{'s' if many > 1 else ''}",
                mib,
                100,
                "MiB",
                1.0 if many == 1 else None,
                mib / 100,
            )


def _peak(command: Sequence[str]) -> float:
    """The most resident memory of one program, in MiB, as the kernel counts it."""
    probe = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *command], check=True, capture_output=True, text=True, timeout=900
    )
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Run the parts asked for and print a table in Markdown."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "parts", nargs="*", default=["one", "twenty", "start", "sslyze", "tls", "list", "memory", "hosts"]
    )
    options.add_argument("--many", type=int, default=2000, help="domains in the long runs")
    chosen = options.parse_args()
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        resolv = Path(folder) / "resolv.conf"
        resolv.write_text(f"nameserver {RESOLVER}\n")
        parts: dict[str, Callable[[], Iterable[Row]]] = {
            "one": lambda: [*one_domain(50, resolv), *one_domain(0, resolv)],
            "twenty": lambda: [*twenty_domains(50, resolv), *twenty_domains(0, resolv)],
            "start": start_up,
            "sslyze": beside_sslyze,
            "tls": whole_tls,
            "list": lambda: long_list(chosen.many),
            "memory": lambda: memory(chosen.many),
            "hosts": lambda: many_hosts(500),
        }
        print("| what | ours | other | ratio | aim |\n|---|---|---|---|---|")
        for part in chosen.parts:
            for row in parts[part]():
                print(
                    f"| {row.what} | {row.ours:.3g} {row.unit} | {row.other:.3g} {row.unit} | {row.ratio:.2f} | {row.aim} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
