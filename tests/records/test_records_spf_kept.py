"""Records that are remembered: they cannot be changed, and a hostile one cannot make that cost much memory."""

from __future__ import annotations

import dataclasses
import tracemalloc
from typing import Any

import pytest

from diag.records import spf
from diag.records.spf import MOST_KEPT, MOST_RECORDS_KEPT, SpfRecord

MOST_OCTETS = 20 << 20
SOME = 8
DEAREST = (
    "a ",
    "b= ",
    "? ",
    "x=%% ",
    f"x={'%%' * 18} ",
    "x=%{d}%{d}%{d} ",
    "ip6:1:: ",
    "ip4:1.1.1.1/7 ",
    "\udcff ",
)


@pytest.mark.parametrize("term", DEAREST)
def test_hostile_records_take_little_memory_all_together(term: str) -> None:
    spf._kept.cache_clear()
    tracemalloc.start(1)
    try:
        for number in range(SOME):
            record = SpfRecord.parse(f"v=spf1 i{number} {term * MOST_KEPT}"[:MOST_KEPT])
            # Whatever a run asks of one stays with it, too.
            hash(record), record.errors, record.duplicates
            [term.network.broadcast_address for term in record.mechanisms if term.network]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spf._kept.cache_info().currsize == SOME
    assert taken / SOME * MOST_RECORDS_KEPT < MOST_OCTETS
    assert spf._kept.cache_info().maxsize == MOST_RECORDS_KEPT


def test_what_is_too_long_is_read_and_not_remembered() -> None:
    spf._kept.cache_clear()
    assert len(SpfRecord.parse("v=spf1 " + "a " * MOST_KEPT).terms) == MOST_KEPT
    assert spf._kept.cache_info().currsize == 0


def test_nobody_can_change_what_others_will_get() -> None:
    text = "v=spf1 mx a:b.example/24 ip6:2001:db8::/32 include:%{d2}.c.example x=%{i} nonsense redirect=d.example"
    record = SpfRecord.parse(text)
    assert SpfRecord.parse(text) is record
    changeable = [value for value in _within(record) if isinstance(value, list | dict | set | bytearray)]
    assert changeable == []
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.terms = ()  # type: ignore[misc]


def _within(value: Any) -> list[Any]:
    """The value, and all that its fields and tuples hold."""
    parts: list[Any] = []
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, tuple):
        parts = list(value)
    return [value, *(inner for part in parts for inner in _within(part))]
