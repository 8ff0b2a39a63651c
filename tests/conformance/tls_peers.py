"""Versions and suites of real mail servers, as this program, sslyze and testssl.sh find them: programs beside programs.

Needs the laboratory (tests/lab) and sslyze (named in SSLYZE) or testssl.sh; what is not here is left out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the folder that `lab` is a package of

from lab import processes, world

from diag.tls.offer import VERSION_NAMES
from diag.tls.suites import by_openssl, every

Spoken = Mapping[str, frozenset[str]]
"""Suites, as IANA calls them, by version."""

NET = "127.24"
PROFILE = 'tls = "full"\n[limits]\noffers = 400\n'
STARTTLS = {25: "smtp", 587: "smtp", 2525: "smtp", 143: "imap", 110: "pop3"}
DOMAINS = ("sound.test", "tls10.test", "anon.test")
"""Mail domains of the laboratory; the first one's hosts for mail programs are those of all."""
SLOW = {("mx.sound.test", 25), ("mx.tls10.test", 25), ("imap.lab.test", 993)}
"""What testssl.sh is shown: it takes a minute each."""
REASONS = {
    ("sslyze", "mx.anon.test"): "sslyze gives up where no suite has a certificate; this host takes no others",
}
"""Why the other one finds something else, by program and host."""


@dataclass(frozen=True)
class Compared:
    """What one program and we found at one endpoint."""

    endpoint: str
    other: str
    ours: Spoken
    theirs: Spoken
    reason: str

    @property
    def agrees(self) -> bool:
        """Version by version, suite by suite."""
        return self.ours == self.theirs

    @property
    def told(self) -> str:
        """One row of a table."""
        differing = {
            version: sorted(self.ours.get(version, frozenset()) ^ self.theirs.get(version, frozenset()))
            for version in {*self.ours, *self.theirs}
            if self.ours.get(version) != self.theirs.get(version)
        }
        counts = ", ".join(f"{version}: {len(self.ours[version])}" for version in sorted(self.ours))
        said = "; ".join(f"{version}: {len(names)} differ" for version, names in sorted(differing.items()))
        verdict = "the same" if self.agrees else f"{said}: {self.reason or '**unexplained**'}"
        return f"| {self.endpoint} | {counts} | {self.other} | {verdict} |"


def compared() -> Iterator[Compared]:
    """Everything that can be compared on this machine."""
    programs: dict[str, Callable[[str, str, int], Spoken]] = {}
    if sslyze := os.environ.get("SSLYZE") or shutil.which("sslyze"):
        programs["sslyze"] = lambda host, address, port: _sslyze(sslyze, host, address, port)
    if testssl := shutil.which("testssl.sh") or shutil.which("testssl"):
        programs["testssl.sh"] = lambda host, address, port: _testssl(testssl, host, address, port)
    if not programs or world.missing():
        return
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            lab = world.start(folder, NET)
            for (host, address, port), ours in _ours(lab, folder).items():
                for other, find in programs.items():
                    if other == "sslyze" or (host, port) in SLOW:
                        reason = REASONS.get((other, host), "")
                        yield Compared(f"{host}:{port}", other, ours, find(host, address, port), reason)
        finally:
            processes.stop(folder)


def _ours(lab: world.World, folder: Path) -> dict[tuple[str, str, int], Spoken]:
    (folder / "profile.toml").write_text(PROFILE)
    found: dict[tuple[str, str, int], Spoken] = {}
    for domain in DOMAINS:
        command = [
            *(str(Path(sys.executable).parent / "maildiag"), "check", domain, "-q", "-4", "-f", "json"),
            *("-n", lab.resolver, "--ca-file", str(lab.root_ca), "--public", "127.0.0.0/8"),
            *("--profile", str(folder / "profile.toml")),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        for each in json.loads(done.stdout)["tls"]:
            suites = {told["version"]: frozenset(told["names"]) for told in each["suites"]}
            found[each["host"], each["address"], each["port"]] = suites
    return found


def _sslyze(program: str, host: str, address: str, port: int) -> Spoken:
    wanted = ("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3")
    starttls = ["--starttls", STARTTLS[port]] if port in STARTTLS else []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        flags = [f"--{version}" for version in wanted]
        _run([program, *flags, *starttls, f"--json_out={out}", f"{host}:{port}{{{address}}}"])
        result: dict[str, Any] = json.loads(out.read_text())["server_scan_results"][0]["scan_result"] or {}
    names = dict(
        zip(
            ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"),
            VERSION_NAMES.values(),
            strict=True,
        )
    )
    found = {}
    for key, version in names.items():
        taken = (result.get(f"{key}_cipher_suites") or {}).get("result") or {"accepted_cipher_suites": []}
        if suites := frozenset(each["cipher_suite"]["name"] for each in taken["accepted_cipher_suites"]):
            found[version] = suites
    return found


def _testssl(program: str, host: str, address: str, port: int) -> Spoken:
    starttls = ["--starttls", STARTTLS[port]] if port in STARTTLS else []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        _run(
            [
                program,
                "--quiet",
                "--warnings",
                "off",
                "-E",
                "--jsonfile",
                str(out),
                *starttls,
                "--ip",
                address,
                f"{host}:{port}",
            ]
        )
        rows: list[dict[str, Any]] = json.loads(out.read_text())
    found: dict[str, set[str]] = {}
    versions = {
        "ssl2": "SSL 2.0",
        "ssl3": "SSL 3.0",
        "tls1": "TLS 1.0",
        "tls1_1": "TLS 1.1",
        "tls1_2": "TLS 1.2",
        "tls1_3": "TLS 1.3",
    }
    for row in rows:
        if seen := re.fullmatch(r"cipher-(\w+?)_x([0-9a-f]+)", row["id"]):
            number = int(seen[2], 16)
            known = every().get(number) or by_openssl(row["finding"].split()[2])
            found.setdefault(versions[seen[1]], set()).add(known.name if known else seen[2])
    return {version: frozenset(names) for version, names in found.items()}


def _run(command: list[str]) -> None:
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)


def page() -> tuple[list[str], int]:
    """The lines of the scoreboard, and how many differences have no reason."""
    found = []
    for each in compared():
        found.append(each)
        print(each.told, flush=True)
    unexplained = sum(not each.agrees and not each.reason for each in found)
    if not found:
        return ["Not compared: the laboratory, or both sslyze and testssl.sh, were not here."], 0
    lines = [
        "Versions and suites of real servers (`tests/lab`), found by `--tls full` without a budget and by others:",
        "",
        "| endpoint | suites we found | beside | |",
        "|---|---|---|---|",
        *(each.told for each in found),
    ]
    return lines, unexplained


if __name__ == "__main__":
    print("\n".join(page()[0]))
