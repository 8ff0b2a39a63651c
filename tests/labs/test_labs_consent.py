"""Consent: an intrusive probe reaches the world only where the target says so, whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import anyio
import pytest

from diag.lab.consent import NotAskedFor, Polite
from diag.model.knowing import Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.https import HttpsGet
from diag.probes.moment import Moment, Now
from diag.probes.probe import Impact, Lab, Probe
from diag.probes.relay import RelayTalk
from diag.probes.talks import SmtpTalk
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load


@dataclass(frozen=True)
class Knock(Probe[Moment]):
    """A stand-in for what somebody's plugin may do."""

    kind: ClassVar[str] = "knock"
    impact: ClassVar[Impact] = Impact.INTRUSIVE


@dataclass(frozen=True)
class Knocked:
    """That it was done."""


@fact
async def knocked(lab: Lab) -> Knocked:
    """Asks without looking at the target."""
    await lab.run(Knock())
    return Knocked()


class World:
    """Notes what reaches it, and fails at all of it."""

    def __init__(self) -> None:
        self.asked: list[Probe[Any]] = []

    async def run(self, probe: Probe[Any]) -> Any:
        self.asked.append(probe)
        if isinstance(probe, Knock):
            return Moment(None)  # type: ignore[arg-type]
        raise RuntimeError("nothing else is here")


def gathered(*, intrusive: bool) -> tuple[Any, World]:
    world = World()
    registry = Registry(facts=[*load().facts, knocked])

    async def run() -> Any:
        target = Target("lantern.example", intrusive=intrusive)
        return (await Diagnosis(registry, target, world).run()).facts[Knocked]

    return anyio.run(run), world


def test_a_plugin_that_does_not_ask_the_user_gets_nothing_in_a_polite_run() -> None:
    fact_seen, world = gathered(intrusive=False)
    assert type(fact_seen) is Unavailable, "and that is no crash"
    assert "--intrusive" in fact_seen.because
    assert not [probe for probe in world.asked if probe.impact is Impact.INTRUSIVE]


def test_where_the_user_asks_for_it_the_probe_is_run() -> None:
    fact_seen, world = gathered(intrusive=True)
    assert fact_seen == Knocked()
    assert Knock() in world.asked


def test_relaying_is_intrusive_and_refused() -> None:
    world = World()
    probe = RelayTalk("192.0.2.1", 25, "mx.example", "me.example", "none", ())
    with pytest.raises(NotAskedFor):
        anyio.run(Polite(world).run, probe)
    assert world.asked == []


def test_in_a_run_of_the_dns_alone_nobody_is_connected_to() -> None:
    world = World()
    lab = Polite(world, most=Impact.PASSIVE)
    for probe in (
        HttpsGet("mta-sts.example", "192.0.2.1"),
        SmtpTalk("192.0.2.1", 25, "mx.example", "me.example"),
    ):
        with pytest.raises(NotAskedFor, match="nothing but the DNS is asked"):
            anyio.run(lab.run, probe)
    assert world.asked == []
    with pytest.raises(RuntimeError, match="nothing else"):
        anyio.run(lab.run, Now())


def test_polite_probes_pass() -> None:
    world = World()
    with pytest.raises(RuntimeError, match="nothing else"):
        anyio.run(Polite(world).run, Now())
    assert world.asked == [Now()]


def test_what_was_answered_is_passed_on_and_nothing_else_that_is_intrusive() -> None:
    world = World()
    lab = Polite(world, answered={Knock()})
    assert anyio.run(lab.run, Knock()) == Moment(None)  # type: ignore[arg-type]
    with pytest.raises(NotAskedFor):
        anyio.run(lab.run, RelayTalk("192.0.2.1", 25, "mx.example", "me.example", "none", ()))
