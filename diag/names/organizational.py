"""The DNS tree walk of DMARC and the Organizational Domain it finds (RFC 9989 section 4.10).

Pure functions: the caller asks for `_dmarc.` below each name of `walk_names`, stops where `ends_walk`
says so, and hands what it learned to `organizational_domain`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .domain import labels, normal

MOST_QUERIES = 8
"""A walk asks at most this many names (RFC 9989 section 4.10)."""
_JUMP_TO = 7  # labels left after the first step from a name of eight labels or more


def walk_names(name: str) -> tuple[str, ...]:
    """The names whose `_dmarc` is asked, in order: the name itself first, the top-level domain last."""
    own = labels(normal(name))
    if not own:
        return ()
    # RFC 9989 section 4.10: with fewer than 8 labels drop one; with 8 or more go straight to 7.
    longest = min(len(own) - 1, _JUMP_TO)
    return (".".join(own), *(".".join(own[-count:]) for count in range(longest, 0, -1)))


def ends_walk(psd: str | None) -> bool:
    """Whether the walk stops after an answer (RFC 9989 section 4.10 steps 2 and 6): None where no record is usable."""
    return (psd or "").lower() in ("n", "y")


def organizational_domain(start: str, steps: Sequence[tuple[str, str | None]]) -> str:
    """The Organizational Domain of `start` (RFC 9989 section 4.10.2).

    `steps` holds each name that was asked with the `psd` value of its record (`u` where the record has
    no such tag), or None where no usable record is published. Order does not matter.
    """
    origin = normal(start)
    own = labels(origin)
    known = sorted(
        ((normal(name), psd.lower()) for name, psd in steps if psd is not None),
        key=lambda step: len(labels(step[0])),
        reverse=True,
    )
    for name, psd in known:  # from the longest name to the shortest
        if psd == "n" or (psd == "y" and name == origin):
            return name  # which is where the walk ends
        if psd == "y":
            # A public suffix above the start: the Organizational Domain is one label below it.
            return ".".join(own[-(len(labels(name)) + 1) :])
    return known[-1][0] if known else origin
