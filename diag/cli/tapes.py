"""Tapes and what their first line says: everything a replay needs that is no evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diag.lab.tape import BadTape, Tape
from diag.model.finding import Severity
from diag.model.report import Report, Waiver
from diag.model.target import Target
from diag.names.domain import domain
from diag.probes.probe import Probe
from diag.run.diagnose import Options

from .faults import Fault, reason

if TYPE_CHECKING:
    from diag.run.registry import Registry

SUFFIX = ".tape"


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A tape, and the run it is of."""

    tape: Tape
    target: Target
    options: Options
    fail_on: str
    run: dict[str, Any]
    """What the run was like, by field of the report: why it ended early, and its critical path."""

    def refuse_unknown(self, registry: Registry, place: str) -> None:
        """Raise Fault where the header names what nobody knows: judging nothing would look like a clean result."""
        from .judging import chosen, required, threshold

        chosen((*self.options.only, *self.options.skip), registry, place)
        required(self.options.required, registry, place)
        threshold(self.fail_on, place)


def save(path: Path, report: Report, options: Options, fail_on: str) -> None:
    """Write the tape of a run, whole or not at all. Raises Fault."""
    header = {
        "domain": report.target.domain,
        "moment": (report.real_moment or report.moment).isoformat(),
        "target": dataclasses.asdict(report.target),
        "only": list(options.only),
        "skip": list(options.skip),
        "severities": {rule: str(severity) for rule, severity in options.severities.items()},
        "waivers": [dataclasses.asdict(waiver) for waiver in options.waivers],
        "required": list(options.required),
        "fail_on": fail_on,
        "proposed": options.proposed,
        "as_bulk_sender": options.as_bulk_sender,
        "partial": report.partial,
        "round_trips": report.round_trips,
    }
    try:
        Tape(report.evidence, header).save(path)
    except OSError as error:
        raise Fault(f"--save {path}: cannot be written: {reason(error)}") from None


def refuse_unwritable(path: Path) -> None:
    """Raise Fault where a tape could not be put there, before anything is asked."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        raise Fault(f"--save {path}: cannot be written: there is no folder {path.parent}")


def load(path: Path, kinds: Mapping[str, type[Probe[Any]]]) -> Recorded:
    """Read a tape and its header. Raises Fault, naming the line."""
    import cattrs  # only a replay pays for it

    try:
        tape = Tape.load(path, kinds)
    except OSError as error:
        raise Fault(f"{path}: cannot be read: {reason(error)}") from None
    except BadTape as error:
        raise Fault(str(error)) from None
    except RecursionError:
        raise Fault(f"{path}: this is no maildiag tape: nested too deeply") from None
    header = tape.header
    if "talk" in header:
        raise Fault(f"{path}: this is a single dialogue; show it again with maildiag talk --replay {path}")
    try:
        options = Options(
            only=tuple(header["only"]),
            skip=tuple(header["skip"]),
            severities={rule: Severity[said.upper()] for rule, said in header["severities"].items()},
            waivers=tuple(Waiver(**waiver) for waiver in header["waivers"]),
            required=tuple(header["required"]),
            proposed=str(header["proposed"]),
            as_bulk_sender=bool(header.get("as_bulk_sender", False)),  # older tapes know of no such thing
        )
        target = cattrs.structure(header["target"], Target)
        if domain(target.domain) != target.domain:
            raise ValueError(f"{target.domain!r} is no domain in the form of a tape")
        datetime.fromisoformat(header["moment"])
        run = {"partial": str(header["partial"]), "round_trips": int(header.get("round_trips", 0))}
        return Recorded(tape, target, options, str(header["fail_on"]), run)
    except (KeyError, TypeError, ValueError, AttributeError, cattrs.BaseValidationError) as error:
        raise Fault(f"{path}:1: the header is damaged: {type(error).__name__}: {error}") from None
