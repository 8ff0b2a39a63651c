"""The DNSSEC line of a report: what breaks the chain, and until when the signatures hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from diag.api import Report
from diag.facts.dnssec import (
    DnssecStatus,
    DsSeen,
    KeySeen,
    Security,
    SignedSet,
    Word,
    ZoneSignatures,
    ZoneTrust,
)
from diag.model.knowing import Absent
from diag.records.dnssec import Signature, Standing
from reports.transport import transport

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def signed(rdtype: str, standing: Standing, days: int) -> SignedSet:
    made = Signature(7, 13, AT - timedelta(days=9), AT + timedelta(days=days), 3600, "d.example", standing)
    return SignedSet("d.example", rdtype, (made,), Word.REFUSES)


def line(*facts: Any) -> Any:
    kept = {type(each): each for each in facts}
    report = SimpleNamespace(
        fact=lambda kind: kept.get(kind, Absent()), target=SimpleNamespace(domain="d.example")
    )
    (row,) = (each for each in transport(cast(Report, report)) if each.name == "DNSSEC")
    return row


@pytest.mark.parametrize("security", Security)
def test_every_state_has_a_symbol_and_a_word(security: Security) -> None:
    row = line(DnssecStatus("d.example", security, "half a sentence", ()))
    assert row.shown.symbol
    assert row.shown.word
    assert row.words == "Half a sentence."


def test_a_broken_chain_says_which_signature_and_which_ds_record() -> None:
    sets = (
        signed("DNSKEY", Standing.GOOD, 20),
        signed("SOA", Standing.GOOD, 4),
        signed("MX", Standing.WRONG, 9),
    )
    key = KeySeen(7, 13, 0, True, "")
    ds = (DsSeen(7, 13, 2, "", True, 0), DsSeen(8, 13, 1, "", True, None))
    row = line(
        DnssecStatus("d.example", Security.BOGUS, "of MX d.example it fails", ()),
        ZoneSignatures("d.example", sets, (), 0, "", AT, ()),
        ZoneTrust("d.example", "d.example", ds, (key,), False, True, True, sets[0], ()),
    )
    assert row.shown.word == "does not validate"
    assert "over 2 of 3 record sets" in row.words
    assert "the first ends on 2026-11-25 at 09:00 UTC" in row.words
    assert "Of MX d.example the signature by key 7 does not fit the records." in row.words
    assert row.lines == (
        "DS 7, ECDSAP256SHA256 (13), SHA-256 (2): fits key 7",
        "DS 8, ECDSAP256SHA256 (13), SHA-1 (1): fits no key",
    )
