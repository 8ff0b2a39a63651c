"""Fixes that could be pasted: what they say in a world where another one, as near at hand, would do harm."""

from __future__ import annotations

import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.run.registry import Registry, load
from diag.sandbox import world as worlds


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


@pytest.mark.parametrize(
    ("name", "rule", "said", "unsaid"),
    [
        # The host's name is a good one, and the reverse name was made by a machine.
        ("reverse/static", "reverse/differs-from-helo", "(PTR): mx2.lantern.example", "myhostname"),
        # Enforcing would keep mail away from the host whose certificate fails.
        ("certificates/sts-mismatch-testing", "mta-sts/not-enforcing", "", "mode: enforce"),
        ("mta-sts/testing", "mta-sts/not-enforcing", "mode: enforce", "mode: testing"),
        # The key of a DS record that fits nothing may be the next one.
        ("dnssec/ds-orphaned", "dnssec/ds-orphaned", "unless its key is to come", " IN DS "),
        # No name of that length can be published.
        ("dmarc/report-consent-too-long", "dmarc/report-not-authorised", "a shorter name", " IN TXT "),
        # The size would be the next thing to be told.
        (
            "dmarc/report-scheme-with-size",
            "dmarc/report-scheme",
            "https://d.lantern.example/,mailto:",
            "!10m",
        ),
        # Strangers hold the names beside it.
        ("dmarc/walk-passes-public-suffix", "dmarc/walk-differs-from-psl", "psd=n", "_dmarc.github.io"),
        ("dmarc/walk-differs-from-psl", "dmarc/walk-differs-from-psl", "_dmarc.example.com.", "psd=n"),
    ],
)
def test_the_fix_does_no_harm(name: str, rule: str, said: str, unsaid: str, registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / name), registry)
    fixes = " ".join(str(fix) for finding in report.findings if finding.id == rule for fix in finding.fix)
    assert said in fixes
    assert unsaid not in fixes
    assert rule in {finding.id for finding in report.findings}
