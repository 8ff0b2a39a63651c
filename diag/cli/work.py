"""The run that `check`, `replay` and `demo` share: diagnose, tell, record, and say how it went."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.finding import Severity
from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.model.report import Report
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.probe import Impact, Lab
from diag.run.diagnose import Diagnosis, Options, plan_for
from diag.run.registry import BadPlugin, Registry

from . import exits, tapes
from .faults import Crash, Fault, first
from .loop import loop_options
from .outputs import Places
from .pace import Pace
from .progress import Progress
from .session import SIDE_BY_SIDE, Running, Session
from .tell import NobodyReads

LONG_LIST = 10
"""Domains in a run beyond which nobody's name servers are asked themselves: they are one another's too often."""


@frozen
class Outcome:
    """What is told of a domain, and counted: all that is kept of its report, wherever that was made."""

    domain: str
    code: int
    texts: tuple[str, ...]
    """The report in every form."""
    remarks: tuple[str, ...]
    """For stderr."""
    lost: str
    """Why there is no tape; empty where there is one, or none was wanted."""
    questions: int
    connections: int


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
    processes: int = 1
    """How many of them look at the domains: see workers."""
    recorded: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the run on tape was like, by field of the report, where this is a replay of one."""

    @kept
    def pace(self) -> Pace:
        """That of this process: every worker has its own."""
        return Pace(SIDE_BY_SIDE)

    def run(self, domains: Sequence[str], target: Target, lab: Lab, zone: Zone | None) -> int:
        """Look at every domain and give the exit code. Raises Fault, and Crash where a process ends."""
        lab = Overlay(zone, lab) if zone is not None else lab
        target = among(target, len(domains))
        codes: set[int] = set()
        lost: list[str] = []
        watched = self.progress.watch(lab, len(domains))
        if self.processes == 1:
            lab = watched  # a worker has nothing to show

        def begin(name: str) -> Running[Outcome]:
            return _Look(
                self, Diagnosis(self.registry, dataclasses.replace(target, domain=name), lab, self.options)
            )

        def done(outcome: Outcome) -> Callable[[], None]:
            if self.processes > 1:
                self.progress.count(outcome.questions, outcome.connections)
            self.progress.ended(outcome.domain)
            codes.add(outcome.code)
            for remark in outcome.remarks:
                self.progress.note(remark)
            if outcome.lost:
                lost.append(outcome.lost)
            return partial(self._tell, outcome.domain, outcome.texts)

        # Of tasks that a second Ctrl-C ends asyncio would tell with tracebacks; the exit code says it.
        logging.getLogger("asyncio").addHandler(logging.NullHandler())
        with self.places:
            try:
                session = self._looked_at(domains, loop_options(len(domains), target), begin, done)
            except* Fault as faults:
                raise first(faults) from None
            except* Crash as crashes:
                raise first(crashes) from None
            except* NobodyReads:
                raise NobodyReads from None
            except* BadPlugin as errors:
                raise Fault(" ".join(str(first(errors)).split())) from None
            finally:
                self.progress.clear()
            self.places.finish()
        if lost:
            raise Fault(lost[0])
        if session.missed:
            self.progress.note(
                f"{len(session.missed)} of {len(domains)} domains were not looked at, {session.missed[0]} the first "
                "of them: the deadline was reached"
            )
            codes.add(exits.UNDETERMINED)
        return exits.INTERRUPTED if session.interrupted else exits.first(codes)

    def _looked_at(
        self,
        domains: Sequence[str],
        loop: dict[str, Any],
        begin: Callable[[str], Running[Outcome]],
        done: Callable[[Outcome], Callable[[], None]],
    ) -> Session[Outcome]:
        """A session over all of them, here or in workers, once it has ended."""
        if self.processes == 1:
            session = self._session(begin, done)
            anyio.run(session.run, domains, backend_options=loop)
            return session
        from .workers import Workers  # one domain does without

        plan_for(self.registry, self.options)  # what is loaded by now is loaded once
        with Workers(self.processes, begin, loop) as workers:
            session = self._session(workers.begin, done)
            anyio.run(workers.attended, partial(session.run, domains), backend_options=loop)
        return session

    def _session(
        self, begin: Callable[[str], Running[Outcome]], done: Callable[[Outcome], Callable[[], None]]
    ) -> Session[Outcome]:
        def told(name: str) -> Running[Outcome]:
            self.progress.began(name)
            return begin(name)

        return Session(
            told,
            done,
            side_by_side=self.side_by_side or SIDE_BY_SIDE * self.processes,
            deadline=self.options.deadline,
        )

    def outcome(self, report: Report) -> Outcome:
        """What is told of a report; its tape is written here."""
        was = {key: value for key, value in self.recorded.items() if value}
        if was:
            report = dataclasses.replace(
                report, **{**was, "partial": report.partial or was.get("partial", "")}
            )
        lost = ""
        texts = self.places.render(report)
        try:
            self._record(report)
        except Fault as fault:  # a tape that cannot be written costs no report
            lost = str(fault)
        return Outcome(
            domain=report.target.domain,
            code=exits.code_of(report, self.threshold),
            texts=texts,
            remarks=tuple(_remarks(report)),
            lost=lost,
            questions=sum(isinstance(probe, DnsQuery) for probe in report.evidence),
            connections=sum(probe.impact >= Impact.POLITE for probe in report.evidence),
        )

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


def among(target: Target, domains: int) -> Target:
    """The target as it is where it is one of so many in a run."""
    told = target.authoritative
    if told is None and domains > LONG_LIST:
        told = False
    return dataclasses.replace(target, shared=domains > 1, authoritative=told)


class _Look:
    """A look at one domain, up to what is told of it."""

    def __init__(self, work: Work, diagnosis: Diagnosis) -> None:
        self._work = work
        self._diagnosis = diagnosis
        self._stopped = False

    async def run(self) -> Outcome | None:
        """See Running."""
        async with self._work.pace as at_once:
            if self._stopped and not at_once:
                return None
            return self._work.outcome(await self._diagnosis.run())

    def stop(self, reason: str) -> None:
        """See Running."""
        self._stopped = True
        self._diagnosis.stop(reason)


def _remarks(report: Report) -> Iterator[str]:
    """What the exit code alone would leave unclear."""
    name = report.target.domain
    tried = exits.nobody_answers(report)
    if tried:
        yield (
            f"{name}: no name server answers (tried {', '.join(tried)}); check the network, "
            "or name a resolver with -n ADDR"
        )
    for area in exits.undetermined(report):
        yield f"{name}: the required area {area!r} could not be determined"
    if report.partial:
        yield f"{name}: the report is partial: {report.partial}"
