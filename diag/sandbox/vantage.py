"""Where a world is looked at from: what our own network lets through, and what our resolver makes of the DNS."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import dns.edns
import dns.message
import dns.rrset

from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent, build_answer
from diag.probes.probe import E, Lab, Probe

from .hosts import State
from .zones import FAILURES, Dns


@dataclass(frozen=True)
class Vantage:
    """The limits of our own end; as it stands here there are none."""

    ipv4: bool = True
    ipv6: bool = True
    shut: tuple[int, ...] = ()
    """Ports to which our network lets nothing through, wherever the host is."""
    shut_ipv6: tuple[int, ...] = ()
    """Ports to which it lets nothing through over IPv6."""
    shuts: State = State.FILTERED
    """What a connection request to one of them meets."""
    resolver: str = ""
    """How every question to the resolver fails, one of FAILURES; empty where it answers."""
    invents: tuple[str, ...] = ()
    """Addresses that the resolver gives for every name that does not exist."""
    filters: tuple[str, ...] = ()
    """Names that the resolver says are filtered, in place of what they have (RFC 8914 section 4.18)."""
    drops: tuple[str, ...] = ()
    """Types of records after which our network lets no question through."""
    forwards: bool = False
    """Whether our network sends every question to our resolver, whomever it was meant for."""
    validates: bool = True
    """Whether the resolver vouches for signed answers, and refuses bogus ones (RFC 4035 section 5)."""

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Vantage:
        """From the table `vantage` of a world's TOML. Raises ValueError."""
        unknown = sorted(table.keys() - {each.name for each in dataclasses.fields(cls)})
        if unknown:
            raise ValueError(f"vantage: unknown key {unknown[0]!r}")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        made = cls(**given)
        if made.resolver not in ("", *FAILURES):
            raise ValueError(f"vantage: the resolver fails by one of {', '.join(FAILURES)}")
        invented = tuple(str(ipaddress.ip_address(each)) for each in made.invents)
        return dataclasses.replace(made, shuts=State(made.shuts), invents=invented)

    def has(self, family: int) -> bool:
        """Whether we have a route to the public network of a family."""
        return self.ipv6 if family == 6 else self.ipv4

    def meets(self, address: str, port: int) -> State:
        """What becomes of a connection request at our own end."""
        if not self.has(6 if ":" in address else 4):
            return State.UNREACHABLE
        shut = self.shut + self.shut_ipv6 if ":" in address else self.shut
        return self.shuts if port in shut else State.OPEN

    def seen(self, dns: Dns) -> Dns:
        """The DNS as a resolver that does or does not validate gives it."""
        if self.validates:
            return dns
        fails = {key: how for key, how in dns.fails.items() if not dns.is_bogus(key[0])}
        return dataclasses.replace(dns, fails=fails, secure=())


class OurResolver:
    """A lab in which our resolver fails, or invents addresses, as the vantage has it."""

    def __init__(self, vantage: Vantage, inner: Lab) -> None:
        self._vantage = vantage
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        if not isinstance(probe, DnsQuery):
            return await self._inner.run(probe)
        return cast(E, await self._answer(probe))

    async def _answer(self, query: DnsQuery) -> DnsEvidence:
        match "timeout" if query.rdtype in self._vantage.drops else self._vantage.resolver:
            case "timeout":
                return DnsSilence(Silent.TIMED_OUT, ("zone",))
            case "servfail" | "refused" | "nxdomain" as why:
                return build_answer(query, rcode=why.upper())
            case _:
                pass
        if query.name in self._vantage.filters:
            return _filtered(query)
        answer = await self._inner.run(query)
        if not self._vantage.invents or not isinstance(answer, DnsAnswer) or answer.rcode != "NXDOMAIN":
            return answer
        family = {"A": 4, "AAAA": 6}.get(query.rdtype)
        made_up = [each for each in self._vantage.invents if ipaddress.ip_address(each).version == family]
        records = (
            (dns.rrset.from_text(query.name + ".", 60, "IN", query.rdtype, *made_up),) if made_up else ()
        )
        # The name is said to be there, whatever type was asked for.
        return build_answer(query, records)


def _filtered(query: DnsQuery) -> DnsAnswer:
    """The name is said not to exist, and why."""
    message = dns.message.from_wire(build_answer(query, rcode="NXDOMAIN").wire)
    message.use_edns(options=[dns.edns.EDEOption(dns.edns.EDECode.FILTERED, "on a list of the network")])
    wire = message.to_wire()
    return DnsAnswer(wire, "zone", size=len(wire))
