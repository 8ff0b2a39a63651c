"""`--tls-profile NAME` of `check` and `replay`: what TLS is held against, chosen with the run or after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Reachable, Run


def deviations(report: dict[str, Any]) -> list[str]:
    found = [each for result in report["results"] for each in result["findings"]]
    return [each["message"] for each in found if each["rule"] == "tls/profile-deviation"]


def test_a_tape_is_held_against_a_profile(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "run.tape"
    arguments = harbour.arguments(profile)
    maildiag("check", harbour.domain, *arguments, "--save", tape, "--tls-profile", "mozilla-old")
    with_it = deviations(json.loads(maildiag("replay", tape, "-f", "json").out))
    assert with_it
    assert all("departs from Mozilla, old (2026-04): " in each for each in with_it)
    other = deviations(
        json.loads(maildiag("replay", tape, "-f", "json", "--tls-profile", "nist-800-52r2").out)
    )
    assert all("NIST SP 800-52 rev. 2 (2019-08)" in each for each in other)
    assert other != with_it
