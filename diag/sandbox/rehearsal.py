"""A run rehearsed: hosts are played in memory, as they should be, so that all it would ask of them comes to light."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, cast

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


class Rehearsal:
    """A lab that asks the lab below what costs nobody a connection, and a host of its own making all the rest.

    An async context manager: its hosts live until it is left. `asked` has every probe that would have been a
    connection, in the order in which they came.
    """

    def __init__(
        self, inner: Lab, performers: Mapping[type[Probe[Any]], Performer], domain: str, moment: datetime
    ) -> None:
        self._inner = inner
        self._domain = domain
        self._performers = performers
        self._certificates = Certificates(moment)
        self._tasks: anyio.abc.TaskGroup | None = None
        self._lives: dict[str, Live] = {}
        self.asked: list[Probe[Any]] = []

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, trace)

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if isinstance(probe, TrustAnchors):  # whom everybody trusts vouches for the hosts that are played
            root = x509.load_pem_x509_certificate(self._certificates.root)
            return cast(E, Anchors("the rehearsal", 1, (root.public_bytes(Encoding.DER),)))
        if probe.impact is Impact.PASSIVE:
            return await self._inner.run(probe)
        self.asked.append(probe)
        assert self._tasks is not None, "the rehearsal is used outside its context"
        host = getattr(probe, "host", "")
        if host not in self._lives:
            self._lives[host] = Live(
                self._performers,
                Means(network=_Hosts(host, self._domain, self._certificates, self._tasks)),
            )
        return await self._lives[host].run(probe)


class _Hosts:
    """The Network on which one host answers at every address, on the ports that mail uses."""

    def __init__(
        self, name: str, domain: str, certificates: Certificates, tasks: anyio.abc.TaskGroup
    ) -> None:
        self._name = name
        self._domain = domain
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
            domains=(self._domain,),
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
