"""Forty-five traps: records and situations that tools have judged wrongly, each with the world that holds it.

What a world raises stands in its head, and tests/test_scenarios.py holds it to that exactly; here each trap is
held to the verdict it calls for, in the area it is about.
"""

from __future__ import annotations

import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.facts.dkim import DkimSelectors
from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy
from diag.model.report import Report
from diag.probes.dns import DnsQuery
from diag.records.dmarc import Policy
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds, zones

_NONE: tuple[str, ...] = ()

TRAPS: dict[int, dict[str, tuple[str, ...]]] = {
    1: {"spf/split-in-version": ("spf/near-record",)},
    2: {"spf/version-in-capitals": ("spf/multiple-records",)},
    3: {"spf/later-version": ("spf/open-ended",)},
    4: {"spf/leading-space": ("spf/near-record",)},
    5: {"spf/syntax": ("spf/syntax",)},
    6: {"traps/06-numeric-toplabel-and-zero": ("spf/syntax",)},
    7: {"traps/07-default-modifier": ("spf/open-ended", "spf/unknown-modifier")},
    8: {"spf/explanation-after-all": _NONE},
    9: {"spf/passes-everyone": ("spf/passes-everyone",)},
    10: {"spf/after-all-is-free": ("spf/terms-after-all",)},
    11: {"spf/mx-hosts-without-ipv6": _NONE},
    12: {"traps/12-neither-a-nor-mx": ("spf/void-lookup",)},
    13: {"spf/mx-hosts-are-free": ("spf/near-lookup-limit",)},
    14: {"spf/mx-over-ten": ("spf/mx-over-ten",)},
    15: {"spf/many-addresses": _NONE},
    16: {"traps/16-mx-term-without-mx": ("spf/void-lookup",)},
    17: {"traps/17-exists-with-ipv6-only": ("spf/void-lookup",)},
    18: {
        "spf/include-fails": ("spf/include-fails",),
        "spf/include-unknown": _NONE,
        "traps/18-include-of-nothing": ("spf/include-without-record",),
    },
    19: {"traps/19-exp-and-two-voids": ("spf/exp-broken", "spf/void-lookup")},
    20: {"traps/20-capitals": _NONE},
    21: {"dmarc/free-spelling": _NONE},
    22: {"dmarc/free-spelling": _NONE, "dmarc/version-in-lower-case": ("dmarc/not-recognised",)},
    23: {"traps/23-space-before-semicolon": _NONE},
    24: {"dmarc/removed-tags": ("dmarc/removed-tags",)},
    25: {"dmarc/copy-at-the-domain": ("dmarc/copy-in-wrong-place",)},
    26: {"dmarc/wildcard-text-below": _NONE},
    27: {"dmarc/inherits-from-the-top": _NONE},
    28: {"traps/28-thirteen-labels": _NONE},
    29: {
        "dmarc/psd-on-ordinary-domain": ("dmarc/psd-on-ordinary-domain",),
        "traps/29-psd-above": _NONE,
        "traps/29-psd-below-a-record": _NONE,
    },
    30: {"dmarc/testing-nothing": ("dmarc/none-and-blind", "dmarc/pct-read-two-ways")},
    31: {"dmarc/policy-absent": ("dmarc/none", "dmarc/policy-absent")},
    32: {"dmarc/report-authorised-by-wildcard": _NONE},
    33: {"dmarc/report-uri-empty": ("dmarc/report-uri-invalid",)},
    34: {"dkim/unlisted-selector": _NONE},
    35: {"dkim/wildcard": ("dkim/wildcard",)},
    36: {"dkim/free-spelling": _NONE},
    38: {"mta-sts/record-twice": ("mta-sts/record-invalid",)},
    39: {
        "mta-sts/wildcard-covers-one-label": ("mta-sts/mx-not-covered",),
        "mta-sts/mx-address-as-pattern": ("mta-sts/mx-not-covered", "mta-sts/mx-pattern-bad"),
    },
    40: {
        "dane/look-up-fails-in-unsigned-zone": _NONE,
        "dane/look-up-fails": ("dane/lookup-fails",),
    },
    41: {"dane/expired-certificate": _NONE, "dane/certificate-for-others": _NONE},
    42: {"dane/none-behind-alias": _NONE},
    43: {"zone/parent-child-disjoint": ("zone/parent-child-disjoint",)},
    45: {"mx/null": _NONE},
}
ELSEWHERE = {
    37: "no search suffix is ever used: tests/live/test_live_dns.py",
    44: "refusals of block lists: the worlds of blocklists",
}
AREA = {
    **dict.fromkeys(range(1, 21), "spf"),
    **dict.fromkeys(range(21, 34), "dmarc"),
    **dict.fromkeys(range(34, 37), "dkim"),
    **dict.fromkeys((38, 39), "mta-sts"),
    **dict.fromkeys((40, 41, 42), "dane"),
    43: "zone",
}
"""The area that a trap is about; 45 is about all of them."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def judged(name: str, registry: Registry) -> Report:
    """The report on a world, without conversations."""
    return diagnosed(worlds.load(FIXTURES / name), registry, dialogues=False)


def test_every_trap_has_its_place() -> None:
    assert sorted({*TRAPS, *ELSEWHERE}) == list(range(1, 46))
    assert not TRAPS.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize(
    ("number", "name"), [(number, name) for number, held in TRAPS.items() for name in held]
)
def test_a_trap_gets_its_verdict(number: int, name: str) -> None:
    head = zones.read(FIXTURES / f"{name}.zone").head
    area = AREA.get(number)
    raised = sorted(rule for rule in head.raises if area is None or rule.startswith(f"{area}/"))
    assert tuple(raised) == TRAPS[number][name]


def test_a_walk_from_thirteen_labels_asks_eight_names(registry: Registry) -> None:
    """Trap 28 (RFC 9989 section 4.10)."""
    report = judged("traps/28-thirteen-labels", registry)
    domain = report.target.domain
    discovery = report.facts[DmarcDiscovery]
    assert isinstance(discovery, DmarcDiscovery)
    asked = {probe.name for probe in report.evidence if isinstance(probe, DnsQuery) and probe.rdtype == "TXT"}
    labels = domain.split(".")
    walk = [domain, *(".".join(labels[-count:]) for count in range(7, 0, -1))]
    assert [step.name for step in discovery.steps] == walk
    assert {f"_dmarc.{'.'.join(labels[-count:])}" for count in range(8, 13)} & asked == set()


def test_a_record_between_is_not_inherited(registry: Registry) -> None:
    """Trap 27: the policy is the Organizational Domain's, not that of the nearest name above."""
    policy = judged("dmarc/inherits-from-the-top", registry).facts[DmarcPolicy]
    assert isinstance(policy, DmarcPolicy)
    assert (policy.found_at, policy.organizational) == ("lantern.example", "lantern.example")
    assert policy.policy is Policy.REJECT


@pytest.mark.parametrize(
    ("name", "organizational"),
    [
        ("dmarc/psd-on-ordinary-domain", "lantern.example"),
        ("traps/29-psd-above", "sub.lantern.example"),
        ("traps/29-psd-below-a-record", "sub.lantern.example"),
    ],
)
def test_psd_ends_the_walk_and_puts_the_organizational_domain_below_it_above_the_start_only(
    name: str, organizational: str, registry: Registry
) -> None:
    """Trap 29 (RFC 9989 section 4.10.2)."""
    discovery = judged(name, registry).facts[DmarcDiscovery]
    assert isinstance(discovery, DmarcDiscovery)
    assert discovery.organizational == organizational


def test_consent_by_wildcard_is_found_without_asking_for_an_asterisk(registry: Registry) -> None:
    """Trap 32."""
    report = judged("dmarc/report-authorised-by-wildcard", registry)
    names = [probe.name for probe in report.evidence if isinstance(probe, DnsQuery)]
    assert any("._report._dmarc." in name for name in names)
    assert not [name for name in names if "*" in name]


def test_keys_behind_selectors_nobody_guesses_are_neither_claimed_nor_denied(registry: Registry) -> None:
    """Trap 34."""
    report = judged("dkim/unlisted-selector", registry)
    search = report.facts[DkimSelectors]
    assert isinstance(search, DkimSelectors)
    assert search.found == ()
    statuses = {r.status.value for r in report.results if r.check == "domain_that_sends_has_a_dkim_key"}
    assert statuses == {"inconclusive"}
