"""What is asked beside the usual conversations in a world where all is well: as little as can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

from diag.model.report import Report
from diag.model.target import Target
from diag.probes.client_injection import ImapInjectionTalk, Pop3InjectionTalk
from diag.probes.injection import InjectionTalk
from diag.probes.pipelining import PipeliningTalk
from diag.probes.talks import ImapTalk, Pop3Talk
from diag.run.diagnose import Diagnosis
from diag.run.registry import load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory


def diagnosed(world: worlds.World | None = None, *, dialogues: bool = True) -> Report:
    world = world or worlds.packaged("healthy")
    registry = load()

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(
                registry, Target(world.domain, public=DOCUMENTATION, dialogues=dialogues), lab
            ).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


@pytest.fixture(scope="module")
def report() -> Report:
    return diagnosed()


@pytest.mark.parametrize(
    ("tried", "usual", "port"), [(ImapInjectionTalk, ImapTalk, 143), (Pop3InjectionTalk, Pop3Talk, 110)]
)
def test_a_command_is_slipped_in_once_a_host_at_its_first_address(
    report: Report, tried: type[Any], usual: type[Any], port: int
) -> None:
    hosts: dict[str, str] = {}
    order: list[Any] = list(report.evidence)
    for probe in order:
        if isinstance(probe, usual) and probe.port == port:
            hosts.setdefault(probe.host, "")
    trials = [probe for probe in order if isinstance(probe, tried)]
    names = [probe.host for probe in trials]
    assert names
    assert len(names) == len(set(names)) <= len(hosts)
    for probe in trials:
        assert "." in probe.address, "the first address is the first of IPv4"
        talks = [
            at
            for at, each in enumerate(order)
            if isinstance(each, usual) and (each.host, each.port) == (probe.host, port)
        ]
        assert min(talks) < order.index(probe), "only once the usual conversation is over"


def test_a_host_that_has_answered_all_is_not_asked_for_its_pipelining(report: Report) -> None:
    assert not [probe for probe in report.evidence if isinstance(probe, PipeliningTalk)]


def test_where_tls_came_without_a_command_nothing_can_be_slipped_in_before_it() -> None:
    world = worlds.load(Path(__file__).parents[2] / "fixtures" / "smtp" / "implicit-tls")
    tried = {probe.address for probe in diagnosed(world).evidence if isinstance(probe, InjectionTalk)}
    assert "198.51.100.20" not in tried
    assert "198.51.100.10" in tried


def test_without_dialogues_nothing_is_tried() -> None:
    kinds = (ImapInjectionTalk, Pop3InjectionTalk, InjectionTalk, PipeliningTalk)
    assert not [probe for probe in diagnosed(dialogues=False).evidence if isinstance(probe, kinds)]
