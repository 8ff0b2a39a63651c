"""Judging chains: one fact a test, over the sandbox's authority."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings, strategies as st

from diag.sandbox.authority import DAY, Authority, key_of
from diag.tls.certificate import read, signed
from diag.tls.chain import (
    ChainVerdict,
    Surplus,
    Trust,
    issuers_of,
    judge,
    lifetime_limit,
    placeholder,
    rank,
)
from diag.tls.der import names_of, same_algorithm
from diag.tls.path import Fault, search

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
HOST = "mx.example.org"
CA = Authority(MOMENT)
ROOTS = (CA.root,)
LEAF = CA.valid(HOST).chain[0]


def verdict(kind: str, roots: tuple[bytes, ...] = ROOTS, host: str = HOST) -> ChainVerdict:
    return judge(CA.kinds()[kind](HOST).chain, (host,), roots, MOMENT)


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        ("valid", ()),
        ("wildcard", ()),
        ("long_chain", ()),
        ("wrong_order", ()),
        ("with_root", ()),
        ("cross_signed", ()),
        ("expired", ("expired",)),
        ("not_yet_valid", ("not-yet-valid",)),
        ("wrong_name", ("name-mismatch",)),
        ("common_name_only", ("common-name-only",)),
        ("self_signed", ("self-signed",)),
        ("no_intermediate", ("missing-intermediate",)),
        ("untrusted_root", ("untrusted-root",)),
        ("weak_key", ("weak-key",)),
        ("sha1", ("weak-signature",)),
        ("client_only", ("wrong-usage",)),
        ("snakeoil", ("placeholder", "self-signed")),
        ("expiring", ()),
        ("short_lived", ()),
        ("too_long", ()),
        ("not_a_ca", ("not-a-ca", "cannot-sign")),
        ("must_staple", ()),
        ("public", ()),
        ("rsa", ()),
        ("unlogged", ()),
        ("for_clients_too", ()),
        ("address_as_name", ()),
        ("internal_name", ()),
        ("name_twice", ()),
        ("same_key", ()),
        ("answers_ocsp", ()),
        ("listed", ()),
        ("lets_encrypt", ()),
        ("listed_short_lived", ()),
    ],
)
def test_every_kind_has_its_reason(kind: str, reasons: tuple[str, ...]) -> None:
    found = verdict(kind)
    assert rank(found) == reasons
    assert found.good is (reasons == ())


def test_the_table_above_has_every_kind() -> None:
    mark = test_every_kind_has_its_reason.pytestmark[0]  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(CA.kinds())


def test_a_self_signed_certificate_in_the_store_is_trusted() -> None:
    chain = CA.self_signed(HOST).chain
    assert judge(chain, (HOST,), chain, MOMENT).good


def test_the_missing_issuer_is_named() -> None:
    found = verdict("no_intermediate")
    assert found.missing == "CN=Sandbox Intermediate"
    assert found.fetch_from == ("http://ca.sandbox.test/intermediate.der",)
    assert verdict("valid").missing == ""


def test_a_root_that_was_not_sent_is_untrusted_not_missing() -> None:
    chain = CA.untrusted_root(HOST).chain[:2]
    assert judge(chain, (HOST,), ROOTS, MOMENT).trust is Trust.UNTRUSTED_ROOT


@pytest.mark.parametrize(("at", "expired"), [(-1, False), (0, False), (1, True)])
def test_the_second_of_not_after_still_counts(at: int, expired: bool) -> None:
    chain = CA.valid(HOST).chain
    end = read(chain[0]).not_after
    moment = end + timedelta(seconds=at, microseconds=999_999)
    assert bool(judge(chain, (HOST,), ROOTS, moment).expired) is expired


def test_a_good_path_beats_an_expired_one() -> None:
    """Both the old root and the present one are in the store, as with DST Root CA X3."""
    old = CA.old_root()
    for roots in ((CA.root, old), (old, CA.root)):
        found = verdict("cross_signed", roots)
        assert found.good
        assert found.path[-1].der == CA.root
    only_old = verdict("cross_signed", (old,))
    assert {flaw.depth for flaw in only_old.expired} == {2, 3}


def test_extra_certificates() -> None:
    chain = CA.with_root(HOST).chain
    stranger = Authority(MOMENT, "Stranger").intermediate
    found = judge((*chain, chain[1], stranger), (HOST,), ROOTS, MOMENT)
    assert [(e.position, e.surplus) for e in found.extras] == [
        (2, Surplus.ROOT),
        (3, Surplus.DUPLICATE),
        (4, Surplus.UNRELATED),
    ]
    assert verdict("valid").extras == ()


def test_order() -> None:
    assert verdict("wrong_order").wrong_order
    assert not verdict("long_chain").wrong_order
    leaf, intermediate = CA.valid(HOST).chain
    behind = judge((intermediate, leaf), (HOST,), ROOTS, MOMENT)
    assert not behind.leaf_first
    assert not behind.good
    assert verdict("valid").leaf_first


def test_a_forged_issuer() -> None:
    leaf = CA.valid(HOST).chain[0]
    mine = key_of("forger")
    fake = CA.issue("Sandbox Intermediate", mine, issuer="Sandbox Root", by=mine, ca=True)
    found = judge((leaf, fake), (HOST,), ROOTS, MOMENT)
    assert found.forged
    assert found.trust is Trust.MISSING_INTERMEDIATE
    assert not verdict("valid").forged


def below(intermediate: bytes, *, names: tuple[str, ...] = (HOST,)) -> ChainVerdict:
    leaf = CA.issue(HOST, key_of(HOST), issuer="Special", by=key_of("Special"), names=names)
    return judge((leaf, intermediate), (HOST,), ROOTS, MOMENT)


def dns_only(name: str) -> tuple[x509.NameConstraints, bool]:
    return x509.NameConstraints([x509.DNSName(name)], None), True


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (CA.issue("Special", key_of("Special"), ca=True), None),
        (CA.issue("Special", key_of("Special"), ca=False), Fault.NOT_A_CA),
        (CA.issue("Special", key_of("Special"), ca=True, signs=False), Fault.CANNOT_SIGN),
        (CA.issue("Special", key_of("Special"), ca=True, since=9 * DAY, lasts=8 * DAY), Fault.EXPIRED),
        (CA.issue("Special", key_of("Special"), ca=True, extensions=(dns_only("example.org"),)), None),
        (
            CA.issue("Special", key_of("Special"), ca=True, extensions=(dns_only("example.com"),)),
            Fault.NAME_NOT_PERMITTED,
        ),
        (
            CA.issue(
                "Special",
                key_of("Special"),
                ca=True,
                extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),),
            ),
            Fault.UNKNOWN_CRITICAL,
        ),
    ],
)
def test_intermediates_must_be_allowed_to_do_what_they_do(made: bytes, fault: Fault | None) -> None:
    found = below(made)
    grave = [flaw.fault for flaw in found.flaws if flaw.fault is not Fault.PROFILE]
    assert (fault in grave) if fault else grave == []
    assert found.good is (fault is None)


def test_path_length() -> None:
    root = CA.issue("Short", key_of("Short"), issuer="Short", by=key_of("Short"), ca=True, path_length=0)
    middle = CA.issue("Special", key_of("Special"), issuer="Short", by=key_of("Short"), ca=True)
    leaf = CA.issue(HOST, key_of(HOST), issuer="Special", by=key_of("Special"), names=(HOST,))
    found = judge((leaf, middle), (HOST,), (root,), MOMENT)
    assert [flaw.fault for flaw in found.flaws] == [Fault.PATH_TOO_LONG]


def test_the_weak_signature_of_a_root_does_not_matter() -> None:
    chain = CA.sha1(HOST).chain
    leaf_as_anchor = judge(chain, (HOST,), (chain[0],), MOMENT)
    assert not leaf_as_anchor.of(Fault.WEAK_SIGNATURE)
    assert verdict("sha1").of(Fault.WEAK_SIGNATURE)[0].detail == "SHA-1"


def test_names_are_matched_each_by_itself() -> None:
    chain = CA.valid(HOST).chain
    found = judge(chain, ("example.org", HOST), ROOTS, MOMENT)
    assert [(n.reference, n.matched, n.by) for n in found.names] == [
        ("example.org", False, ""),
        (HOST, True, HOST),
    ]
    assert found.name_matched


def test_addresses_and_doubles_among_the_names() -> None:
    key = key_of(HOST)
    leaf = CA.issue(HOST, key, names=(HOST, HOST.upper(), "192.0.2.1", "*.org"))
    found = judge((leaf,), ("192.0.2.1",), ROOTS, MOMENT)
    assert not found.name_matched
    assert found.addresses_as_names == ("192.0.2.1",)
    assert found.duplicate_names == (HOST,)
    assert found.misused_wildcards == ("*.org",)


def test_times() -> None:
    found = verdict("valid")
    assert found.lifetime == 90 * DAY
    assert found.remaining == 60 * DAY - timedelta(seconds=1)
    assert verdict("expired").remaining < timedelta()


@pytest.mark.parametrize(
    ("issued", "days"),
    [
        ((2018, 2, 28), None),
        ((2018, 3, 1), 825),
        ((2020, 8, 31), 825),
        ((2020, 9, 1), 398),
        ((2026, 3, 14), 398),
        ((2026, 3, 15), 200),
        ((2027, 3, 15), 100),
        ((2029, 3, 14), 100),
        ((2029, 3, 15), 47),
    ],
)
def test_lifetime_limits_follow_the_date_of_issue(issued: tuple[int, int, int], days: int | None) -> None:
    limit = lifetime_limit(datetime(*issued, tzinfo=UTC))
    assert limit == (None if days is None else timedelta(days=days))


@pytest.mark.parametrize(
    ("lasts", "too_long"), [(200 * DAY, False), (200 * DAY + timedelta(seconds=1), True)]
)
def test_lifetime_counts_both_ends(lasts: timedelta, too_long: bool) -> None:
    leaf = CA.issue(HOST, key_of(HOST), names=(HOST,), lasts=lasts)
    assert judge((leaf,), (HOST,), ROOTS, MOMENT).lifetime_too_long is too_long


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("TRAEFIK DEFAULT CERT", "Traefik"),
        ("Kubernetes Ingress Controller Fake Certificate", "Kubernetes ingress-nginx"),
        ("localhost", "a default for localhost"),
        ("localhost.localdomain", "a default for localhost"),
        ("Plesk", "Plesk"),
        ("mx.example.org", ""),
    ],
)
def test_placeholders(name: str, product: str) -> None:
    own = CA.issue(name, key_of(name), issuer=name, by=key_of(name))
    assert placeholder(read(own)) == product


def test_a_proper_certificate_for_a_host_named_like_a_product_is_no_placeholder() -> None:
    assert placeholder(read(CA.valid("plesk.example.org").chain[0])) == ""


def test_no_certificate_and_garbage() -> None:
    assert rank(judge((), (HOST,), ROOTS, MOMENT)) == ("no-certificate",)
    broken = judge((b"\x30\x82\xff\xff", *CA.valid(HOST).chain), (HOST,), ROOTS, MOMENT)
    assert rank(broken) == ("unreadable",)
    assert broken.leaf is not None
    assert broken.leaf.problem
    assert not broken.good


def test_the_search_is_bounded() -> None:
    """Five authorities that all signed each other: paths by the hundred, work within the budget."""
    keys = [key_of(f"twin {number}") for number in range(5)]
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    twins = tuple(CA.issue(f"T{a}", keys[a], issuer=f"T{b}", by=keys[b], ca=True) for a, b in pairs)
    leaf = CA.issue(HOST, key_of(HOST), issuer="T0", by=keys[0], names=(HOST,))
    assert search(leaf, twins, (), MOMENT).exhausted
    assert judge((leaf, *twins), (HOST,), (), MOMENT).trust is Trust.UNDECIDED
    root = CA.issue("T4", keys[4], issuer="T4", by=keys[4], ca=True)
    assert search(leaf, twins, (root,), MOMENT).best.good


def test_issuers() -> None:
    chain = CA.with_root(HOST).chain
    names = issuers_of((*chain, b"garbage"))
    assert len(names) == 2
    assert names[1] == names_of(CA.root)[1]  # type: ignore[index]


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_no_octets_raise(octets: bytes) -> None:
    judge((octets, CA.intermediate), (HOST,), (octets, CA.root), MOMENT)
    issuers_of((octets,))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_damage_to_a_certificate_raises(data: st.DataObject) -> None:
    der = bytearray(LEAF)
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(der)))
    for damaged in (bytes(der), bytes(der[:cut])):
        found = judge((damaged, CA.intermediate), (HOST,), ROOTS, MOMENT)
        rank(found)
        assert not found.good or damaged == LEAF


def test_a_loop_is_gone_round_once() -> None:
    a, b = key_of("loop a"), key_of("loop b")
    loop = (
        CA.issue("A", a, issuer="B", by=b, ca=True),
        CA.issue("B", b, issuer="A", by=a, ca=True),
    )
    leaf = CA.issue(HOST, key_of(HOST), issuer="A", by=a, names=(HOST,))
    found = search(leaf, loop, (), MOMENT)
    assert [one.label for one in found.best.certificates] == [HOST, "A", "B"]
    assert not found.exhausted


def test_both_signature_algorithms_must_agree() -> None:
    """The outer one is not signed: RFC 5280 section 4.1.1.2 wants it the same as the inner one."""
    leaf, issuer = CA.sha1(HOST).chain
    assert same_algorithm(leaf)
    assert signed(leaf, issuer)
    sha1, sha256 = bytes.fromhex("2a864886f70d010105"), bytes.fromhex("2a864886f70d01010b")
    head, _, tail = leaf.rpartition(sha1)
    assert not same_algorithm(head + sha256 + tail)
    assert not signed(head + sha256 + tail, issuer)
    assert not same_algorithm(b"\x30\x03\x02\x01\x01")


def test_a_root_of_the_same_name_with_another_key_is_no_anchor() -> None:
    """An anchor is a name and a key: a root of the store cannot be imitated."""
    mine = key_of("imitator")
    fake = CA.issue("Sandbox Root", mine, issuer="Sandbox Root", by=mine, ca=True)
    leaf = CA.issue(HOST, key_of(HOST), issuer="Sandbox Root", by=mine, names=(HOST,))
    found = judge((leaf, fake), (HOST,), ROOTS, MOMENT)
    assert found.trust is Trust.UNTRUSTED_ROOT
    assert not found.good
