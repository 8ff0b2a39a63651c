"""The moment and the vantage point: looking at ourselves before we look at others."""

from __future__ import annotations

from datetime import UTC, datetime

from diag.facts.moment import RunMoment, VantagePoint
from diag.model.knowing import Cite
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.moment import Now, Route
from diag.probes.probe import Lab
from diag.together import task_group

from .dns import NOBODY
from .references import mail_host, reference_answers


@fact
async def run_moment(target: Target, lab: Lab) -> RunMoment:
    """The wall clock at the beginning of the run, and the moment that the user wants it judged at."""
    now = (await lab.run(Now())).at
    return (
        RunMoment(datetime.fromisoformat(target.at).astimezone(UTC), ran=now) if target.at else RunMoment(now)
    )


@fact
async def vantage_point(target: Target, lab: Lab) -> VantagePoint:
    """Routes, port 25 and the resolver's honesty, all asked at once."""
    seen: dict[str, object] = {}
    asked: list[Cite] = []

    async def routes() -> None:
        for family in (4, 6):
            seen[f"ipv{family}"] = (await lab.run(Route(family))).address

    async def port_25() -> None:
        if target.dialogues:
            seen["port_25"], tried = await reference_answers(target, lab, 25, mail_host)
            asked.extend(tried)

    async def resolver() -> None:
        unknown, signed = DnsQuery(NOBODY, "A"), DnsQuery(".", "SOA")
        asked.extend((Cite(unknown), Cite(signed)))
        invalid, root = await lab.run(unknown), await lab.run(signed)
        seen["honest"] = (
            invalid.rcode == "NXDOMAIN" if isinstance(invalid, DnsAnswer) and invalid.usable else None
        )
        seen["validating"] = root.authenticated if isinstance(root, DnsAnswer) and root.usable else None

    async with task_group() as tasks:
        for look in (routes, port_25, resolver):
            tasks.start_soon(look)
    return VantagePoint(
        ipv4=str(seen["ipv4"]) if target.ipv4 else "",
        ipv6=str(seen["ipv6"]) if target.ipv6 else "",
        port_25=_known(seen.get("port_25")),
        validating=_known(seen["validating"]),
        honest=_known(seen["honest"]),
        references=target.references,
        asked=tuple(asked),
    )


def _known(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
