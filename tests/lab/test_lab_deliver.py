"""Who gets through to real servers: Postfix, Exim, postgrey, and a DNS that validates, as each kind of sender meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lab.world import World

pytestmark = pytest.mark.lab

MAILDIAG = Path(sys.executable).parent / "maildiag"
TLS, AUTHENTICATED, CLEAR = "unauthenticated-tls", "authenticated-tls", "clear-text"
DEFERRED, BOUNCED, UNKNOWN = "deferred", "bounced", "unknown"

ENDS = {
    "lab.test": (TLS, AUTHENTICATED, AUTHENTICATED),
    "sound.test": (TLS, TLS, TLS),
    "slow.test": (TLS, TLS, TLS),
    "postscreen.test": (TLS, TLS, TLS),
    "parked.test": (BOUNCED, BOUNCED, BOUNCED),
    "expired.test": (TLS, TLS, TLS),
    "untrusted-root.test": (TLS, TLS, TLS),
    "no-tls.test": (CLEAR, CLEAR, CLEAR),
    "tls10.test": (TLS, TLS, TLS),
    "anon.test": (CLEAR, CLEAR, CLEAR),
    "busy.test": (UNKNOWN, UNKNOWN, UNKNOWN),
    "greylist.test": (UNKNOWN, UNKNOWN, UNKNOWN),
    "helo-only.test": (UNKNOWN, UNKNOWN, UNKNOWN),
    "mx-no-address.test": (TLS, TLS, AUTHENTICATED),
    "dane-mismatch.test": (TLS, TLS, DEFERRED),
    "dane-bogus.test": (TLS, TLS, UNKNOWN),
    "bogus.test": (DEFERRED, DEFERRED, DEFERRED),
    "unsigned.test": (TLS, TLS, TLS),
    "sts-partial.test": (TLS, AUTHENTICATED, AUTHENTICATED),
    "sts-uncovered.test": (TLS, DEFERRED, AUTHENTICATED),
    "sts-missing.test": (TLS, TLS, AUTHENTICATED),
}
"""How a message ends: from senders with opportunistic TLS, with MTA-STS, with DANE."""


def delivered(lab: World, domain: str, *more: str) -> subprocess.CompletedProcess[str]:
    profile = Path(lab.folder) / "deliver.toml"
    profile.write_text('references = ["sound.test"]\n')
    command = [
        *(str(MAILDIAG), "deliver", domain, "-q", "-n", lab.resolver, "--ca-file", str(lab.root_ca)),
        *("--public", f"{lab.prefix}.0.0/16", "--profile", str(profile), *more),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("domain", ENDS)
def test_a_message_ends_as_it_does_with_real_senders(domain: str, lab: World) -> None:
    done = delivered(lab, domain, "-f", "json")
    told = json.loads(done.stdout)["delivery"]
    ends = tuple(path["outcome"] for path in told["paths"] if path["families"] == "ipv4+ipv6")
    assert ends == ENDS[domain], done.stdout
    code = 1 if {DEFERRED, BOUNCED} & set(ends) else 3 if UNKNOWN in ends else 0
    assert (done.returncode, done.stderr) == (code, "")


def test_the_policy_that_names_others_is_told_step_by_step(lab: World) -> None:
    done = delivered(lab, "sts-uncovered.test")
    assert "MTA-STS            deferred           deferred           no address" in done.stdout
    assert f"{lab.hosts['mx1.lab.test']}: is not named by the MTA-STS policy; passed over" in done.stdout
    assert "taken over authenticated TLS (TLS 1.3, a TLSA record fits)" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_who_is_turned_away_is_quoted(lab: World) -> None:
    assert "421" in delivered(lab, "busy.test").stdout
    assert "450 4.2.0" in delivered(lab, "greylist.test").stdout
