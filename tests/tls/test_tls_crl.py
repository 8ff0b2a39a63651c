"""What a list of revoked certificates proves, and what it does not (RFC 5280 section 6.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings, strategies as st

from diag.sandbox.authority import DAY, Authority, key_of
from diag.sandbox.crl import limited, revocation_list
from diag.tls.crl import CrlReading, Point, distribution_points, every_reason, read_crl
from diag.tls.staple import Revocation, vouches

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CA = Authority(MOMENT)
LEAF = CA.listed("mail.example").chain[0]
OTHER = CA.listed("other.example").chain[0]
ISSUER = CA.intermediate
(POINT,) = distribution_points(LEAF)
FOUND = Revocation(MOMENT - 7 * DAY, "key_compromise")
GOOD = CrlReading(reasons=every_reason())
SOME = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded})
HERE = [x509.UniformResourceIdentifier(CA.list_url)]
THERE = [x509.UniformResourceIdentifier("http://elsewhere.example/other.crl")]


def listing(*revoked: bytes, **wrong: Any) -> bytes:
    return revocation_list(CA, revoked, **wrong)


def read(octets: bytes, point: Point = POINT, leaf: bytes = LEAF, issuer: bytes = ISSUER) -> CrlReading:
    return read_crl(octets, point, leaf, issuer, MOMENT)


def only(**limits: Any) -> dict[str, Any]:
    """A list with these limits."""
    return {"extensions": ((limited(**limits), True),)}


def test_a_certificate_tells_where_its_list_is() -> None:
    assert Point((CA.list_url,), tuple(HERE)) == POINT
    assert distribution_points(CA.valid("mail.example").chain[0]) == ()
    assert distribution_points(b"no certificate") == ()


def test_only_lists_over_plain_http_are_told_and_not_without_end() -> None:
    uris = ["ldap://ca.example/cn=a", "HTTP://ca.example/a", "https://ca.example/b", *["http://c/"] * 2]
    place = [x509.UniformResourceIdentifier(uri) for uri in uris]
    somebody = [x509.DirectoryName(x509.Name([]))]
    made = x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(place, None, SOME, None),
            x509.DistributionPoint(HERE, None, None, somebody),
            *[x509.DistributionPoint(HERE, None, None, None)] * 20,
        ]
    )
    leaf = CA.issue("mail.example", key_of("mail.example"), extensions=((made, False),))
    points = distribution_points(leaf)
    assert len(points) == 8
    assert (points[0].urls, points[0].reasons) == (("HTTP://ca.example/a", "http://c/"), SOME)
    assert (points[1].indirect, points[2].indirect) == (True, False)


def test_what_is_listed_is_revoked_and_what_is_not_is_good() -> None:
    assert read(listing(OTHER, LEAF)) == CrlReading(FOUND, every_reason())
    assert read(listing(OTHER)) == GOOD
    assert read(listing()) == GOOD


def test_a_list_in_pem_is_read_too() -> None:
    armoured = x509.load_der_x509_crl(listing(LEAF)).public_bytes(Encoding.PEM)
    assert read(armoured).revocation == FOUND


@pytest.mark.parametrize(
    ("octets", "trouble"),
    [
        (b"", "no list that can be read"),
        (b"<html>", "no list that can be read"),
        (listing(LEAF)[:-9], "no list that can be read"),
        (listing(LEAF, began=30 * DAY), "held until 2026-10-29 only"),
        (listing(LEAF, began=-1 * DAY), "from the future (2026-11-22)"),
        (listing(LEAF, by=key_of("an impostor")), "not signed by the issuer"),
        (listing(LEAF, issuer="Sandbox Root", by=CA.root_key), "another issuer's"),
        (listing(LEAF, extensions=((x509.DeltaCRLIndicator(1), True),)), "only what changed"),
        (listing(LEAF, extensions=((x509.OCSPNoCheck(), True),)), "demands something unknown (1.3.6.1.5.5.7.48.1.5)"),
        (listing(LEAF, of_entries=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True),)),
         "something unknown of the certificate"),
        (listing(LEAF, **only(full_name=THERE)), "for another place"),
        (listing(LEAF, **only(only_contains_ca_certs=True)), "not about certificates of servers"),
        (listing(LEAF, **only(only_contains_attribute_certs=True)), "not about certificates of servers"),
        (listing(LEAF, **only(indirect_crl=True)), "for several issuers"),
    ],
)  # fmt: skip
def test_a_list_that_is_not_the_one_meant_decides_nothing(octets: bytes, trouble: str) -> None:
    found = read(octets)
    assert (found.revocation, found.reasons) == (None, frozenset())
    assert trouble in found.trouble


def test_a_list_of_somebody_else_decides_nothing() -> None:
    assert "somebody else" in read(listing(LEAF), Point(POINT.urls, POINT.names, indirect=True)).trouble


def test_an_issuer_must_be_allowed_to_sign_lists_and_be_of_that_name() -> None:
    namesake = CA.issue("Sandbox Intermediate", CA.intermediate_key, names=("x",))
    assert "may not sign lists" in read(listing(LEAF), issuer=namesake).trouble
    assert "another issuer's" in read(listing(LEAF), issuer=CA.root).trouble
    assert read(listing(LEAF), issuer=b"").trouble


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"full_name": HERE}, FOUND),
        ({"only_contains_user_certs": True}, FOUND),
    ],
)
def test_limits_that_fit_change_nothing(limits: dict[str, Any], found: Revocation) -> None:
    assert read(listing(LEAF, **only(**limits))).revocation == found
    assert read(listing(**only(**limits))) == GOOD


def test_a_list_for_users_is_not_about_a_ca() -> None:
    below = CA.issue(
        "Sandbox Level", key_of("l"), issuer="Sandbox Intermediate", by=CA.intermediate_key, ca=True
    )
    assert "certificates of CAs" in read(listing(**only(only_contains_user_certs=True)), leaf=below).trouble


def test_a_list_for_some_reasons_clears_of_those_alone() -> None:
    assert read(listing(**only(only_some_reasons=SOME))).reasons == SOME
    assert read(listing(), Point(POINT.urls, POINT.names, SOME)).reasons == SOME
    assert read(listing(LEAF, **only(only_some_reasons=SOME))).revocation == FOUND


def test_a_hold_counts_and_its_end_does_not() -> None:
    held = read(listing(LEAF, reason=x509.ReasonFlags.certificate_hold)).revocation
    assert held is not None
    assert held.reason == "certificate_hold"
    assert read(listing(LEAF, reason=x509.ReasonFlags.remove_from_crl)) == GOOD


def test_what_will_be_revoked_is_not_yet() -> None:
    before = MOMENT - 8 * DAY
    early = read_crl(listing(LEAF, began=9 * DAY), POINT, LEAF, ISSUER, before)
    assert early == GOOD


@given(st.binary(max_size=300), st.integers(0, 600))
@settings(max_examples=100, deadline=None)
def test_nothing_that_is_served_makes_it_raise(junk: bytes, at: int) -> None:
    whole = listing(LEAF)
    broken = whole[:at] + junk + whole[at + len(junk) :]
    found = read(broken)
    assert broken == whole or found.revocation is None


def test_a_good_staple_vouches_for_its_time_and_no_other_certificate() -> None:
    good, bad = CA.staple(LEAF), CA.staple(LEAF, "revoked")
    assert vouches(good, LEAF, ISSUER, MOMENT)
    assert not vouches(bad, LEAF, ISSUER, MOMENT)
    assert not vouches(good, LEAF, ISSUER, MOMENT + 7 * DAY)
    assert not vouches(good, LEAF, ISSUER, MOMENT - 2 * DAY)
    assert not vouches(good, OTHER, ISSUER, MOMENT)
    assert not vouches(good, LEAF, CA.root, MOMENT)
    assert not vouches(good[:-1] + bytes([good[-1] ^ 1]), LEAF, ISSUER, MOMENT)
    assert not vouches(b"", LEAF, ISSUER, MOMENT)
