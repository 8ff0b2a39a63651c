"""CAA records: the value that names an authority, and what is wrong with records."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.caa import CaaRecord


@pytest.mark.parametrize(
    ("value", "issuer"),
    [
        ("letsencrypt.org", "letsencrypt.org"),
        ("  LetsEncrypt.ORG\t", "letsencrypt.org"),
        ("ca.example; account=230123", "ca.example"),
        ("ca.example;", "ca.example"),
        ("ca.example; a=b; c=d ", "ca.example"),
        ("ca.example; a=b;", None),
        ("ca.example ; validationmethods = dns-01", "ca.example"),
        ("", ""),
        (";", ""),
        (" ; ", ""),
        ("; policy=ev", ""),
        ("%%%%%", None),
        ("ca.example account=1", None),
        ("ca.example, other.example", None),
        ("https://ca.example", None),
        ("ca..example", None),
        ("-ca.example", None),
        ("ca.example.", None),
        ("ca.example; a", None),
        ("ca.example; ; a=b", None),
        ("ca.example; a=b c", None),
        ("cä.example", None),
        ("a." * 3000 + "example", None),
    ],
)
def test_the_value_names_one_authority_nobody_or_nothing_that_can_be_read(
    value: str, issuer: str | None
) -> None:
    assert CaaRecord(0, "issue", value).issuer == issuer


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (CaaRecord(0, "issue", "letsencrypt.org"), ""),
        (CaaRecord(128, "issue", "letsencrypt.org"), ""),
        (CaaRecord(0, "issuewild", "a b"), "names no authority"),
        (CaaRecord(0, "issuemail", ";"), ""),
        (CaaRecord(0, "issuevmc", "a b"), "names no authority"),
        (CaaRecord(0, "future", "a b"), ""),
        (CaaRecord(128, "future", "a b"), "critical"),
        (CaaRecord(129, "future", "a b"), "critical"),
        (CaaRecord(1, "future", "a b"), "take it for critical"),
        (CaaRecord(128, "contactemail", "security@example.org"), "take it for critical"),
        (CaaRecord(2, "future", "a b"), ""),
        (CaaRecord(129, "iodef", "mailto:security@example.org"), ""),
        (CaaRecord(128, "issuemail", ";"), ""),
        (CaaRecord(0, "iodef", "mailto:security@example.org"), ""),
        (CaaRecord(0, "iodef", "HTTPS://example.org/iodef"), ""),
        (CaaRecord(0, "iodef", "security@example.org"), "mailto:"),
        (CaaRecord(0, "iodef", "ftp://example.org/"), "mailto:"),
        (CaaRecord(0, "contactemail", "security@example.org"), ""),
    ],
)
def test_what_is_wrong_with_a_record(record: CaaRecord, words: str) -> None:
    assert (words in record.trouble) if words else record.trouble == ""


def test_it_is_written_as_in_a_zone_file() -> None:
    assert str(CaaRecord(0, "issue", 'a"b\\c')) == '0 issue "a\\"b\\\\c"'


@settings(max_examples=100)
@given(st.integers(0, 255), st.sampled_from(["issue", "iodef", "x"]), st.text(max_size=60))
def test_nothing_raises(flags: int, tag: str, value: str) -> None:
    record = CaaRecord(flags, tag, value)
    assert record.issuer is None or ";" not in record.issuer
    assert isinstance(record.trouble, str)
    assert str(record).startswith(f"{flags} {tag} ")
