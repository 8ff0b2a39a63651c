"""Runs over several domains: a host of others is asked once, and its evidence serves all."""

from __future__ import annotations

import dataclasses
from typing import Any

import anyio
import trio.testing

from diag.facts.inbound import InboundMailbox
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Many
from diag.model.report import Report
from diag.model.target import Target
from diag.probes.probe import Impact
from diag.probes.talks import SmtpTalk
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import packaged

CUSTOMERS = "".join(
    f"""
$ORIGIN {name}.example.
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
ns1 A 192.0.2.54
@ MX 10 mx1.lantern.example.
@ TXT "v=spf1 mx -all"
"""
    for name in ("willow", "birch")
)


def looked_at(*domains: str, **said: Any) -> tuple[list[Any], list[Report]]:
    """The connections that a run over these domains makes, in order, and its reports."""
    world, registry = packaged("healthy"), load()
    target = Target("", public=DOCUMENTATION, shared=len(domains) > 1, **said)

    async def run() -> tuple[list[Any], list[Report]]:
        async with in_memory(world, registry.performers) as lab:
            shared = Once(Overlay(Zone.parse("$TTL 300\n" + CUSTOMERS, "example"), lab))
            reports = [
                await Diagnosis(registry, dataclasses.replace(target, domain=domain), shared, Options()).run()
                for domain in domains
            ]
        return [probe for probe in shared.seen if probe.impact > Impact.PASSIVE], reports

    return anyio.run(
        run, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)}
    )


def at_mx1(connections: list[Any]) -> list[Any]:
    return [probe for probe in connections if (probe.host, probe.port) == ("mx1.lantern.example", 25)]


def mailboxes(report: Report) -> list[Any]:
    many = report.facts[InboundMailbox]
    assert isinstance(many, Many)
    return list(many.items.values())


def test_what_a_host_of_others_says_is_asked_once_for_all_domains() -> None:
    one, _ = looked_at("willow.example")
    two, reports = looked_at("willow.example", "birch.example")
    shared = [p for p in at_mx1(two) if getattr(p, "recipients", None) == ("postmaster",)]
    alone = [p for p in at_mx1(two) if isinstance(p, SmtpTalk) and p.kind == "smtp" and p not in shared]
    assert len(shared) == 2  # its two addresses
    assert [p.recipients[0] for p in alone if p.look == 1] == [
        "postmaster@willow.example",
        "postmaster@birch.example",
    ]
    assert len({p.address for p in alone}) == 1
    # Handshakes, tests for injection and ClientHellos are no more than for one of them.
    other = [[p for p in at_mx1(seen) if p.kind != "smtp"] for seen in (one, two)]
    assert set(other[0]) == set(other[1])
    assert sum(isinstance(each, InboundMailbox) for each in mailboxes(reports[1])) == 1


def test_in_a_long_list_no_mailbox_of_theirs_is_asked_for() -> None:
    connections, reports = looked_at("willow.example", "birch.example", authoritative=False)
    talks = [p for p in at_mx1(connections) if p.kind == "smtp"]
    assert {p.recipients for p in talks} == {("postmaster",)}
    assert all(isinstance(each, Absent) for each in mailboxes(reports[0]))


def test_a_host_of_the_domain_itself_is_asked_as_in_a_run_of_one() -> None:
    _, several = looked_at("lantern.example", "willow.example")
    _, single = looked_at("lantern.example")
    for report in (several[0], single[0]):
        assert all(each.accepted for each in mailboxes(report))
    verdicts = [
        {(r.check, r.subject, r.status) for r in report.results} for report in (several[0], single[0])
    ]
    assert verdicts[0] == verdicts[1]
