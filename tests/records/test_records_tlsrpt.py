"""TLSRPT records (RFC 8460 section 3)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.tlsrpt import TlsrptProblem, TlsrptRecord, is_tlsrpt, looks_like_tlsrpt

P = TlsrptProblem


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("v=TLSRPTv1; rua=mailto:tls@example.com", ["example.com"]),
        ("v=TLSRPTv1;rua=https://r.example/v1;", ["r.example"]),
        ("v=TLSRPTv1; rua=mailto:a@b.example , https://r.example; x-y=1;", ["b.example", "r.example"]),
    ],
)
def test_good_records(text: str, hosts: list[str]) -> None:
    record = TlsrptRecord.parse(text)
    assert is_tlsrpt(text)
    assert not looks_like_tlsrpt(text)
    assert record.defects == ()
    assert [uri.host for uri in record.usable] == hosts


@pytest.mark.parametrize(
    ("rest", "problem", "text"),
    [
        ("", P.RUA_MISSING, ""),
        ("rua=", P.REPORT_URI, ""),
        ("rua=tls@example.com", P.REPORT_URI, "tls@example.com"),
        ("rua=http://r.example/", P.REPORT_URI, "http://r.example/"),
        ("rua=mailto:a!b@example.com", P.REPORT_URI, "mailto:a!b@example.com"),
        ("rua=mailto:a@example.com!10m", P.REPORT_URI, "mailto:a@example.com!10m"),
        ("rua=mailto:a@b.example; mailto:c@d.example", P.MALFORMED, "mailto:c@d.example"),
        ("rua=mailto:a@b.example; rua=mailto:c@d.example", P.TAG_TWICE, "rua"),
    ],
)
def test_problems(rest: str, problem: TlsrptProblem, text: str) -> None:
    record = TlsrptRecord.parse(f"v=TLSRPTv1; {rest}")
    assert [(defect.problem, defect.text) for defect in record.defects] == [(problem, text)]
    assert record.tags.text.startswith(text, record.defects[0].position)


@pytest.mark.parametrize(
    "text", ["v=TLSRPT1; rua=x", "v=tlsrptv1;", " v=TLSRPTv1;", "v=TLS-RPTv1;", "v=TLSRPTv1"]
)
def test_discarded_records(text: str) -> None:
    assert not is_tlsrpt(text)
    assert looks_like_tlsrpt(text)


@pytest.mark.parametrize("text", ["", "v=spf1 -all", "v=STSv1; id=1"])
def test_unrelated_records(text: str) -> None:
    assert not is_tlsrpt(text)
    assert not looks_like_tlsrpt(text)


@settings(max_examples=100)
@given(st.text() | st.text("rua=;, mailto:@").map("v=TLSRPTv1;".__add__))
def test_nothing_raises(text: str) -> None:
    record = TlsrptRecord.parse(text)
    assert record.usable or record.defects
    assert all(0 <= defect.position <= len(text) for defect in record.defects)


def test_only_sound_entries_are_usable() -> None:
    record = TlsrptRecord.parse("v=TLSRPTv1; rua=mailto:a!b@x.example,ftp://y.example,mailto:c@z.example")
    assert [uri.host for uri in record.usable] == ["z.example"]
