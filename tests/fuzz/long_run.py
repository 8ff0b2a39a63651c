"""Feeds the fuzz targets for as long as is wanted: nothing may raise, and time may grow only with the length.

`script/fuzz` runs it. It prints its seed; the same seed gives the same inputs. Exits with 1 on a finding.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import secrets
import sys
import time
import traceback
from collections.abc import Iterator

from fuzz_target import LARGEST, Target
from fuzz_targets import targets

SIZES = (LARGEST // 8, LARGEST // 2, LARGEST)
"""Octets. The smallest only shows what is worth a closer look: it may stop early for a reason of its own."""
SUSPECT = 6.0
"""From the first size to the second: linear is 4."""
MOST = 3.0
"""From the second size to the third: linear is 2, quadratic 4."""
TOO_SHORT = 0.01
"""Seconds below which a time says nothing."""
TIMES = 3


def grows(target: Target, pairs: bool) -> Iterator[str]:
    """Words that, repeated, make a target work longer than their length allows."""
    inputs = (target.grown(size, pairs=pairs, least=SIZES[0]) for size in SIZES)
    for three in zip(*inputs, strict=True):
        words, (small, middle, large) = three[0][0], (octets for _, octets in three)
        after = took(target, middle)
        if after < TOO_SHORT or after < took(target, small) * SUSPECT:
            continue
        # Twice, as a machine that does something else meanwhile looks the same once.
        ratio = min(_least(target, large) / _least(target, middle) for _ in range(2))
        if ratio > MOST:
            yield f"{target.name}: {words!r} over and over: twice the octets take {ratio:.1f} times as long"


def _least(target: Target, octets: bytes) -> float:
    return min(took(target, octets) for _ in range(TIMES))


def took(target: Target, octets: bytes) -> float:
    """Seconds of processor time for one reading."""
    began = time.process_time()
    with contextlib.suppress(*target.refuses):
        target.read(octets)
    return time.process_time() - began


def raises(target: Target, rng: random.Random, until: float) -> tuple[int, list[str]]:
    """How many inputs were tried until then, and what the first that should not have raised did."""
    tried = 0
    while time.monotonic() < until:
        octets = target.made(rng)
        tried += 1
        try:
            target.try_on(octets)
        except Exception:
            return tried, [f"{target.name}: {octets!r}\n{traceback.format_exc()}"]
    return tried, []


def main() -> int:
    """Run the targets named, or all."""
    parser = argparse.ArgumentParser(prog="script/fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help=f"one or more of: {', '.join(targets())}")
    parser.add_argument("--minutes", type=float, default=1.0, help="for all targets together: 1")
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run")
    parser.add_argument(
        "--pairs", action="store_true", help="growth of every two words repeated, not only of one"
    )
    options = parser.parse_args()
    if unknown := [name for name in options.target if name not in targets()]:
        parser.error(f"unknown target {unknown[0]!r}; known are {', '.join(targets())}")
    chosen = [targets()[name] for name in options.target] or list(targets().values())
    seed = options.seed if options.seed is not None else secrets.randbits(32)
    print(f"seed {seed}", flush=True)
    found: list[str] = []
    for target in chosen:
        try:
            slow = list(grows(target, options.pairs))
        except Exception:
            slow = [f"{target.name}: a word over and over\n{traceback.format_exc()}"]
        until = time.monotonic() + options.minutes * 60 / len(chosen)
        tried, wrong = raises(target, random.Random(f"{seed} {target.name}"), until)
        print(f"{target.name}: {tried} inputs, {len(slow) + len(wrong)} findings", flush=True)
        found += slow + wrong
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
