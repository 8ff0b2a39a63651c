"""Send connections elsewhere: standard ports without root, tunnels, laboratories."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from diag.probes.dns import DnsQuery
from diag.probes.moment import Route, Source
from diag.probes.probe import E, Lab, Probe

_NOWHERE = ("127.0.0.1", 1)


class Reroute:
    """Connections to (host or address, port) go to another address and port, questions to a server by address too.

    The probe asked keeps its name; the evidence says where the connection really went. With
    `only`, what has no route is sent to a port of loopback where nobody listens, so that
    nothing can leave the machine.
    """

    def __init__(
        self, routes: Mapping[tuple[str, int], tuple[str, int]], inner: Lab, *, only: bool = False
    ) -> None:
        self._routes = routes
        self._inner = inner
        self._only = only

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if isinstance(probe, Route) and self._routes:
            return cast(E, await self._way_out(probe))
        if isinstance(probe, DnsQuery):
            return cast(E, await self._inner.run(self._moved(probe)))
        address, port = getattr(probe, "address", None), getattr(probe, "port", None)
        if address is None or port is None:
            return await self._inner.run(probe)
        host = getattr(probe, "host", "")
        route = self._routes.get((host, port)) or self._routes.get((address, port))
        if route is None:
            if not self._only:
                return await self._inner.run(probe)
            route = _NOWHERE
        moved = dataclasses.replace(cast(Any, probe), address=route[0], port=route[1])
        return cast(E, await self._inner.run(moved))

    def _moved(self, query: DnsQuery) -> DnsQuery:
        if query.server is None:
            return query
        address, _, port = query.server.partition("#")
        route = self._routes.get((address, int(port or 53))) or (_NOWHERE if self._only else None)
        return dataclasses.replace(query, server="#".join(map(str, route))) if route else query

    async def _way_out(self, probe: Route) -> Source:
        """What is rerouted can be reached whether or not this machine has a way out."""
        found = await self._inner.run(probe)
        return found if found.address else Source("127.0.0.1" if probe.family == 4 else "::1")
