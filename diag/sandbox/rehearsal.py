"""A run rehearsed: hosts are played in memory, as they should be, so that all it would ask of them comes to light."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

import anyio
import anyio.abc
import anyio.lowlevel
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from diag.lab.live.live import Live, Means
from diag.lab.live.network import Trouble, Wire, WireError
from diag.model.plugin import Performer
from diag.probes.probe import E, Impact, Lab, Probe
from diag.probes.trust import Anchors, TrustAnchors

from . import pipe
from .certificates import Certificates
from .hosts import STANDARD_PORTS, SUBMISSION_PORTS, CertificateSpec, HostSpec
from .mail import Mail
from .peer import Heard, TornDown, serve


@asynccontextmanager
async def rehearsing(
    inner: Lab, performers: Mapping[type[Probe[Any]], Performer], domains: Sequence[str], moment: datetime
) -> AsyncIterator[Rehearsal]:
    """A rehearsal for runs over these domains; its hosts live until it is left."""
    async with anyio.create_task_group() as tasks:
        yield Rehearsal(inner, performers, tuple(domains), Certificates(moment), tasks)
        tasks.cancel_scope.cancel()


class Rehearsal:
    """A lab that asks the lab below what costs nobody a connection, and a host of its own making all the rest.

    `asked` has every probe that would have been a connection, in the order in which they came.
    """

    def __init__(
        self,
        inner: Lab,
        performers: Mapping[type[Probe[Any]], Performer],
        domains: tuple[str, ...],
        certificates: Certificates,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        self._inner = inner
        self._domains = domains
        self._performers = performers
        self._certificates = certificates
        self._tasks = tasks
        self._lives: dict[str, Live] = {}
        self.asked: list[Probe[Any]] = []

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if isinstance(probe, TrustAnchors):  # whom everybody trusts vouches for the hosts that are played
            root = x509.load_pem_x509_certificate(self._certificates.root)
            return cast(E, Anchors("the rehearsal", 1, (root.public_bytes(Encoding.DER),)))
        if probe.impact is Impact.PASSIVE:
            return await self._inner.run(probe)
        self.asked.append(probe)
        host = getattr(probe, "host", "")
        if host not in self._lives:
            self._lives[host] = Live(
                self._performers,
                Means(network=_Hosts(host, self._domains, self._certificates, self._tasks)),
            )
        return await self._lives[host].run(probe)


class _Hosts:
    """The Network on which one host answers at every address, on the ports that mail uses."""

    def __init__(
        self, name: str, domains: tuple[str, ...], certificates: Certificates, tasks: anyio.abc.TaskGroup
    ) -> None:
        self._name = name
        self._domains = domains
        self._certificates = certificates
        self._tasks = tasks
        self._mail = Mail()

    async def connect(self, address: str, port: int) -> Wire:
        """See Network."""
        await anyio.lowlevel.checkpoint()
        if port not in STANDARD_PORTS:
            raise WireError(Trouble.REFUSED)
        protocol, tls = STANDARD_PORTS[port]
        host = HostSpec(
            address=address,
            port=port,
            protocol=protocol,
            tls=tls,
            name=self._name,
            certificate=CertificateSpec("valid", (self._name,)),
            domains=self._domains,
            submission=port in SUBMISSION_PORTS,
            min_version="TLSv1.2",
        )
        near, far = pipe.pair()
        self._tasks.start_soon(self._play, host, far)
        return near

    async def _play(self, host: HostSpec, wire: Wire) -> None:
        try:
            await serve(host, wire, self._certificates, Heard(host.address, host.port), self._mail)
        except TornDown:
            pass
        finally:
            await wire.close()
