"""Digests of configuration documents: what fits, and that nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.pacc import PaccRecord, is_document, is_pacc, pacc_record

BODY = b'{"protocols": {}}'


def test_the_record_for_a_document_fits_it_and_no_other() -> None:
    record = PaccRecord.parse(pacc_record(BODY))
    assert is_pacc(record.text)
    assert record.fits(BODY)
    assert not record.fits(BODY + b"\n")


@pytest.mark.parametrize("change", [("a=sha256", "a=sha1"), ("d=", "e="), ("d=", "d=!"), ("=\n", "")])
def test_other_records_fit_nothing(change: tuple[str, str]) -> None:
    text = pacc_record(BODY) + "\n"
    assert not PaccRecord.parse(text.replace(*change)).fits(BODY)


@pytest.mark.parametrize("text", ["v=UAAC10; d=", "a=sha256; v=UAAC1", "v=spf1 -all", ""])
def test_not_recognised(text: str) -> None:
    assert not is_pacc(text)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (BODY, True),
        (b" \n{}", True),
        (b"[]", False),
        (b"<html>", False),
        (b"{", False),
        (b'{"a":' * 9999, False),
    ],
)
def test_documents(body: bytes, document: bool) -> None:
    assert is_document(body) is document


@settings(max_examples=60)
@given(st.text(), st.binary())
def test_nothing_raises(text: str, body: bytes) -> None:
    PaccRecord.parse("v=UAAC1; a=sha256; d=" + text).fits(body)
    is_document(b"{" + body)
