"""Nothing that comes from elsewhere raises in a reader, or makes it work longer than its length allows.

`script/fuzz` looks for much longer, and by the clock too.
"""

from __future__ import annotations

import random
import sys
from types import FrameType
from typing import Any

import pytest
from fuzz_target import Target
from fuzz_targets import targets
from hypothesis import given, settings, strategies as st

from diag.records import spf

NAMES = tuple(targets())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_nothing_raises(name: str, rng: random.Random) -> None:
    target = targets()[name]
    target.try_on(target.made(rng))


@pytest.mark.parametrize("name", NAMES)
def test_whole_inputs_are_read(name: str) -> None:
    """A target that refuses everything would find nothing."""
    for seed in targets()[name].seeds:
        targets()[name].read(seed)


SMALL = 700
FACTOR = 4
MOST = 5.5
"""Four times the input may cost four times the lines, and a little more for what grows at its edges."""
FEW = 400
"""Lines that are no growth worth looking at."""


@pytest.mark.parametrize("name", NAMES)
def test_lines_executed_grow_with_the_length(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is remembered costs nothing, so that the first size which is not would seem to grow.
    monkeypatch.setattr(spf, "MOST_KEPT", 0)
    target = targets()[name]
    larger = dict(target.grown(SMALL * FACTOR))
    for words, octets in target.grown(SMALL):
        before, after = lines_executed(target, octets), lines_executed(target, larger[words])
        assert after <= max(before * MOST, FEW), (words, before, after)


def lines_executed(target: Target, octets: bytes) -> int:
    """How many lines of Python reading takes: the same on every machine."""
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        target.read(octets)
    except target.refuses:
        pass
    finally:
        sys.settrace(before)
    return count
