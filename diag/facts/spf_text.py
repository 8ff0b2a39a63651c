"""SPF in plain text: trees as lines, what is said of a term, and whom the record lets pass.

What comes out of the DNS is handed on as it is: whoever shows it makes it harmless first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from diag.model.frozen import frozen
from diag.records.spf import SpfError

from .spf import Outcome, SpfEvaluation, SpfNode, SpfStep

MOST_ADDRESSES = 1_000_000
"""From here on authorised addresses are given in millions."""


@frozen
class Branch:
    """One line of a tree, what stands in the columns beside it, and what hangs below it."""

    text: str
    columns: tuple[str, ...]
    below: tuple[Branch, ...] = ()


@frozen
class Line:
    """A branch as it is drawn."""

    rail: str
    """What stands before the text."""
    hanging: str
    """What stands before the rest of a text that is folded."""
    text: str
    columns: tuple[str, ...]


def drawn(branches: Sequence[Branch], rail: str = "") -> Iterator[Line]:
    """The branches as lines, in order."""
    for number, branch in enumerate(branches, 1):
        last = number == len(branches)
        hanging = rail + ("   " if last else "│  ")
        yield Line(f"{rail}{'└─ ' if last else '├─ '}", hanging, branch.text, branch.columns)
        yield from drawn(branch.below, hanging)


def branches(node: SpfNode) -> tuple[Branch, ...]:
    """The terms of a record as a receiver meets them; one column: the look-ups of each with all below it."""
    return tuple(
        Branch(
            term_text(step),
            (str(step.total) if step.reached and step.total else "",),
            branches(step.inner) if step.inner is not None else (),
        )
        for step in node.steps
    )


def term_text(step: SpfStep) -> str:
    """A term, and in parentheses what is remarkable about it."""
    if isinstance(step.term, SpfError):
        return f"{step.text} ({step.term.reason})"
    if not step.reached:
        return f"{step.text} (never reached)"
    if step.outcome in (Outcome.NOT_NEEDED, Outcome.FOUND):
        return step.text
    return f"{step.text} ({step.outcome})"


def whom_spf_lets_pass(spf: SpfEvaluation) -> str:
    """How many addresses may send, and what is said of all others: one sentence."""
    if not spf.passes_somebody:
        return "SPF lets nobody send."
    allowed = amount([network for _, _, network in spf.networks()])
    others = {
        "-": "everyone else fails (-all)",
        "~": "everyone else fails softly (~all)",
        "?": "nothing is said of everyone else (neutral)",
        "+": "and everyone else passes too (+all)",
    }[spf.final]
    return f"SPF lets {allowed or 'senders that only a message shows'} send; {others}."


def amount(networks: Sequence[IPv4Network | IPv6Network]) -> str:
    """How much these networks hold, in words; nothing where there are none."""
    four = [network for network in networks if isinstance(network, IPv4Network)]
    six = [network for network in networks if isinstance(network, IPv6Network)]
    number = sum(network.num_addresses for network in collapse_addresses(four))
    ranges = len(list(collapse_addresses(six)))
    said = []
    if number:
        said.append(f"{_amount(number)} IPv4 address{'es' if number != 1 else ''}")
    if ranges:
        said.append(f"{ranges} IPv6 range{'s' if ranges != 1 else ''}")
    return " and ".join(said)


def _amount(number: int) -> str:
    return f"{number / 1_000_000:,.1f} million" if number >= MOST_ADDRESSES else f"{number:,}"
