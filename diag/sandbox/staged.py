"""A world as a lab: its own clock, chance and trust, its DNS, and its hosts in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from diag.lab.live.live import Live, Means
from diag.lab.overlay import Overlay
from diag.model.plugin import Performer
from diag.probes.known_keys import KeyListing, KnownKey
from diag.probes.moment import Label, Moment, Nonce, Now, Reach, Reached, Route, Source
from diag.probes.probe import E, Lab, Probe
from diag.probes.trust import Anchors, TrustAnchors

from .asked import AskedOfResolver
from .hosts import State
from .memory import MemoryNetwork
from .nameservers import AskedByAddress
from .resolver import Resolver
from .vantage import OurResolver
from .world import World

DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
"""Networks that count as public in a sandbox (RFC 5737, RFC 3849): nobody outside has them."""

LABEL = "qvxzkwjyhgfdbnmp"
"""What chance draws here, every time."""


class Staged:
    """Answers what a run asks of its own machine, as in the world; the rest goes to the lab below."""

    def __init__(self, world: World, inner: Lab) -> None:
        self._world = world
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        answer: Any
        asked: Any = probe
        match asked:
            case Now():
                answer = Moment(self._world.moment)
            case Nonce():
                answer = Label(LABEL)
            case Route(family=family):
                ours = "192.0.2.1" if family == 4 else "2001:db8::1"
                answer = Source(ours if self._world.vantage.has(family) else "")
            case Reach(address=address, port=port):
                met = self._world.vantage.meets(address, port)
                answer = Reached("", "220 reference.example ESMTP") if met is State.OPEN else Reached(met)
            case KnownKey():
                answer = KeyListing()
            case TrustAnchors(issuers=issuers):
                root = x509.load_pem_x509_certificate(self._world.certificates.root)
                named = root.subject.public_bytes() in issuers
                answer = Anchors("the sandbox", 1, (root.public_bytes(Encoding.DER),) if named else ())
            case _:
                return await self._inner.run(probe)
        return cast(E, answer)


@asynccontextmanager
async def in_memory(world: World, performers: Mapping[type[Probe[Any]], Performer]) -> AsyncIterator[Lab]:
    """The world as a lab, played without a socket: the performers are the real ones."""
    async with MemoryNetwork(world) as network:
        live = Live(performers, Means(network=network))
        dns = world.vantage.seen(world.dns)
        told: Lab = Overlay(dns.zone, live, whole=True, secure=dns.secure, fails=dns.fails)
        if dns.signer is not None:  # signatures are a matter of whole messages
            told = AskedOfResolver(Resolver(dns), live)
        ours = OurResolver(world.vantage, told)
        yield Staged(world, AskedByAddress(world.dns, world.vantage, ours))
