"""Where mail goes: how much of what is published is looked at."""

from __future__ import annotations

import anyio
from zoned_lab import ZonedLab, gathered

from diag.facts.mx import MailExchange, MxHost, Routing
from diag.gather.inbound import MOST_ADDRESSES, inbound_contacts
from diag.gather.mx import MOST_HOSTS, mx_hosts
from diag.model.knowing import Many, Unavailable
from diag.model.target import Target
from diag.probes.moment import Route, Source


def test_records_by_the_thousand_cost_no_more_than_a_few_hosts() -> None:
    names = [f"mx{number}.d.example" for number in range(500)]
    exchanges = tuple(MailExchange(10, name) for name in names)
    lab = ZonedLab("".join(f"{name}. A 192.0.2.1\n" for name in names))
    routing = Routing("d.example", exchanges, False, False, ())
    hosts = gathered(lab, lambda once: mx_hosts.function(routing, once))
    assert isinstance(hosts, Many)
    assert [host.name for host in hosts.values()] == names[:MOST_HOSTS]
    left = hosts.items["468 more MX hosts"]
    assert isinstance(left, Unavailable)
    assert "the first 32 of 500" in left.because
    assert set(lab.names("A")) & set(names) == set(names[:MOST_HOSTS])


def test_a_host_with_addresses_by_the_dozen_is_talked_to_at_some() -> None:
    class NoRoute:
        async def run(self, probe: object) -> object:
            assert isinstance(probe, Route)
            return Source("")

    addresses = tuple(f"192.0.2.{number}" for number in range(1, 41))
    host = MxHost("mx.d.example", 10, "mx.d.example", (), True, addresses, (), "", False, ())
    target = Target("d.example", public=("192.0.2.0/24",))

    async def run() -> object:
        return await inbound_contacts.function(target, Many({"mx.d.example": host}), NoRoute())

    contacts = anyio.run(run)
    assert isinstance(contacts, Many)
    assert len(contacts.items) == MOST_ADDRESSES + 1
    assert isinstance(contacts.items["24 more addresses of mx.d.example"], Unavailable)
