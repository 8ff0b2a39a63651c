"""Our own end: hosts that are known to answer, and addresses that our own resolver makes up."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from diag.gather.dns import NOBODY, Found, NoRecord, look_up
from diag.gather.references import mail_host, policy_host, reference_answers, service_host
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.moment import Reach, Reached, Route, Source

REFERENCES = """$TTL 60
one.example. MX 20 late.one.example.
one.example. MX 10 mx.one.example.
mx.one.example. A 192.0.2.1
mx.one.example. AAAA 2001:db8::1
two.example. MX 10 mx.two.example.
mx.two.example. A 192.0.2.2
mta-sts.one.example. A 192.0.2.3
_imaps._tcp.one.example. SRV 0 0 993 imap.one.example.
_imap._tcp.one.example. SRV 0 0 0 .
imap.one.example. A 192.0.2.4
"""


class Surroundings:
    """The DNS, and connections that succeed at the addresses named."""

    def __init__(self, zone: str, open_at: tuple[str, ...] = (), families: tuple[int, ...] = (4, 6)) -> None:
        self._dns = Overlay(Zone.parse(zone, "."), self, whole=True)
        self._open_at = open_at
        self._families = families
        self.asked: list[Any] = []

    async def run(self, probe: Any) -> Any:
        self.asked.append(probe)
        match probe:
            case Route(family=family):
                return Source("an address" if family in self._families else "")
            case Reach(address=address):
                return Reached("" if address in self._open_at else "timed out")
        return await self._dns.run(probe)


@pytest.mark.parametrize(
    ("port", "host_of", "tried"),
    [
        (25, mail_host, {"192.0.2.1", "192.0.2.2"}),
        (443, policy_host, {"192.0.2.3"}),
        (993, service_host(993), {"192.0.2.4"}),
        # None is published at 143, and nobody publishes 2525.
        (143, service_host(143), set()),
        (2525, service_host(2525), set()),
    ],
)
def test_one_reference_that_answers_is_enough(port: int, host_of: Any, tried: set[str]) -> None:
    target = Target("d.example", references=("one.example", "two.example", "three.example"))
    for open_at in [(), *((each,) for each in tried)]:
        lab = Surroundings(REFERENCES, open_at)
        answers, cites = anyio.run(reference_answers, target, lab, port, host_of)
        assert answers is (bool(open_at) if tried else None)
        assert {probe.address for probe in lab.asked if isinstance(probe, Reach)} == tried
        assert {(cite.probe.address, cite.probe.port) for cite in cites} == {(each, port) for each in tried}  # type: ignore[attr-defined]


def test_a_reference_is_asked_over_a_family_that_we_have() -> None:
    target = Target("d.example", references=("one.example", "two.example"))
    lab = Surroundings(REFERENCES, ("2001:db8::1",), families=(6,))
    answers, _ = anyio.run(reference_answers, target, lab, 25, mail_host)
    assert answers
    assert [probe.address for probe in lab.asked if isinstance(probe, Reach)] == ["2001:db8::1"]


INVENTING = f"""$TTL 60
{NOBODY}. A 192.0.2.98
{NOBODY}. A 192.0.2.99
gone.example. A 192.0.2.99
here.example. A 192.0.2.99
here.example. A 192.0.2.7
text.example. TXT "words"
"""


@pytest.mark.parametrize(
    ("name", "rdtype", "kind"),
    [
        ("gone.example", "A", Unavailable),
        ("here.example", "A", Found),
        ("text.example", "TXT", Found),
        ("text.example", "A", NoRecord),
    ],
)
def test_only_addresses_that_any_name_has_are_made_up(name: str, rdtype: str, kind: type) -> None:
    looked = anyio.run(look_up, Surroundings(INVENTING), name, rdtype)
    assert isinstance(looked, kind)
    if isinstance(looked, Unavailable):
        assert "our resolver gives the same A record for names that nobody has" in looked.because
        assert [str(cite.probe) for cite in looked.evidence] == ["A gone.example", f"A {NOBODY}"]


def test_an_honest_resolver_and_a_server_of_the_domains_own_are_believed() -> None:
    honest = Surroundings("$TTL 60\ngone.example. A 192.0.2.99\n")
    assert isinstance(anyio.run(look_up, honest, "gone.example", "A"), Found)
    inventing = Surroundings(INVENTING)
    assert isinstance(anyio.run(look_up, inventing, "gone.example", "A", "192.0.2.53"), Found)
    assert NOBODY not in {probe.name for probe in inventing.asked if isinstance(probe, DnsQuery)}
