"""Climbing to CAA records, and which authority issued a certificate."""

from __future__ import annotations

import pytest
from zoned_lab import ZonedLab, gathered

from diag.facts.caa import CaaPolicy
from diag.gather.authorities import authority_of, organization, table
from diag.gather.caa import climbed
from diag.model.knowing import Unavailable

ZONE = """
example.                SOA ns. host. 1 2 3 4 5
example.                CAA 0 issue "top.example"
host.example.           A 192.0.2.1
deep.host.example.      CAA 0 ISSUE "deep.example"
alias.example.          CNAME elsewhere.test.
to-nothing.example.     CNAME nothing.test.
elsewhere.test.         CAA 0 issue "elsewhere.example"
nothing.test.           A 192.0.2.1
test.                   CAA 0 issue "test.example"
bare.invalid.           A 192.0.2.1
"""


def climb(name: str, **world: object) -> tuple[CaaPolicy | Unavailable, ZonedLab]:
    lab = ZonedLab(ZONE, **world)  # type: ignore[arg-type]
    return gathered(lab, lambda once: climbed(once, name)), lab


@pytest.mark.parametrize(
    ("name", "found_at", "owner", "issuer"),
    [
        ("example", "example", "example", "top.example"),
        ("host.example", "example", "example", "top.example"),
        ("deep.host.example", "deep.host.example", "deep.host.example", "deep.example"),
        ("below.deep.host.example", "deep.host.example", "deep.host.example", "deep.example"),
        ("no.such.name.example", "example", "example", "top.example"),
        ("alias.example", "alias.example", "elsewhere.test", "elsewhere.example"),
        # The target of an alias is looked at, and never climbed from (RFC 8659 section 3).
        ("to-nothing.example", "example", "example", "top.example"),
    ],
)
def test_the_nearest_set_on_the_way_up_decides(name: str, found_at: str, owner: str, issuer: str) -> None:
    policy, lab = climb(name)
    assert isinstance(policy, CaaPolicy)
    assert (policy.found_at, policy.owner) == (found_at, owner)
    assert [record.issuer for record in policy.records] == [issuer]
    assert policy.records[0].tag == "issue"
    assert len(lab.names("CAA")) == len(set(lab.names("CAA")))
    assert "." not in lab.names("CAA"), "the root is not asked"


def test_without_any_everybody_may() -> None:
    policy, _ = climb("bare.invalid")
    assert isinstance(policy, CaaPolicy)
    assert (policy.found_at, policy.failed_at, policy.records) == ("", "", ())
    assert policy.lets(("ca.example",), wildcard=False)


def test_a_failure_below_the_nearest_set_counts_and_one_above_it_does_not() -> None:
    policy, lab = climb("deep.host.example", fails={("host.example", "CAA"): "servfail"})
    assert isinstance(policy, CaaPolicy)
    assert policy.found_at == "deep.host.example"
    assert [query for query in lab.asked if query.look == 2] == []
    policy, lab = climb("host.example", fails={("host.example", "CAA"): "servfail"})
    assert isinstance(policy, CaaPolicy)
    assert (policy.found_at, policy.failed_at) == ("", "host.example")
    assert "SERVFAIL" in policy.why
    assert [query.name for query in lab.asked if query.look == 2] == ["host.example"]


@pytest.mark.parametrize("how", ["refused", "nothing is answered"])
def test_what_may_be_our_own_resolver_s_doing_is_left_open(how: str) -> None:
    fails = {("host.example", "CAA"): "refused" if how == "refused" else "timeout"}
    if how != "refused":
        fails["nobody-has-this-name.invalid", "CAA"] = "timeout"
    policy, _ = climb("host.example", fails=fails)
    assert isinstance(policy, Unavailable)


@pytest.mark.parametrize(
    ("issuer", "organisation", "authority"),
    [
        ("CN=E7,O=Let's Encrypt,C=US", "Let's Encrypt", "Let's Encrypt"),
        ("O=Let's Encrypt,CN=E7", "Let's Encrypt", "Let's Encrypt"),
        (
            "CN=Go Daddy Secure Certificate Authority - G2,OU=http://certs.godaddy.com/,"
            "O=GoDaddy.com\\, Inc.,L=Scottsdale",
            "GoDaddy.com, Inc.",
            "GoDaddy",
        ),
        ("CN=WR2,O=Google Trust Services,C=US", "Google Trust Services", "Google Trust Services"),
        ("CN=Somebody O=Let's Encrypt", "", None),
        ("CN=x,DNO=Let's Encrypt", "", None),
        ("CN=Our own,O=Lantern", "Lantern", None),
        ("", "", None),
    ],
)
def test_the_organisation_of_the_issuer_says_which_authority_it_is(
    issuer: str, organisation: str, authority: str | None
) -> None:
    assert organization(issuer) == organisation
    found = authority_of(issuer)
    assert (found.name if found else None) == authority


def test_no_organisation_stands_for_two_authorities() -> None:
    names = [name for authority in table() for name in authority.organizations]
    assert len(names) == len(set(names))
    assert all(domain == domain.lower() for authority in table() for domain in authority.domains)
