"""Fixes for ordinary domains: following one must not cost anybody's mail."""

from __future__ import annotations

import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.model.finding import Severity
from diag.run.registry import load
from diag.sandbox import world as worlds


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("parked-website", "willow.example. 3600 IN MX 0 ."),
        ("website-that-may-take-mail", "willow.example. 3600 IN MX 10 willow.example."),
        ("two-spf-records", '"v=spf1 ip4:198.51.100.91 include:_spf.google.com ~all"'),
    ],
)
def test_the_fix_takes_nobodys_mail_away(name: str, fixed: str) -> None:
    report = diagnosed(worlds.load(FIXTURES / "real" / name), load())
    (finding,) = (each for each in report.findings if each.severity is not Severity.INFO)
    assert fixed in " ".join(map(str, finding.fix))
