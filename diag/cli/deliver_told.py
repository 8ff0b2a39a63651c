"""What `maildiag deliver` prints: a table of who gets through, and the steps that lead there."""

from __future__ import annotations

import json as _json
import textwrap
from collections.abc import Iterator
from itertools import groupby

from diag.facts.delivery import ANY, Delivery, DeliveryPath, Families, Message, Sender
from diag.facts.delivery_told import FAMILIES, SENDERS, SENTENCES, as_data, cell, met
from diag.model.knowing import Absent, Unavailable
from diag.model.report import Report
from diag.wire.transcript import visible

SCHEMA = "urn:maildiag:delivery:1"
"""The name of the JSON form; its number changes only where something a script could rely on goes away."""
_COLUMN = 19


def text(report: Report, *, width: int = 80, verbose: bool = False, message: Message = ANY) -> str:
    """The table, then what a sender does before it connects, then what each kind of sender meets."""
    known = _known(report)
    if not isinstance(known, Delivery):
        return f"{report.target.domain}: not known: {_harmless(known.because)}\n"
    lines = [f"Mail for {known.domain}, {report.moment:%Y-%m-%d %H:%M} UTC", "", *_table(known, message), ""]
    lines += _before(known, width)
    alike: dict[tuple[str, ...], list[str]] = {}
    for sender in Sender:
        path = known.path(sender, Families.BOTH, message)
        alike.setdefault(tuple(_steps(path, known, width, verbose=verbose)), []).append(SENDERS[sender])
    for steps, senders in alike.items():
        lines += ["", f"Senders with {_joined(senders)}", *steps]
    if (would_be := known.would_be) is not None:
        why = f"Were the policy enforced: {SENTENCES[would_be.outcome]}. {_end(would_be)}"
        lines += ["", *_folded(why, width, "")]
    return "\n".join(map(_harmless, lines)) + "\n"


def json(report: Report, *, message: Message = ANY) -> str:
    """The same as data."""
    known = _known(report)
    told = {
        "schema": SCHEMA,
        "domain": report.target.domain,
        "moment": report.moment.isoformat(),
        "message": {"size": message.size, "requiretls": message.requiretls},
        "because": "" if isinstance(known, Delivery) else known.because,
        "delivery": as_data(known, message) if isinstance(known, Delivery) else None,
    }
    return _json.dumps(told, indent=1) + "\n"


def _joined(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _known(report: Report) -> Delivery | Absent | Unavailable:
    known = report.fact(Delivery)
    if isinstance(known, Delivery | Absent | Unavailable):
        return known
    return Unavailable(report.partial or "the run came to no end")


def _table(delivery: Delivery, message: Message) -> Iterator[str]:
    """Kinds of senders against what they can connect from."""
    first = 2 + max(map(len, SENDERS.values()))
    yield "Senders with".ljust(first) + "".join(FAMILIES[each].ljust(_COLUMN) for each in Families).rstrip()
    for sender in Sender:
        cells = (cell(delivery.path(sender, families, message)) for families in Families)
        yield SENDERS[sender].ljust(first) + "".join(each.ljust(_COLUMN) for each in cells).rstrip()


def _before(delivery: Delivery, width: int) -> Iterator[str]:
    """What is looked up before a connection is made."""
    yield from _folded(f"MX: {delivery.mx}", width, "")
    yield from _folded(f"MTA-STS: {delivery.policy}", width, "")
    for host in delivery.hosts:
        yield from _folded(f"DANE: {host.name}: {host.dane}", width, "")


def _steps(path: DeliveryPath, delivery: Delivery, width: int, *, verbose: bool) -> Iterator[str]:
    """Host by host in the order of preference, up to the end; with `verbose`, hosts that are not come to, too."""
    attempts = path.attempts
    if verbose:
        attempts += tuple(each for each in delivery.attempts(path.sender) if each not in attempts)
    for (preference, host), group in groupby(attempts, key=lambda each: (each.preference, each.host)):
        tried = list(group)
        if not host:
            continue
        yield f"  {preference} {host}"
        for each in tried:
            yield from _folded(f"{each.address}: {met(each)}".removeprefix(": "), width, "     ")
    yield from _folded(f"= {SENTENCES[path.outcome]}", width, "  ")
    if not path.attempts or not path.attempts[0].host:
        yield from _folded(path.because, width, "    ")


def _end(path: DeliveryPath) -> str:
    return f"{path.because}." if path.because else ""


def _folded(line: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        _harmless(line),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )


def _harmless(line: str) -> str:
    """Remote text without what would command a terminal."""
    return visible(line.encode("utf-8", "replace")) if not (line.isascii() and line.isprintable()) else line
