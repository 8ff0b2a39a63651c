"""What a world comes to at another moment than its own: `--at`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from test_scenarios import FIXTURES, diagnosed, undecided

from diag.model.report import Report
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def at(name: str, day: str, registry: Registry) -> Report:
    """The report on a world as of a day."""
    world = worlds.packaged("healthy") if name == "healthy" else worlds.load(FIXTURES / name)
    return diagnosed(world, registry, at=f"{day}T00:00:00+00:00")


def raised(report: Report) -> list[str]:
    return sorted({finding.id for finding in report.findings})


@pytest.mark.parametrize(
    ("day", "rules"),
    [
        ("2026-11-20", []),
        ("2027-01-01", []),
        ("2027-01-15", ["certificates/expires-soon"]),
        (
            "2027-03-01",
            ["certificates/expired", "mta-sts/policy-unreachable"],
        ),
        (
            "2026-10-01",
            ["certificates/not-yet-valid", "mta-sts/policy-unreachable"],
        ),
    ],
)
def test_the_healthy_world_at_other_days(day: str, rules: list[str], registry: Registry) -> None:
    report = at("healthy", day, registry)
    assert raised(report) == rules
    assert report.moment == datetime.fromisoformat(f"{day}T00:00:00+00:00")
    assert report.real_moment == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_our_clock_is_still_compared_at_the_moment_of_the_run(registry: Registry) -> None:
    report = at("healthy", "2027-01-15", registry)
    assert not undecided(report)
    assert not [finding for finding in report.findings if finding.id == "vantage/clock-off"]


def test_new_records_are_dated_today(registry: Registry) -> None:
    report = at("mta-sts/mx-not-covered", "2027-01-05", registry)
    fixes = [str(fix) for finding in report.findings for fix in finding.fix]
    assert any("id=20261121T090000" in fix for fix in fixes), fixes


def test_a_list_that_ends_before_then_leaves_it_open(registry: Registry) -> None:
    today, later = (at("certificates/on-no-list", day, registry) for day in ("2026-11-21", "2026-12-24"))
    assert raised(today) == []
    assert "certificates/revoked" not in raised(later)
    assert undecided(today) == set()
    assert undecided(later) == {"certificates/the_certificate_is_not_revoked"}


def test_the_staple_of_a_revoked_certificate_says_nothing_of_the_time_before(registry: Registry) -> None:
    assert "certificates/revoked" in raised(at("certificates/revoked", "2026-11-21", registry))
    assert "certificates/revoked" not in raised(at("certificates/revoked", "2026-11-10", registry))
