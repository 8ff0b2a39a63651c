"""Thirteen situations with certificates that tools have judged wrongly, each with the verdict it calls for.

What a world raises stands in its head, and tests/test_scenarios.py holds it to that exactly; here the worlds of a trap
are named, and held to the rules of the areas that the trap is about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from test_scenarios import FIXTURES

from diag.sandbox import zones
from diag.sandbox.authority import Authority, key_of
from diag.tls.chain import Trust, judge

_NONE: tuple[str, ...] = ()

TRAPS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "13: a certificate that nobody verifies is no failure of STARTTLS": {
        "certificates/trust-on-25": (
            ("smtp", "certificates"),
            ("certificates/self-signed-on-25", "certificates/untrusted-root-on-25"),
        ),
    },
    "19: expired, for another name, and TLSA 3 1 1 fits": {
        "dane/expired-certificate": (("certificates", "dane"), _NONE),
        "dane/certificate-for-others": (("certificates", "dane"), _NONE),
    },
    "20: of an old and a new record one fits, and none fits anywhere": {
        "dane/roll-over": (("dane",), _NONE),
        "dane/mismatch-everywhere": (("dane",), ("dane/mismatch",)),
    },
    "21: usage 1 alone is unusable": {"dane/all-unusable": (("dane",), ("dane/all-unusable",))},
    "22: a look-up that fails is not 'no DANE'": {
        "dane/look-up-fails": (("dane", "certificates"), ("dane/lookup-fails",)),
    },
    "25: an expired cross-signed root, and another path": {
        "certificates/extra-certificates": (("certificates",), ("certificates/extra-certificates",)),
    },
    "26: an intermediate that a library would have had": {
        "certificates/trust": (
            ("certificates",),
            ("certificates/missing-intermediate", "certificates/self-signed", "certificates/untrusted-root"),
        ),
    },
    "27: neither OCSP server nor staple": {
        "certificates/made-well": (("certificates", "tls"), _NONE),
        "tls/staple-good": (("tls",), _NONE),
    },
    "28: for too long by the day of issue": {
        "certificates/lifetime-too-long": (("certificates",), ("certificates/lifetime-too-long",)),
    },
    "29: three days of six, and four of 45": {
        "certificates/expires-soon": (("certificates",), ("certificates/expires-soon",)),
    },
    "30: a wildcard for one label": {
        "certificates/names-on-25": (
            ("certificates",),
            ("certificates/name-mismatch-on-25", "certificates/wildcard-misuse-on-25"),
        ),
    },
}
MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(("trap", "name"), [(trap, name) for trap, held in TRAPS.items() for name in held])
def test_a_trap_gets_its_verdict(trap: str, name: str) -> None:
    areas, rules = TRAPS[trap][name]
    raised = zones.read(FIXTURES / f"{name}.zone").head.raises
    assert tuple(sorted(rule for rule in raised if rule.split("/")[0] in areas)) == rules


@pytest.mark.parametrize(
    ("issued", "lasts", "too_long"),
    [
        ("2026-03-14", timedelta(days=398) - timedelta(seconds=1), False),
        ("2026-03-15", timedelta(days=200) - timedelta(seconds=1), False),
        ("2026-03-15", timedelta(days=200), True),  # both ends count: a second more than 200 days
    ],
)
def test_a_lifetime_is_held_to_the_day_of_issue(issued: str, lasts: timedelta, too_long: bool) -> None:
    began = datetime.fromisoformat(issued).replace(tzinfo=UTC)
    made = Authority(began)
    # `lasts` of the sandbox counts both ends; the trap speaks of the difference between the two dates.
    leaf = made.issue(
        "h.example", key_of("h"), names=("h.example",), since=timedelta(), lasts=lasts + timedelta(seconds=1)
    )
    verdict = judge((leaf,), ("h.example",), (made.root,), MOMENT)
    assert verdict.leaf is not None
    assert verdict.leaf.not_after - verdict.leaf.not_before == lasts
    assert verdict.lifetime_too_long is too_long


def test_a_wildcard_covers_neither_two_labels_nor_none() -> None:
    made = Authority(MOMENT)
    leaf = made.issue("w", key_of("w"), names=("*.example.org",))
    for name, covered in (("a.b.example.org", False), ("example.org", False), ("a.example.org", True)):
        verdict = judge((leaf,), (name,), (made.root,), MOMENT)
        assert (verdict.trust, verdict.name_matched) == (Trust.TRUSTED, covered)
