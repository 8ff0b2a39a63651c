"""TLSA records: fields and use for SMTP (RFC 6698, RFC 7672 section 3.1)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.tlsa import Tlsa, TlsaProblem

P = TlsaProblem


@pytest.mark.parametrize(
    ("octets", "problems"),
    [
        (bytes([3, 1, 1]) + b"x" * 32, ()),
        (bytes([2, 0, 1]) + b"x" * 32, ()),
        (bytes([3, 1, 2]) + b"x" * 64, ()),
        (bytes([3, 0, 0]) + b"x", ()),
        (bytes([1, 1, 1]) + b"x" * 32, (P.PKIX_USAGE,)),
        (bytes([0, 0, 1]) + b"x" * 32, (P.PKIX_USAGE,)),
        (bytes([4, 1, 1]) + b"x" * 32, (P.UNKNOWN_USAGE,)),
        (bytes([3, 2, 1]) + b"x" * 32, (P.UNKNOWN_SELECTOR,)),
        (bytes([3, 1, 3]) + b"x" * 32, (P.UNKNOWN_MATCHING,)),
        (bytes([3, 1, 1]) + b"x" * 31, (P.DIGEST_LENGTH,)),
        (bytes([3, 1, 2]) + b"x" * 32, (P.DIGEST_LENGTH,)),
        (bytes([3, 1, 1]), (P.NO_DATA,)),
        (bytes([1, 9, 9]), (P.PKIX_USAGE, P.UNKNOWN_SELECTOR, P.UNKNOWN_MATCHING, P.NO_DATA)),
        (bytes([3, 1]), (P.CUT_SHORT,)),
        (b"", (P.CUT_SHORT,)),
    ],
)
def test_use_for_smtp(octets: bytes, problems: tuple[TlsaProblem, ...]) -> None:
    record = Tlsa.from_rdata(octets)
    assert record.problems == problems
    assert record.is_usable_for_smtp is (not problems)


def test_presentation_format() -> None:
    record = Tlsa.from_text(" 3 1  1 0A0b 0c\n")
    assert record == Tlsa(3, 1, 1, b"\x0a\x0b\x0c")
    assert str(record) == "3 1 1 0a0b0c"


@pytest.mark.parametrize(
    "text", ["", "3 1 1", "3 1 1 0", "3 1 1 xy", "256 1 1 00", "3 1 1 00 zz", "٣ 1 1 00"]
)
def test_what_is_no_record(text: str) -> None:
    assert Tlsa.from_text(text) is None


@settings(max_examples=100)
@given(st.binary(), st.text())
def test_nothing_raises(octets: bytes, text: str) -> None:
    record = Tlsa.from_rdata(octets)
    assert record.is_usable_for_smtp is not bool(record.problems)
    Tlsa.from_text(text)
    if record.data:
        assert Tlsa.from_text(str(record)) == record
