"""Politeness: how much of anybody's patience a run may spend, at a time and in all."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, cast

import anyio

from diag.model.frozen import frozen
from diag.names.registered import registrable
from diag.probes.probe import E, Lab, Probe
from diag.probes.talks import TalkProbe
from diag.probes.tls_offer import TlsOffer
from diag.wire.transcript import Closed, Ending, Transcript

from .gate import Gate

MX_PORT = 25
WEB_PORT = 443
_SMTP_PORTS = frozenset({MX_PORT, 587, 465, 2525})
OUR_RESOLVER = "dns:resolver"
LINGERS = 0.5
"""Seconds for which Exim keeps a process, and its place, after a handshake that was broken off (seen with 4.96)."""
LONGEST_PAUSE = 80.0
"""Seconds: a service that says 421 again and again is waited for twice as long each time, up to this."""


@frozen
class Limits:
    """Defaults are what a careful stranger would do.

    A service is one port of one address. An operator is known by the registered part of a host's name
    (`mail.example.net` and `mx2.example.net` are one), and a network is the /24 (IPv4) or /48 (IPv6) an address lies
    in: of the two, whichever is at its limit holds back.
    """

    connections_per_service: int = 3
    """Postfix begins with five to a destination; the strictest default known to us lets four of one address in (Courier)."""
    connections_per_mail_server: int = 12
    """To all SMTP ports of one address, which often are one program: Exim takes 20 in all (smtp_accept_max). One that
    breaks off in the handshake counts for LINGERS more."""
    connections_per_web_service: int = 6
    """As many as browsers open to one host: policies of many domains lie at one provider's address."""
    connections_per_network: int = 12
    connections_per_operator: int = 16
    connections_in_all: int = 64
    """To one service in the whole run. Twice what the deepest look at one host takes."""
    questions_per_server: int = 50
    """Our resolver, whose work it is, gets twice as many: fewer still than dnsmasq forwards at a time, 150."""
    pause_after_421: float = 5.0
    """Seconds before the next connection to a service that said 421; twice as many each time it says so again."""


class Limited:
    """Holds probes back until their peer has room; waits after a peer has said 421 (RFC 5321 section 3.8).

    `chance` gives numbers from 0 to 1: pauses are up to half as long again, so that what waited together does not
    come back together.
    """

    def __init__(
        self, inner: Lab, limits: Limits | None = None, chance: Callable[[], float] = random.random
    ) -> None:
        self._inner = inner
        self._limits = limits or Limits()
        self._chance = chance
        self._gates: OrderedDict[str, Gate] = OrderedDict()
        self._rest_until: dict[str, float] = {}
        self._put_off: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()

    def run(self, probe: Probe[E]) -> Coroutine[Any, Any, E]:
        """See Lab."""
        peer = probe.peer
        if peer is None:
            return self._inner.run(probe)
        return self._question(probe, peer) if peer.startswith("dns:") else self._conversation(probe, peer)

    async def _conversation(self, probe: Probe[E], peer: str) -> E:
        service = _service(probe)
        if isinstance(probe, TalkProbe):
            if self._spent[service] >= self._limits.connections_in_all:
                return cast(E, self._held_back())
            self._spent[service] += 1
        held: list[Gate] = []
        rank, breaks_off = _rank(probe), isinstance(probe, TlsOffer)
        try:
            for gate in self._gates_of(probe, peer):
                await gate.enter(rank)
                held.append(gate)
            wait = self._rest_until.get(service, 0.0) - anyio.current_time()
            if wait > 0:
                await anyio.sleep(wait)
            evidence = await self._inner.run(probe)
            if getattr(evidence, "throttled", False):
                self._rest_until[service] = anyio.current_time() + self._pause(service)
            return evidence
        finally:
            for gate in reversed(held):
                gate.leave(rank, lingers=breaks_off)

    def _pause(self, service: str) -> float:
        usual = self._limits.pause_after_421 * float(1 << min(self._put_off[service], 16))
        self._put_off[service] += 1
        return min(LONGEST_PAUSE, usual) * (1 + self._chance() / 2)

    def _held_back(self) -> Transcript:
        spent = f"{self._limits.connections_in_all} connections to one service are all that a run makes"
        return Transcript((Closed(0, Ending.HELD_BACK, spent),))

    async def _question(self, probe: Probe[E], server: str) -> E:
        """Our resolver, whose work it is, is asked more at a time than a stranger's server."""
        most = self._limits.questions_per_server
        gate = self._gate(server, 2 * most if server == OUR_RESOLVER else most)
        await gate.enter()
        try:
            return await self._inner.run(probe)
        finally:
            gate.leave()

    def _gates_of(self, probe: Probe[E], peer: str) -> list[Gate]:
        """The gates on the way to a host, always in this order. All but the first keep a quarter for MX hosts alone."""
        limits = self._limits
        web = getattr(probe, "port", 0) == WEB_PORT
        a_service = limits.connections_per_web_service if web else limits.connections_per_service
        wider = {_network(peer): limits.connections_per_network}
        if not web and (operator := registrable(getattr(probe, "host", ""))):
            # A policy's host has its customer's name, and lies where that of a thousand others does.
            wider[f"operator:{operator}"] = limits.connections_per_operator
        gates = [self._gate(_service(probe), a_service)]
        if getattr(probe, "port", 0) in _SMTP_PORTS:
            most = limits.connections_per_mail_server
            gates.append(self._gate(f"smtp:{peer}", most, most // 4, LINGERS))
        return gates + [self._gate(key, most, most // 4) for key, most in wider.items()]

    def _gate(self, key: str, capacity: int, kept: int = 0, lingers: float = 0.0) -> Gate:
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(capacity, kept, lingers)
            if len(self._gates) > 4096:  # a run over thousands of domains: idle gates go, oldest first
                for old in [k for k, g in self._gates.items() if g.idle and k != key][:2048]:
                    del self._gates[old]
        return gate


def _rank(probe: Probe[E]) -> int:
    """What others wait for goes first: MX hosts, then ports where STARTTLS is tried further once it is seen."""
    if getattr(probe, "port", MX_PORT) == MX_PORT:
        return 0
    return 2 if getattr(probe, "tls", "") == "implicit" else 1


def _service(probe: Probe[E]) -> str:
    return f"{probe.peer}#{getattr(probe, 'port', '')}"


def _network(peer: str) -> str:
    try:
        ip = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False))
