"""`maildiag check --dry-run`: the plan is what a run then does, and nobody is connected to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing
from conftest import Reachable, Run

from diag.cli.dry_run import _rehearsed
from diag.lab.live.network import Sockets
from diag.lab.once import Once
from diag.model.target import Target
from diag.probes.probe import Impact
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import packaged


def test_a_rehearsal_asks_what_the_run_asks_of_hosts_that_are_as_they_should_be() -> None:
    world, registry = packaged("healthy"), load()
    target = Target(world.domain, public=DOCUMENTATION)

    async def both() -> tuple[set[Any], set[Any]]:
        async with in_memory(world, registry.performers) as lab:
            report = await Diagnosis(registry, target, Once(lab), Options()).run()
        async with in_memory(world, registry.performers) as lab:
            (rehearsed,) = await _rehearsed([world.domain], target, lab, registry, Options())
        assert len(set(rehearsed.asked)) == len(rehearsed.asked)
        return {probe for probe in report.evidence if probe.impact > Impact.PASSIVE}, set(rehearsed.asked)

    clock = trio.testing.MockClock(autojump_threshold=0)
    held, rehearsed = anyio.run(both, backend="trio", backend_options={"clock": clock})
    # Ports on which the world has nothing to say are open in a rehearsal, and documents are all missing there.
    served = {(each.address, each.port) for each in world.hosts.values()}
    mail = {
        probe for probe in rehearsed if probe.port not in (80, 443) and (probe.peer, probe.port) in served
    }
    assert mail == {
        probe for probe in held if probe.port not in (80, 443) and (probe.peer, probe.port) in served
    }
    assert len(mail) > 40


def test_the_look_into_tls_and_the_test_for_injection_wait_for_nothing_but_the_usual_conversation() -> None:
    world, registry = packaged("healthy"), load()
    target = Target(world.domain, public=DOCUMENTATION)

    async def kinds() -> list[str]:
        async with in_memory(world, registry.performers) as lab:
            (rehearsed,) = await _rehearsed([world.domain], target, lab, registry, Options())
        return [
            probe.kind for probe in rehearsed.asked if (probe.port, probe.host) == (25, "mx1.lantern.example")
        ]

    clock = trio.testing.MockClock(autojump_threshold=0)
    asked = anyio.run(kinds, backend="trio", backend_options={"clock": clock})
    assert asked[:2] == ["smtp"] * 2
    assert sorted(asked[2:7]) == ["smtp-injection", *["tls-offer"] * 4], "at most three at each address"


@pytest.fixture
def nobody_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("a dry run opened a connection")

    monkeypatch.setattr(Sockets, "connect", refuse)


@pytest.mark.usefixtures("nobody_is_connected_to")
def test_the_plan_is_told_by_host_and_port(maildiag: Run, lantern: Reachable, profile: Path) -> None:
    done = maildiag("check", "--dry-run", lantern.domain, *lantern.arguments(profile))
    assert (done.code, done.err) == (0, "")
    assert "lantern.example: a run would make " in done.out
    assert "nobody was connected to" in " ".join(done.out.split())
    lines = done.out.splitlines()
    assert "  198.51.100.10 port 25" in lines[lines.index("mx1.lantern.example") :]
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("nobody_is_connected_to")
def test_the_plan_as_data_has_every_connection(maildiag: Run, lantern: Reachable, profile: Path) -> None:
    done = maildiag("check", "--dry-run", lantern.domain, "-f", "json", *lantern.arguments(profile))
    plan = json.loads(done.out)
    at_25 = [
        each for each in plan["connections"] if (each["host"], each["port"]) == ("mx1.lantern.example", 25)
    ]
    assert {"smtp", "tls-offer"} <= {each["kind"] for each in at_25}
    assert not any(each["intrusive"] for each in plan["connections"])
    assert plan["limits"]["to_one_port"] == 3


@pytest.mark.usefixtures("nobody_is_connected_to")
def test_without_conversations_only_policies_are_fetched(
    maildiag: Run, lantern: Reachable, profile: Path
) -> None:
    arguments = ("check", "--dry-run", lantern.domain, "-f", "json", *lantern.arguments(profile))
    assert {
        each["port"] for each in json.loads(maildiag(*arguments, "--no-dialogues").out)["connections"]
    } <= {80, 443}
    assert json.loads(maildiag(*arguments, "--dns-only").out)["connections"] == []


def test_a_plan_is_no_page(maildiag: Run, lantern: Reachable, profile: Path) -> None:
    done = maildiag("check", "--dry-run", lantern.domain, "-f", "html", *lantern.arguments(profile))
    assert done.code == 2
    assert "--dry-run" in done.err


@pytest.mark.usefixtures("nobody_is_connected_to")
def test_several_domains_are_planned_in_their_order_and_a_host_that_they_share_once(
    maildiag: Run, lantern: Reachable, profile: Path, tmp_path: Path
) -> None:
    zone = tmp_path / "shore.zone"
    zone.write_text("$ORIGIN shore.example.\n@ 300 MX 10 mx1.lantern.example.\n")
    names = ["shore.example", "www.lantern.example", lantern.domain]
    plans = [
        json.loads(line)
        for order in (names, names[::-1])
        for line in maildiag(
            *("check", "--dry-run", *order, "-f", "json", "--no-authoritative"),
            *("--zone", str(zone), *lantern.arguments(profile)),
        ).out.splitlines()
    ]
    assert [plan["domain"] for plan in plans] == [*names, *names[::-1]]
    connections = [len([each for each in plan["connections"] if each["port"] == 25]) for plan in plans]
    first, nothing, second, all_of_them, _, new = connections
    assert nothing == 0
    assert first + second == all_of_them + new
    assert 0 < new < first
