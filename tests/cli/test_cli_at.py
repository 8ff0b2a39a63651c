"""`--at DATE` of `check` and `replay`: judged as of that date, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import Reachable, Run


def test_a_tape_is_judged_at_another_date(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "run.tape"
    maildiag("check", harbour.domain, *harbour.arguments(profile), "--save", tape)
    then = json.loads(maildiag("replay", tape, "-f", "json").out)
    later = json.loads(maildiag("replay", tape, "-f", "json", "--at", "2031-03-01").out)
    assert then["moment"] == then["real_moment"] == later["real_moment"]
    assert later["moment"] == "2031-03-01T00:00:00+00:00"

    def rules(report: dict[str, Any]) -> set[str]:
        return {each["rule"] for result in report["results"] for each in result["findings"]}

    assert "certificates/expired" in rules(later) - rules(then)
    page = maildiag("replay", tape, "--at", "2031-03-01T02:00+01:00").out
    assert "Judged as if it were 1 Mar 2031 01:00 UTC" in page
    assert "Judged as if" not in maildiag("replay", tape).out
    assert (
        "Judged as if it were 1 Mar 2031" in maildiag("replay", tape, "--at", "2031-03-01", "-f", "html").out
    )


def test_a_tape_recorded_for_a_date_is_judged_at_it_again(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "run.tape"
    arguments = harbour.arguments(profile)
    live = json.loads(
        maildiag("check", harbour.domain, *arguments, "--at", "2020-01-01", "-f", "json", "--save", tape).out
    )
    again = json.loads(maildiag("replay", tape, "-f", "json").out)
    assert again["results"] == live["results"]
    assert again["moment"] == live["moment"] == "2020-01-01T00:00:00+00:00"
    assert again["real_moment"] == live["real_moment"] > "2026"
    header = json.loads(tape.read_text().splitlines()[0])
    assert header["moment"] == live["real_moment"]
