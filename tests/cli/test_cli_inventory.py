"""`--inventory` of `check` and `replay`: lists that are told where they were wished for, and cost no connection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Reachable, Run

LISTS = {"smtp/extension-inventory", "imap/rev2-missing", "tls/extras"}


def lists(report: dict[str, Any]) -> set[str]:
    found = {each["rule"] for result in report["results"] for each in result["findings"]}
    return found & LISTS


def statuses(report: dict[str, Any]) -> set[str]:
    checks = {"extensions_of_mail_hosts_are_listed", "imap4rev2_is_offered", "extras_of_tls_are_listed"}
    return {result["status"] for result in report["results"] if result["check"] in checks}


def test_lists_are_made_of_any_tape(maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path) -> None:
    tape = tmp_path / "run.tape"
    plain = maildiag("check", harbour.domain, *harbour.arguments(profile), "--save", tape, "-f", "json")
    report = json.loads(plain.out)
    assert lists(report) == set()
    assert statuses(report) == {"not-applicable"}
    assert lists(json.loads(maildiag("replay", tape, "-f", "json", "--inventory").out)) == LISTS
    assert lists(json.loads(maildiag("replay", tape, "-f", "json").out)) == set()
