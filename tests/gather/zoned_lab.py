"""A lab made of one zone text, which remembers what it was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import anyio

from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.probes.dns import DnsQuery, build_answer
from diag.probes.known_keys import KeyListing, KnownKey
from diag.probes.moment import Label, Nonce, Route, Source

T = TypeVar("T")


class ZonedLab:
    """Answers DNS from the zone; `says` gives the response code of single servers for a name."""

    def __init__(
        self,
        zone: str,
        *,
        secure: tuple[str, ...] = (),
        fails: Mapping[tuple[str, str], str] | None = None,
        says: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._overlay = Overlay(
            Zone.parse("$TTL 60\n" + zone, "."), self, whole=True, secure=secure, fails=fails
        )
        self._says = dict(says or {})
        self.asked: list[DnsQuery] = []
        self.known: dict[bytes, str] = {}
        """Lists of known private keys, by the number of the public one."""

    async def run(self, probe: Any) -> Any:
        if isinstance(probe, Nonce):
            return Label("qvxzkwjyhgfdbnmp")
        if isinstance(probe, Route):
            return Source("192.0.2.254" if probe.family == 4 else "")
        if isinstance(probe, KnownKey):
            return KeyListing(True, self.known.get(probe.number, ""))
        self.asked.append(probe)
        if (rcode := self._says.get((probe.name, probe.server or ""))) is not None:
            return build_answer(probe, rcode=rcode)
        return await self._overlay.run(probe)

    def names(self, rdtype: str = "TXT") -> list[str]:
        """The names asked for, in order."""
        return [query.name for query in self.asked if query.rdtype == rdtype]


def gathered(lab: ZonedLab, gather: Callable[[Once], Awaitable[T]]) -> T:
    """What a gatherer finds in the lab, with each question asked once, as in a run."""

    async def run() -> T:
        return await gather(Once(lab))

    return anyio.run(run)
