"""BIMI assertion records: tags only."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.bimi import BimiProblem, BimiRecord, is_bimi, looks_like_bimi

P = BimiProblem


@pytest.mark.parametrize("text", ["v=BIMI1", "v=BIMI1; l=https://a.example/x.svg", "v = BIMI1 ; l="])
def test_recognised(text: str) -> None:
    assert is_bimi(text)


@pytest.mark.parametrize("text", ["", "l=; v=BIMI1", "v=spf1 -all", "v=DMARC1; p=none"])
def test_not_recognised(text: str) -> None:
    assert not is_bimi(text)
    assert not looks_like_bimi(text)


@pytest.mark.parametrize("text", ["v=BIMI10; l=", " v=BIMI1;", "v=bimi1; l=", "v:BIMI1; l=", '"v=BIMI1; l='])
def test_meant_and_not_recognised(text: str) -> None:
    assert not is_bimi(text)
    assert looks_like_bimi(text)


def test_values() -> None:
    record = BimiRecord.parse(
        "v=BIMI1; l=https://a.example/x.svg; a=https://a.example/x.pem; avp=brand; lps=news, team; x=y"
    )
    assert record.defects == ()
    assert (record.logo, record.evidence, record.declines) == (
        "https://a.example/x.svg",
        "https://a.example/x.pem",
        False,
    )


@pytest.mark.parametrize("text", ["v=BIMI1; l=; a=;", "v=BIMI1; l="])
def test_declination(text: str) -> None:
    record = BimiRecord.parse(text)
    assert record.declines
    assert record.defects == ()


@pytest.mark.parametrize(
    ("rest", "problem", "text"),
    [
        ("", P.LOGO_MISSING, ""),
        ("l=http://a.example/x.svg", P.LOGO_NOT_HTTPS, "http://a.example/x.svg"),
        ("l=https://", P.LOGO_NOT_HTTPS, "https://"),
        ("l=https://[", P.LOGO_NOT_HTTPS, "https://["),
        ("l=https://a.example/x,y.svg", P.LOGO_NOT_HTTPS, "https://a.example/x,y.svg"),
        ("l=https://a.example:99999/", P.LOGO_NOT_HTTPS, "https://a.example:99999/"),
        ("l=https://d.example/l.svg; a=x.pem", P.EVIDENCE_NOT_HTTPS, "x.pem"),
        ("l=; a=https://d.example/mark.pem", P.LOGO_MISSING, ""),
        ("l=; lps=a,,b", P.LOCAL_PART_INVALID, "a,,b"),
        ("l=; lps=" + "a" * 64, P.LOCAL_PART_INVALID, "a" * 64),
        ("l=; word", P.MALFORMED, "word"),
        ("l=; l=", P.TAG_TWICE, "l"),
    ],
)
def test_problems(rest: str, problem: BimiProblem, text: str) -> None:
    record = BimiRecord.parse(f"v=BIMI1; {rest}")
    assert [(defect.problem, defect.text) for defect in record.defects] == [(problem, text)]


@settings(max_examples=100)
@given(st.text() | st.text("la=;:/htps[]., ").map("v=BIMI1; ".__add__))
def test_nothing_raises(text: str) -> None:
    record = BimiRecord.parse(text)
    assert all(0 <= defect.position <= len(text) for defect in record.defects)
