"""--as-bulk-sender: what receivers refuse bulk mail for weighs more; the tape remembers it, and a replay may add it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Reachable, Run


def told(text: str) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(text)
    report.pop("seconds")
    return report


def weight(report: dict[str, Any], rule: str) -> str:
    found = [f for result in report["results"] for f in result["findings"] if f["rule"] == rule]
    return str(found[0]["severity"])


def test_a_tape_remembers_it_and_a_replay_may_add_it(
    harbour: Reachable, profile: Path, maildiag: Run, tmp_path: Path
) -> None:
    plain, bulk = tmp_path / "plain.tape", tmp_path / "bulk.tape"
    usual = (*harbour.arguments(profile), "--no-dialogues", "-f", "json", harbour.domain)
    first = told(maildiag("check", *usual, "--save", plain).out)
    as_bulk = told(maildiag("check", *usual, "--as-bulk-sender", "--save", bulk).out)
    assert (first["as_bulk_sender"], as_bulk["as_bulk_sender"]) == (False, True)
    assert weight(first, "spf/too-many-lookups") == "error"
    assert weight(as_bulk, "spf/too-many-lookups") == "critical"
    assert as_bulk["grade"] == "F"
    assert told(maildiag("replay", bulk, "-f", "json").out)["results"] == as_bulk["results"]
    added = told(maildiag("replay", plain, "--as-bulk-sender", "-f", "json").out)
    assert {added["grade"], weight(added, "spf/too-many-lookups")} == {"F", "critical"}
    assert told(maildiag("replay", plain, "-f", "json").out)["grade"] == first["grade"]


def test_a_tape_from_before_there_was_such_a_thing_is_read(
    harbour: Reachable, profile: Path, maildiag: Run, tmp_path: Path
) -> None:
    tape = tmp_path / "old.tape"
    maildiag("check", *harbour.arguments(profile), "--only", "spf", "--save", tape, harbour.domain)
    head, _, rest = tape.read_text().partition("\n")
    assert ', "as_bulk_sender": false' in head or ',"as_bulk_sender":false' in head
    tape.write_text(
        head.replace(', "as_bulk_sender": false', "").replace(',"as_bulk_sender":false', "") + "\n" + rest
    )
    assert told(maildiag("replay", tape, "-f", "json").out)["as_bulk_sender"] is False
