"""MTA-STS: the TXT record, the policy file, mx patterns (RFC 8461)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.mta_sts import (
    MOST_POLICY_OCTETS,
    Mode,
    PatternProblem,
    StsPolicyFile,
    StsProblem,
    StsRecord,
    is_sts,
    looks_like_sts,
    mx_pattern_covers,
    pattern_problem,
)

P = StsProblem
GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize("text", ["v=STSv1; id=20160831085700Z;", "v=STSv1;id=1", "v=STSv1; id=1; x.y=z"])
def test_good_records(text: str) -> None:
    record = StsRecord.parse(text)
    assert is_sts(text)
    assert not looks_like_sts(text)
    assert record.is_valid
    assert record.defects == ()
    assert record.id is not None


@pytest.mark.parametrize(
    "text", ["v=stsv1; id=1", " v=STSv1; id=1", "v=STSv1 ; id=1", "v=STSv1", "v=STSv2; id=1"]
)
def test_discarded_records(text: str) -> None:
    assert not is_sts(text)
    assert looks_like_sts(text)
    assert not StsRecord.parse(text).is_valid


@pytest.mark.parametrize("text", ["", "v=spf1 -all", "v=TLSRPTv1; rua=x"])
def test_unrelated_records(text: str) -> None:
    assert not is_sts(text)
    assert not looks_like_sts(text)


@pytest.mark.parametrize(
    ("rest", "problem", "valid"),
    [
        ("", P.ID_MISSING, False),
        ("id=", P.ID_INVALID, False),
        ("id=" + "a" * 33, P.ID_INVALID, False),
        ("id=2024-01-01", P.ID_INVALID, False),
        ("id=1; words", P.MALFORMED, False),
        ("id=1; id=2", P.REPEATED, True),
    ],
)
def test_record_problems(rest: str, problem: StsProblem, valid: bool) -> None:
    record = StsRecord.parse(f"v=STSv1; {rest}")
    assert [defect.problem for defect in record.defects] == [problem]
    assert record.is_valid is valid


@pytest.mark.parametrize(
    "octets", [GOOD, GOOD.replace(b"\r\n", b"\n"), GOOD.rstrip(), GOOD + b"unknown_key: x\r\n\r\n"]
)
def test_good_policies(octets: bytes) -> None:
    policy = StsPolicyFile.parse(octets)
    assert policy.defects == ()
    assert policy.is_valid
    assert (policy.mode, policy.max_age, policy.mx) == (
        Mode.ENFORCE,
        604800,
        ("mail.example.com", "*.example.net"),
    )
    assert policy.covers("MX1.example.net.")
    assert not policy.covers("mx.other.example")


@pytest.mark.parametrize(
    ("old", "new", "problem", "line", "valid"),
    [
        (b"version: STSv1\r\n", b"", P.VERSION_MISSING, 0, False),
        (b"STSv1", b"STSv2", P.VERSION_INVALID, 1, False),
        (b"mode: enforce\r\n", b"", P.MODE_MISSING, 0, False),
        (b"enforce", b"Enforce", P.MODE_INVALID, 2, False),
        (b"max_age: 604800\r\n", b"", P.MAX_AGE_MISSING, 0, False),
        (b"604800", b"31557601", P.MAX_AGE_INVALID, 5, False),
        (b"604800", b"-1", P.MAX_AGE_INVALID, 5, False),
        (b"604800", b"9" * 5000, P.MAX_AGE_INVALID, 5, False),
        (b"mx: mail.example.com\r\nmx: *.example.net\r\n", b"", P.MX_MISSING, 0, False),
        (b"mx: mail.example.com", b"mx mail.example.com", P.MALFORMED, 3, False),
        (b"mx: mail.example.com", b"mx: 192.0.2.1", P.MX_BAD, 3, True),
        (b"mx: *.example.net", b"mx: a.*.net", P.MX_BAD, 4, True),
        (b"max_age", b"mode: none\r\nmax_age", P.REPEATED, 5, True),
        (b"mail.example.com", b"m\xffil.example.com", P.NOT_TEXT, 3, False),
    ],
)
def test_policy_problems(old: bytes, new: bytes, problem: StsProblem, line: int, valid: bool) -> None:
    policy = StsPolicyFile.parse(GOOD.replace(old, new))
    assert (problem, line) in [(defect.problem, defect.position) for defect in policy.defects]
    assert {defect.problem for defect in policy.defects} <= {problem, P.MX_BAD}
    assert policy.is_valid is valid


def test_a_policy_that_turns_off_needs_no_mx() -> None:
    policy = StsPolicyFile.parse(b"version: STSv1\nmode: none\nmax_age: 86400\n")
    assert policy.is_valid
    assert policy.mode is Mode.NONE


def test_the_first_of_a_repeated_key_counts() -> None:
    policy = StsPolicyFile.parse(GOOD + b"mode: none\nmax_age: 1\n")
    assert (policy.mode, policy.max_age) == (Mode.ENFORCE, 604800)


def test_a_policy_may_not_be_longer_than_64_kib() -> None:
    policy = StsPolicyFile.parse(GOOD + b"x: y\n" * MOST_POLICY_OCTETS)
    assert policy.defects[0].problem is P.TOO_LONG
    assert not policy.is_valid


@pytest.mark.parametrize(
    ("pattern", "host", "covers"),
    [
        ("mail.example.com", "Mail.Example.com.", True),
        ("MAIL.example.com", "mail.example.com", True),
        ("mail.example.com", "a.mail.example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", ".example.com", False),
        ("192.0.2.1", "192.0.2.1", False),
        ("mail.example.com.", "mail.example.com", False),
        ("*", "mail", False),
        ("m*.example.com", "mx.example.com", False),
    ],
)
def test_patterns(pattern: str, host: str, covers: bool) -> None:
    assert mx_pattern_covers(pattern, host) is covers


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", PatternProblem.EMPTY),
        ("[192.0.2.1]", PatternProblem.ADDRESS),
        ("2001:db8::1", PatternProblem.ADDRESS),
        ("mail.example.com.", PatternProblem.TRAILING_DOT),
        ("*", PatternProblem.WILDCARD),
        ("*.*.example", PatternProblem.WILDCARD),
        ("mx.*.example", PatternProblem.WILDCARD),
        ("bücher.example", PatternProblem.U_LABEL),
        ("a b", PatternProblem.NOT_A_HOST),
        ("*.", PatternProblem.TRAILING_DOT),
        ("*.example.com", None),
        ("xn--bcher-kva.example", None),
    ],
)
def test_pattern_problems(pattern: str, problem: PatternProblem | None) -> None:
    assert pattern_problem(pattern) is problem


@settings(max_examples=100)
@given(st.binary() | st.binary().map(GOOD.__add__), st.text(), st.text())
def test_nothing_raises(octets: bytes, text: str, host: str) -> None:
    policy = StsPolicyFile.parse(octets)
    assert all(0 <= defect.position <= octets.count(b"\n") + 1 for defect in policy.defects)
    policy.covers(host)
    mx_pattern_covers(text, host)
    record = StsRecord.parse("v=STSv1;" + text)
    assert record.is_valid or record.defects


@pytest.mark.parametrize("unit", [b"mx: a\n", b"\n", b":", b"a:\n", b" ", b"\xff"])
def test_very_long_policies(unit: bytes) -> None:
    StsPolicyFile.parse(unit * (65536 // len(unit)))
