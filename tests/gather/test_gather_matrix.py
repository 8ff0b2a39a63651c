"""The matrix of a whole world: every endpoint with what it showed, no connection more, and nothing without dialogues."""

from __future__ import annotations

import dataclasses
from typing import Any

import anyio
import pytest
import trio.testing

from diag.facts.matrix import Cell, Matrix
from diag.model.knowing import Unavailable
from diag.model.report import Report
from diag.model.target import Target
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.wire.reach import Reached

CONSISTENCY = Options(only=("consistency",))


def gathered(world: worlds.World, registry: Registry, **wishes: Any) -> Report:
    """The report on consistency alone."""

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            target = Target(world.domain, public=DOCUMENTATION, **wishes)
            return await Diagnosis(registry, target, lab, CONSISTENCY).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


@pytest.fixture(scope="module")
def cells(registry: Registry) -> dict[str, Cell]:
    """Of the broken world."""
    known = gathered(worlds.packaged("harbour"), registry).fact(Matrix)
    assert isinstance(known, Matrix)
    return {cell.subject: cell for cell in known.cells}


def test_a_cell_holds_what_decides_how_mail_gets_through(cells: dict[str, Cell]) -> None:
    best = cells["mx1.harbour.example [203.0.113.10]:25"]
    assert best.heard
    assert (best.service, best.preference, best.published, best.meant) == ("smtp", 10, True, True)
    assert best.greeting == "mx1.harbour.example ESMTP Exim 4.94.2 ready"
    assert str(best.software) == "Exim 4.94.2"
    assert best.clear is not None
    assert "STARTTLS" in best.clear.keywords
    assert best.best is best.tls
    assert best.handshake is not None
    assert best.certificate is not None
    assert best.certificate.leaf.der == best.handshake.chain[0]
    assert best.doubt is None


def test_a_cell_that_was_not_heard_says_why_and_shows_the_line(cells: dict[str, Cell]) -> None:
    turned = cells["mx1.harbour.example [2001:db8:20::10]:25"]
    assert turned.state is Reached.THROTTLED
    assert not turned.heard
    assert turned.doubt is not None
    assert "421 4.7.0" in turned.doubt.because
    assert turned.cites[0].event is not None
    assert (turned.clear, turned.tls, turned.survey, turned.samples) == (None, None, None, ())


def test_ports_nobody_is_told_of_are_there_and_marked(cells: dict[str, Cell]) -> None:
    guessed = cells["mx1.harbour.example [203.0.113.10]:587"]
    assert (guessed.meant, guessed.published, guessed.state) == (False, False, Reached.CLOSED)
    assert guessed.because == ""
    assert guessed.doubt is None
    submission = cells["mail.harbour.example [203.0.113.30]:587"]
    assert (submission.meant, submission.preference, submission.service) == (True, None, "submission")


def test_mx_hosts_come_by_preference_and_before_the_others(cells: dict[str, Cell]) -> None:
    hosts = [cell.endpoint.host for cell in cells.values() if cell.inbound]
    assert list(dict.fromkeys(hosts)) == [f"mx{number}.harbour.example" for number in (1, 2, 3)]
    known = Matrix(tuple(cells.values()))
    assert tuple(known.inbound) == known.hosts[:3]
    assert set(known.ports("mail.harbour.example")) == {587, 465, 2525, 143, 993, 110, 995}
    assert set(known.at("mail.harbour.example", "203.0.113.30")) == {587, 465, 2525, 143, 993, 110, 995}
    assert known.addresses("mx1.harbour.example") == ("203.0.113.10", "2001:db8:20::10")


def test_every_connection_is_a_sample(registry: Registry) -> None:
    report = gathered(worlds.packaged("healthy"), registry)
    known = report.fact(Matrix)
    first = next(cell for cell in known.cells if cell.inbound)
    probes = {sample.cite.probe for sample in first.samples}
    at = first.endpoint
    held = [
        probe
        for probe in report.evidence
        if (getattr(probe, "host", ""), getattr(probe, "address", ""), getattr(probe, "port", 0))
        == (at.host, at.address, at.port)
    ]
    assert len(probes) > 2
    assert probes <= set(held)
    assert len({sample.name for sample in first.samples}) == 1
    assert len({sample.leaf for sample in first.samples if sample.leaf}) == 1


def test_what_our_machine_cannot_reach_is_a_cell_without_a_conversation(registry: Registry) -> None:
    world = worlds.packaged("healthy")
    blind = dataclasses.replace(world, vantage=dataclasses.replace(world.vantage, ipv6=False))
    known = gathered(blind, registry).fact(Matrix)
    lost = [cell for cell in known.cells if cell.inbound and ":" in cell.endpoint.address]
    assert len(lost) == 2
    assert {(cell.state, cell.because, cell.told) for cell in lost} == {
        (None, "this machine has no IPv6", False)
    }


def test_without_dialogues_there_is_no_matrix(registry: Registry) -> None:
    report = gathered(worlds.packaged("healthy"), registry, dialogues=False)
    known = report.fact(Matrix)
    assert isinstance(known, Unavailable)
    assert not report.findings
