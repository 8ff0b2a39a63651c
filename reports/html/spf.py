"""SPF as a tree: each term with what it costs, what came of it and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Report, Severity
from diag.facts.spf import LOOKUP_LIMIT, VOID_LIMIT, Outcome, SpfEvaluation, SpfNode, SpfStep
from diag.records.spf import SpfError
from reports import states
from reports.words import whom_spf_lets_pass

_MOST_TERMS = 400
_QUIET = (Outcome.NOT_NEEDED, Outcome.FOUND)
_BAD = (Outcome.NO_RECORD, Outcome.MANY_RECORDS, Outcome.LOOP)


@dataclass(frozen=True, slots=True)
class Branch:
    """A term and what is evaluated below it."""

    text: str
    cost: str
    note: states.Shown | None
    dim: bool
    """Nobody evaluates it."""
    below: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The evaluation as shown."""

    lookups: states.Shown
    voids: states.Shown
    allows: str
    record: str
    branches: tuple[Branch, ...]


def tree(report: Report) -> Tree | None:
    """The tree of the domain's SPF record; None where it was not evaluated."""
    spf = report.fact(SpfEvaluation)
    if not isinstance(spf, SpfEvaluation):
        return None
    voids = max(len(spf.voids(4)), len(spf.voids(6)))
    left = [_MOST_TERMS]
    return Tree(
        _measure(spf.lookups, LOOKUP_LIMIT, "look-ups"),
        _measure(voids, VOID_LIMIT, "void look-ups"),
        whom_spf_lets_pass(spf),
        spf.record.text,
        _branches(spf.root, left),
    )


def _measure(number: int, limit: int, what: str) -> states.Shown:
    word = f"{number} of {limit} {what}"
    return states.short(Severity.ERROR, word) if number > limit else states.good(word)


def _branches(node: SpfNode, left: list[int]) -> tuple[Branch, ...]:
    found = []
    for step in node.steps:
        if left[0] <= 0:
            found.append(Branch("…", "", states.mute("more terms than are shown"), True, ()))
            break
        left[0] -= 1
        found.append(_branch(step, left))
    return tuple(found)


def _branch(step: SpfStep, left: list[int]) -> Branch:
    below = _branches(step.inner, left) if step.inner is not None else ()
    inherited = step.total - step.cost
    cost = f"{step.cost} + {inherited}" if inherited else str(step.cost) if step.cost else ""
    return Branch(step.text, cost if step.reached else "", _note(step), not step.reached, below)


def _note(step: SpfStep) -> states.Shown | None:
    if isinstance(step.term, SpfError):
        return states.short(Severity.ERROR, step.term.reason)
    if not step.reached:
        return states.mute("never reached")
    if step.outcome in _QUIET:
        return None
    word = f"{step.outcome}: {step.because}" if step.because else str(step.outcome)
    if step.outcome in _BAD:
        return states.short(Severity.ERROR, word)
    if step.outcome is Outcome.VOID:
        return states.short(Severity.WARNING, word)
    return states.unknown(word) if step.outcome is Outcome.FAILED else states.mute(word)
