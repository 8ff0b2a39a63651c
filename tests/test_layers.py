"""What import-linter cannot say: which parts of outside packages the pure rooms must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

PURE = (
    "diag.api",
    "diag.facts.spf",
    "diag.records.spf",
    "diag.wire.transcript",
    "diag.tls.chain",
    "checks.plugin",
)
WORLDLY = (
    "dns.resolver",
    "dns.query",
    "dns.asyncresolver",
    "dns.asyncquery",
    "anyio",
    "h11",
    "OpenSSL",
    "asyncio",
)


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_loads_nothing_that_reaches_the_world(room: str) -> None:
    script = f"import sys, {room}; print(*[name for name in {WORLDLY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("late", ["checkdmarc", "spf", "jinja2", "dkim"])
def test_second_opinions_and_templates_are_imported_late(late: str) -> None:
    script = f"import sys, diag.cli, diag.run.diagnose; print({late!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
