"""What `maildiag spf` prints: one check with its trace, or a record with its cost and whom it lets send."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from itertools import zip_longest
from typing import Any

from diag.facts.spf import LOOKUP_LIMIT, VOID_LIMIT, Network, Outcome, SpfEvaluation, SpfPublished, SpfStep
from diag.facts.spf_result import SpfCheck, SpfTrace
from diag.facts.spf_text import Branch, amount, branches, drawn, whom_spf_lets_pass
from diag.gather.selectors import table
from diag.model.frozen import frozen
from diag.model.knowing import Unavailable
from diag.names.domain import is_below
from diag.records.spf import Mechanism, Modifier, SpfError
from diag.wire.transcript import visible

Surveyed = SpfEvaluation | SpfPublished | Unavailable
"""A tree; or the records of a domain that has not exactly one; or why nobody knows."""

MOST_NETWORKS = 8
"""Networks that the text names for one term; JSON has them all."""


@frozen
class Asked:
    """The question of one check."""

    domain: str
    ip: str
    mail_from: str
    """Empty for the null reverse-path: then the HELO name is checked."""
    helo: str


def is_open(found: Surveyed) -> bool:
    """Whether something of it could not be found out."""
    return isinstance(found, Unavailable) or (isinstance(found, SpfEvaluation) and any(found.failed()))


# ---------------------------------------------------------------- one check


def check_text(asked: Asked, check: SpfCheck, width: int) -> str:
    """Result, deciding term and trace."""
    out = [f"{check.result} for {asked.ip} sending as {_sender(asked)}"]
    why = f"decided by {check.term}" if check.term else check.because or "no term matches"
    out += _folded(why, width, "  ", "  ")
    if check.explanation:
        out += _folded(f"the domain explains: {check.explanation}", width, "  ", "  ")
    spent = f"{check.lookups} of {LOOKUP_LIMIT} look-ups, void {check.voids} of {VOID_LIMIT}"
    out += _folded(spent, width, "  ", "  ")
    if check.trace:
        out += ["", *_tree(("look-ups", "void"), asked.domain, ("", ""), _traced(check.trace), width)]
    return "\n".join(out) + "\n"


def check_json(asked: Asked, check: SpfCheck) -> str:
    """The same as data."""
    told = {
        **asdict(asked),
        "result": str(check.result),
        "term": check.term,
        "because": check.because,
        "explanation": check.explanation,
        "lookups": check.lookups,
        "voids": check.voids,
        "limits": _LIMITS,
        "trace": [asdict(step) for step in check.trace],
    }
    return _as_json(told)


def _sender(asked: Asked) -> str:
    if not asked.mail_from:
        return f"<> from {asked.helo}"
    return f"{asked.mail_from}" + (f" from {asked.helo}" if asked.helo != asked.domain else "")


def _traced(trace: Sequence[SpfTrace]) -> tuple[Branch, ...]:
    """The trace as a tree: an include is told when it is entered and again when it is left."""
    found: list[Branch] = []
    at = 0
    while at < len(trace):
        step = trace[at]
        end = next((n for n in range(at + 1, len(trace)) if trace[n].depth <= step.depth), len(trace))
        inner, said = trace[at + 1 : end], step.said
        left = trace[end] if end < len(trace) else None
        entered = said.startswith("evaluates ")
        if entered and left is not None and (left.depth, left.term) == (step.depth, step.term):
            said, end = left.said, end + 1
        columns = (str(step.lookups), str(step.voids))
        found.append(Branch(f"{step.term} ({said})", columns, _traced(inner)))
        at = end
    return tuple(found)


# ---------------------------------------------------------------- one record


def tree_text(domain: str, found: Surveyed, width: int) -> str:
    """Tree, cost, and who may send."""
    if not isinstance(found, SpfEvaluation):
        return "\n".join(_folded(f"{domain}: {_nothing(domain, found)}", width)) + "\n"
    voids = [len(found.voids(version)) for version in (4, 6)]
    out = _folded(
        f"{domain}: {found.lookups} of {LOOKUP_LIMIT} look-ups, "
        f"void {voids[0]} of {VOID_LIMIT} (IPv4) and {voids[1]} of {VOID_LIMIT} (IPv6)",
        width,
    )
    out += _folded(found.record.text, width, "  ", "  ")
    for problem in _problems(found):
        out += _folded(problem, width, "  ✗ ", "    ")
    costs = _tree(("look-ups",), domain, (str(found.lookups),), branches(found.root), width)
    lets = whom_spf_lets_pass(found)
    # A syntax error anywhere is permerror for everybody (section 4.6).
    out += ["", *costs, "", *_folded(f"Once that is mended: {lets}" if found.record.errors else lets, width)]
    for step, networks in _authorised(found):
        out += ["", *_folded(_source(step, networks), width)]
        shown = [str(network) for network in networks[:MOST_NETWORKS]]
        if len(networks) > len(shown):
            shown.append(f"and {len(networks) - len(shown)} more")
        out += _folded(", ".join(shown), width, "  ", "  ") if shown else []
    return "\n".join(out) + "\n"


def tree_json(domain: str, found: Surveyed) -> str:
    """The same as data, with every network."""
    if not isinstance(found, SpfEvaluation):
        result = None if isinstance(found, Unavailable) else "permerror" if found.records else "none"
        records = [] if isinstance(found, Unavailable) else list(found.records)
        return _as_json(
            {"domain": domain, "result": result, "because": _nothing(domain, found), "records": records}
        )
    four, six = _families(found)
    told = {
        "domain": domain,
        "result": None,
        "because": "",
        "records": [found.record.text],
        "lookups": found.lookups,
        "voids": {"ipv4": len(found.voids(4)), "ipv6": len(found.voids(6))},
        "limits": _LIMITS,
        "problems": list(_problems(found)),
        "everyone_else": {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}[found.final],
        "networks": {"ipv4": list(map(str, four)), "ipv6": list(map(str, six))},
        "terms": [_step(step) for step in found.root.steps],
    }
    return _as_json(told)


def _nothing(domain: str, found: SpfPublished | Unavailable) -> str:
    if isinstance(found, Unavailable):
        return f"could not be looked up: {found.because}"
    if found.records:
        return f"permerror: {len(found.records)} SPF records"
    return "none: no SPF record" if found.name_exists else "none: the name does not exist"


def _problems(spf: SpfEvaluation) -> Iterator[str]:
    """What ends in permerror or temperror for somebody, and why."""
    for node, error in spf.errors():
        yield f"permerror: {node.domain}: {error.text}: {error.reason}"
    for _, step in spf.walk():
        if step.outcome in (Outcome.NO_RECORD, Outcome.MANY_RECORDS, Outcome.LOOP):
            yield f"permerror: {step.text}: {step.outcome}"
        elif step.outcome is Outcome.FAILED:
            yield f"temperror: {step.text}: {step.because}"
    if spf.lookups > LOOKUP_LIMIT:
        yield f"permerror: {spf.lookups} look-ups, for whoever matches none of the first terms"
    for version in (4, 6):
        if len(spf.voids(version)) > VOID_LIMIT:
            yield f"permerror: {len(spf.voids(version))} void look-ups for IPv{version}"


def _authorised(spf: SpfEvaluation) -> Iterator[tuple[SpfStep, tuple[Network, ...]]]:
    """The terms of the domain's own record that let somebody pass, or cost something, with whom."""
    for step in spf.root.steps:
        if not step.reached or isinstance(step.term, SpfError):
            continue
        alone = SpfEvaluation(spf.domain, replace(spf.root, steps=(step,)), ())
        four, six = _families(alone)
        if four or six or step.cost:
            yield step, (*four, *six)


def _families(spf: SpfEvaluation) -> tuple[list[IPv4Network], list[IPv6Network]]:
    """Every network that may send, neighbours joined."""
    networks = [network for _, _, network in spf.networks()]
    return (
        list(collapse_addresses(n for n in networks if isinstance(n, IPv4Network))),
        list(collapse_addresses(n for n in networks if isinstance(n, IPv6Network))),
    )


def _source(step: SpfStep, networks: Sequence[Network]) -> str:
    said = [f"{step.total} look-up{'s' if step.total != 1 else ''}"] if step.total else []
    if networks:
        said.append(amount(networks))
    elif isinstance(step.term, Mechanism) and step.term.qualifier != "+":
        said.append("lets nobody pass")
    else:
        said.append("nobody by address")
    provider = _provider(step)
    return f"{step.text}{f' [{provider}]' if provider else ''}: {', '.join(said)}"


def _provider(step: SpfStep) -> str:
    """The name of the mail provider whose record an include or redirect asks for; empty where nobody knows."""
    follows = isinstance(step.term, Modifier) or (
        isinstance(step.term, Mechanism) and step.term.name == "include"
    )
    if not follows or not step.target:
        return ""
    return next(
        (
            provider.name
            for provider in table().providers
            if any(step.target == name or is_below(step.target, name) for name in provider.spf)
        ),
        "",
    )


def _step(step: SpfStep) -> dict[str, Any]:
    inner = step.inner.steps if step.inner is not None else ()
    return {
        "term": step.text,
        "target": step.target,
        "provider": _provider(step),
        "cost": step.cost,
        "lookups": step.total,
        "void": {"ipv4": step.void_ipv4, "ipv6": step.void_ipv6},
        "outcome": str(step.outcome),
        "because": step.term.reason if isinstance(step.term, SpfError) else step.because,
        "reached": step.reached,
        "networks": [str(network) for network in step.networks],
        "names": list(step.names),
        "terms": [_step(each) for each in inner],
    }


# ---------------------------------------------------------------- lines

_LIMITS = {"lookups": LOOKUP_LIMIT, "voids": VOID_LIMIT}


def _tree(
    heads: Sequence[str], top: str, totals: Sequence[str], below: Sequence[Branch], width: int
) -> Iterator[str]:
    """The columns to the left, so that a folded term leaves them where they are."""
    blank = "  ".join(" " * len(head) for head in heads)
    yield "  ".join(heads)
    yield f"{_cells(heads, totals)}  {visible(top)}"
    for line in drawn(below):
        cells = _cells(heads, line.columns)
        yield from _folded(line.text, width, f"{cells}  {line.rail}", f"{blank}  {line.hanging}")


def _cells(heads: Sequence[str], cells: Sequence[str]) -> str:
    return "  ".join(cell.rjust(len(head)) for head, cell in zip_longest(heads, cells, fillvalue=""))


def _folded(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Remote text made harmless and wrapped; a word that is too long is cut."""
    least = max(width, len(rest) + 20)
    return textwrap.wrap(
        visible(text), least, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


def _as_json(told: Any) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
