"""The moment and the vantage point: looking at ourselves before we look at others."""

from __future__ import annotations

import anyio

from diag.facts.moment import RunMoment, VantagePoint
from diag.model.knowing import Cite
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.moment import Now, Reach, Route
from diag.probes.probe import Lab

from .dns import NOBODY, Found, look_up, plain
from .mx import all_of


@fact
async def run_moment(lab: Lab) -> RunMoment:
    """The wall clock at the beginning of the run."""
    return RunMoment((await lab.run(Now())).at)


@fact
async def vantage_point(target: Target, lab: Lab) -> VantagePoint:
    """Routes, port 25 and the resolver's honesty, all asked at once."""
    seen: dict[str, object] = {}
    asked: list[Cite] = []

    async def routes() -> None:
        for family in (4, 6):
            seen[f"ipv{family}"] = (await lab.run(Route(family))).address

    async def port_25() -> None:
        seen["port_25"] = await _port_25(lab, target.references, asked) if target.dialogues else None

    async def resolver() -> None:
        unknown, signed = DnsQuery(NOBODY, "A"), DnsQuery(".", "SOA")
        asked.extend((Cite(unknown), Cite(signed)))
        invalid, root = await lab.run(unknown), await lab.run(signed)
        seen["honest"] = (
            invalid.rcode == "NXDOMAIN" if isinstance(invalid, DnsAnswer) and invalid.usable else None
        )
        seen["validating"] = root.authenticated if isinstance(root, DnsAnswer) and root.usable else None

    async with anyio.create_task_group() as tasks:
        for look in (routes, port_25, resolver):
            tasks.start_soon(look)
    return VantagePoint(
        ipv4=str(seen["ipv4"]) if target.ipv4 else "",
        ipv6=str(seen["ipv6"]) if target.ipv6 else "",
        port_25=_known(seen["port_25"]),
        validating=_known(seen["validating"]),
        honest=_known(seen["honest"]),
        references=target.references,
        asked=tuple(asked),
    )


async def _port_25(lab: Lab, references: tuple[str, ...], asked: list[Cite]) -> bool | None:
    """Whether the best MX host of any reference domain answers; None where no reference could be found."""

    async def answers(domain: str) -> bool | None:
        mx = await look_up(lab, domain, "MX")
        if not isinstance(mx, Found):
            return None
        best = min(mx.rdatas, key=lambda rdata: rdata.preference)  # type: ignore[attr-defined]
        host = plain(best.exchange)  # type: ignore[attr-defined]
        address = await look_up(lab, host, "A")
        if not isinstance(address, Found):
            return None
        probe = Reach(host, str(address.rdatas[0]), 25)
        asked.append(Cite(probe))
        return (await lab.run(probe)).trouble == ""

    outcomes = [outcome for outcome in (await all_of(answers, references)).values() if outcome is not None]
    return any(outcomes) if outcomes else None


def _known(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
