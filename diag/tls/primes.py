"""The primes of RFC 7919: finite fields with a name, that need no trust in whoever made them up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_OFFSETS = {2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}
"""What appendix A adds to the digits of e, for each size in bits."""


def named_prime(prime: bytes) -> str:
    """ "ffdhe3072" and the like; empty for any other prime."""
    return _named().get(int.from_bytes(prime), "")


def prime(bits: int) -> int:
    """The prime of a size: 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) * 2^64 - 1 (RFC 7919 appendix A)."""
    return (1 << bits) - (1 << (bits - 64)) + ((_e(bits - 130) + _OFFSETS[bits]) << 64) - 1


@cache
def _named() -> Mapping[int, str]:
    return {prime(bits): f"ffdhe{bits}" for bits in _OFFSETS}


def _e(shift: int) -> int:
    """The integer part of e * 2^shift, by its series, with digits to spare."""
    spare = 64
    term = total = 1 << (shift + spare)
    divisor = 0
    while term:
        divisor += 1
        term //= divisor
        total += term
    return total >> spare
