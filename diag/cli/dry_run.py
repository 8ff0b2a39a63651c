"""`maildiag check --dry-run`: what a run would ask of every host, told without a connection to any."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from textwrap import fill
from typing import Any

import anyio

from diag.lab.limited import Limits
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpsGet
from diag.probes.probe import Impact, Lab, Probe
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry
from diag.sandbox.rehearsal import rehearsing

from . import exits
from .counted import counted
from .faults import Fault
from .tell import tell
from .work import among

FORMATS = ("text", "json")
WIDTH = 80


@dataclass(frozen=True)
class Rehearsed:
    """What a run over one domain would ask."""

    domain: str
    questions: int
    """Put to the DNS for this: without them nobody knows which hosts there are."""
    asked: tuple[Probe[Any], ...]
    """A connection each, in the order in which they would be made."""


def dry_run(
    names: Sequence[str],
    target: Target,
    lab: Lab,
    zone: Zone | None,
    registry: Registry,
    options: Options,
    limits: Limits,
    formats: Sequence[str],
) -> int:
    """Rehearse the run over every domain, and tell. Raises Fault where the form is none of FORMATS."""
    if unknown := [name for name in formats if name not in FORMATS]:
        raise Fault(f"--dry-run with --format {unknown[0]}: the plan is told as text or json")
    lab = Overlay(zone, lab) if zone is not None else lab
    plans = anyio.run(_rehearsed, names, among(target, len(names)), lab, registry, options)
    if "json" in formats:
        tell("".join(json.dumps(_as_json(plan, limits)) + "\n" for plan in plans))
    else:
        tell("\n".join(_as_text(plan, limits) for plan in plans))
    return exits.OK


async def _rehearsed(
    names: Sequence[str], target: Target, lab: Lab, registry: Registry, options: Options
) -> list[Rehearsed]:
    """The plan for each domain, one after the other: what is asked for one is not asked again for the next."""
    plans = []
    async with rehearsing(lab, registry.performers, names, datetime.now(UTC)) as rehearsal:
        once = Once(rehearsal)
        for name in names:
            before = len(rehearsal.asked)
            report = await Diagnosis(registry, replace(target, domain=name), once, options).run()
            questions = sum(isinstance(probe, DnsQuery) for probe in report.evidence)
            plans.append(Rehearsed(name, questions, tuple(rehearsal.asked[before:])))
    return plans


def _by_port(asked: Sequence[Probe[Any]]) -> dict[tuple[str, str, int], list[Probe[Any]]]:
    ports: dict[tuple[str, str, int], list[Probe[Any]]] = {}
    for probe in asked:
        where = (getattr(probe, "host", ""), probe.peer or "", getattr(probe, "port", 0))
        ports.setdefault(where, []).append(probe)
    return dict(sorted(ports.items()))


def _alike(
    ports: Mapping[tuple[str, str, int], list[Probe[Any]]],
) -> dict[str, list[tuple[dict[str, list[int]], Counter[str]]]]:
    """By host: the ports of each address that are asked the same, and what that is."""
    hosts: dict[str, list[tuple[dict[str, list[int]], Counter[str]]]] = {}
    for (host, address, port), probes in ports.items():
        whats = Counter(map(_what, probes))
        groups = hosts.setdefault(host, [])
        places = next((places for places, same in groups if same == whats), None)
        if places is None:
            places = {}
            groups.append((places, whats))
        places.setdefault(address, []).append(port)
    return hosts


def _what(probe: Probe[Any]) -> str:
    """What a probe is there for: its own words where it is intrusive, else the first sentence on its kind."""
    offer = getattr(probe, "offer", None)
    if offer is not None:
        return f"a ClientHello and no more: {offer.name}"
    if isinstance(probe, HttpsGet):
        return f"GET {probe.url}"
    said = probe.announcement() or (type(probe).__doc__ or probe.kind).split("\n\n")[0]
    return " ".join(said.split()).rstrip(".")


def _as_json(plan: Rehearsed, limits: Limits) -> dict[str, Any]:
    return {
        "domain": plan.domain,
        "questions": plan.questions,
        "connections": [
            {
                "host": host,
                "address": address,
                "port": port,
                "kind": probe.kind,
                "what": _what(probe),
                "intrusive": probe.impact is Impact.INTRUSIVE,
                "command": probe.command(),
            }
            for (host, address, port), probes in _by_port(plan.asked).items()
            for probe in probes
        ],
        "limits": {
            "to_one_port": limits.connections_per_service,
            "to_one_mail_server": limits.connections_per_mail_server,
            "to_one_network": limits.connections_per_network,
            "to_one_operator": limits.connections_per_operator,
        },
    }


def _as_text(plan: Rehearsed, limits: Limits) -> str:
    ports = _by_port(plan.asked)
    hosts = {host for host, _, _ in ports}
    lines = [
        fill(
            f"{plan.domain}: a run would make {counted(len(plan.asked), 'connection')} to "
            f"{counted(len(hosts), 'host')}, if every host answered as it should.",
            WIDTH,
        ),
        fill(
            f"{counted(plan.questions, 'question')} to the DNS told which hosts there are; "
            "nobody was connected to.",
            WIDTH,
        ),
        "",
    ]
    for host, alike in _alike(ports).items():
        lines.append(host)
        for places, whats in alike:
            lines += [f"  {address} port {', '.join(map(str, sorted(at)))}" for address, at in places.items()]
            for what, times in whats.items():
                lines.append(
                    fill(f"{times}x {what}", WIDTH, initial_indent="    ", subsequent_indent=" " * 7)
                )
    if ports:
        lines += [
            "",
            fill(
                f"At most {limits.connections_per_service} at a time to one port, "
                f"{limits.connections_per_mail_server} to one mail server, {limits.connections_per_network} to one "
                f"network and {limits.connections_per_operator} to one operator; never more than "
                f"{limits.connections_in_all} to one port. Where something is missing or refused there is a second "
                "look; where a host says 421 there is none.",
                WIDTH,
            ),
        ]
    return "\n".join(lines) + "\n"
