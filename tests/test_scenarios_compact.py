"""Compact denial of existence (RFC 9824): what is said of a domain does not hang on the manner of denying."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_scenarios import diagnosed, undecided

from diag.facts.dkim import Below, DkimSelectors
from diag.facts.dmarc import DmarcPolicy
from diag.model.report import Report
from diag.probes.dns import DnsQuery
from diag.records.dmarc import Kind
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds

NO_KEYS = "; without: default._domainkey.lantern.example TXT, mail._domainkey.lantern.example TXT\n"
GHOST = "; domain: ghost.lantern.example\n"
INTO_NOWHERE = "_smtp._tls.lantern.example. CNAME gone.harbour.example.\n"
POLICY = (
    "_dmarc.lantern.example. TXT "
    '"v=DMARC1; p=reject; sp=none; np=reject; rua=mailto:dmarc-reports@lantern.example"\n'
)
OTHERS = (
    "harbour.example. SOA ns.registry.example. h.registry.example. 1 7200 3600 1209600 300\n"
    "harbour.example. NS ns.registry.example.\n"
)
ALIAS = "; signed: harbour.example {}\n"
MOST_MORE = 40
"""Questions that compact denial costs more, of a domain that does not exist: less than a third."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def report(folder: Path, registry: Registry, head: str, records: str, wish: str) -> Report:
    """The report on a signed domain whose zone denies in this manner."""
    signed = f"; signed: example\n; signed: lantern.example {wish}\n"
    (folder / "made.zone").write_text(f"; base: healthy\n{head.format(wish)}{signed}\n{records}")
    return diagnosed(worlds.load(folder / "made"), registry)


def questions(seen: Report) -> int:
    return sum(isinstance(probe, DnsQuery) for probe in seen.evidence)


@pytest.mark.parametrize(
    ("head", "records", "raised"),
    [
        ("", "", []),
        (NO_KEYS, "", ["dkim/no-keys", "dmarc/spf-only"]),
        (GHOST, POLICY, ["zone/does-not-exist"]),
        (ALIAS, INTO_NOWHERE + OTHERS, ["tlsrpt/missing", "zone/alias-broken"]),
    ],
    ids=["healthy", "no-keys", "domain-that-does-not-exist", "alias-into-nowhere"],
)
def test_the_manner_of_denying_changes_nothing(
    head: str, records: str, raised: list[str], registry: Registry, tmp_path: Path
) -> None:
    plain, compact, restored = (
        report(tmp_path, registry, head, records, wish) for wish in ("", "compact", "compact-restored")
    )
    for seen in (plain, compact, restored):
        assert sorted(finding.id for finding in seen.findings) == raised
        assert undecided(seen) == set()
    assert questions(restored) == questions(plain)
    assert questions(compact) <= questions(plain) + MOST_MORE


@pytest.mark.parametrize("wish", ["", "compact", "compact-restored"])
def test_np_applies_to_a_name_that_does_not_exist(wish: str, registry: Registry, tmp_path: Path) -> None:
    policy = report(tmp_path, registry, GHOST, POLICY, wish).facts[DmarcPolicy]
    assert isinstance(policy, DmarcPolicy)
    assert policy.kind is Kind.NONEXISTENT


@pytest.mark.parametrize("wish", ["", "compact", "compact-restored"])
def test_sp_applies_to_an_empty_non_terminal(wish: str, registry: Registry, tmp_path: Path) -> None:
    below = 'deep.ghost.lantern.example. TXT "x"\n'
    policy = report(tmp_path, registry, GHOST, POLICY + below, wish).facts[DmarcPolicy]
    assert isinstance(policy, DmarcPolicy)
    assert policy.kind is Kind.SUBDOMAIN


@pytest.mark.parametrize("wish", ["", "compact", "compact-restored"])
def test_nothing_is_below_a_name_that_does_not_exist(wish: str, registry: Registry, tmp_path: Path) -> None:
    selectors = report(tmp_path, registry, NO_KEYS, "", wish).facts[DkimSelectors]
    assert isinstance(selectors, DkimSelectors)
    assert selectors.below is Below.NONE
    assert selectors.servers_agree
