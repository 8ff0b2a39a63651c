"""The run that `check`, `replay` and `demo` share: diagnose, tell, record, and say how it went."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.finding import Severity
from diag.model.report import Report
from diag.model.target import Target
from diag.probes.probe import Lab
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import BadPlugin, Registry

from . import exits, tapes
from .faults import Fault
from .outputs import Places
from .progress import Progress
from .session import SIDE_BY_SIDE, Session
from .tell import NobodyReads

LONG_LIST = 10
"""Domains in a run beyond which nobody's name servers are asked themselves: they are one another's too often."""


@dataclass
class Work:
    """One run over one or more domains."""

    registry: Registry
    options: Options
    threshold: Severity | None
    fail_on: str
    places: Places
    progress: Progress
    save: Path | None = None
    side_by_side: int | None = None
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the run on tape was like, where this is a replay of one: see Session."""

    def run(self, domains: Sequence[str], target: Target, lab: Lab, zone: Zone | None) -> int:
        """Look at every domain and give the exit code. Raises Fault."""
        lab = Overlay(zone, lab) if zone is not None else lab
        if target.authoritative is None and len(domains) > LONG_LIST:
            target = dataclasses.replace(target, authoritative=False)
        codes: set[int] = set()
        lost: list[Fault] = []

        def begin(name: str) -> Diagnosis:
            self.progress.began(name)
            return Diagnosis(self.registry, dataclasses.replace(target, domain=name), lab, self.options)

        def done(report: Report) -> Callable[[], None]:
            self.progress.ended(report.target.domain)
            codes.add(exits.code_of(report, self.threshold))
            self._explain(report)
            texts = self.places.render(report)
            try:
                self._record(report)
            except Fault as fault:  # a tape that cannot be written costs no report
                lost.append(fault)
            return partial(self._tell, report.target.domain, texts)

        session = Session(
            begin,
            done,
            side_by_side=self.side_by_side or SIDE_BY_SIDE,
            deadline=self.options.deadline,
            recorded=self.recorded,
        )
        lab = self.progress.watch(lab, len(domains))
        # Of tasks that a second Ctrl-C ends asyncio would tell with tracebacks; the exit code says it.
        logging.getLogger("asyncio").addHandler(logging.NullHandler())
        with self.places:
            try:
                anyio.run(session.run, domains)
            except* Fault as faults:
                raise _first(faults) from None
            except* NobodyReads:
                raise NobodyReads from None
            except* BadPlugin as errors:
                raise Fault(" ".join(str(_first(errors)).split())) from None
            finally:
                self.progress.clear()
            self.places.finish()
        if lost:
            raise lost[0]
        if session.missed:
            self.progress.note(
                f"{len(session.missed)} of {len(domains)} domains were not looked at, {session.missed[0]} the first "
                "of them: the deadline was reached"
            )
            codes.add(exits.UNDETERMINED)
        return exits.INTERRUPTED if session.interrupted else exits.first(codes)

    def _tell(self, domain: str, texts: tuple[str, ...]) -> None:
        self.progress.clear()
        self.places.write(domain, texts)

    def _record(self, report: Report) -> None:
        if self.save is None:
            return
        path = self.save
        if path.is_dir():
            path = path / f"{report.target.domain}{tapes.SUFFIX}"
        tapes.save(path, report, self.options, self.fail_on)

    def _explain(self, report: Report) -> None:
        """Say on stderr what the exit code alone would leave unclear."""
        name = report.target.domain
        tried = exits.nobody_answers(report)
        if tried:
            self.progress.note(
                f"{name}: no name server answers (tried {', '.join(tried)}); check the network, "
                "or name a resolver with -n ADDR"
            )
        for area in exits.undetermined(report):
            self.progress.note(f"{name}: the required area {area!r} could not be determined")
        if report.partial:
            self.progress.note(f"{name}: the report is partial: {report.partial}")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
