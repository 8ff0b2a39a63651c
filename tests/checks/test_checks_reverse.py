"""Which names look as if a provider had made them from the address."""

from __future__ import annotations

import pytest

from checks.generic_name import generic
from checks.reverse import names_of_own_addresses_are_hosts_names
from diag.facts.reverse import PointerName, ReverseName
from diag.facts.roles import SendingDomain
from diag.model.knowing import Absent

SENDS = SendingDomain("d.example", "it has an MX", ())


@pytest.mark.parametrize(
    "name",
    [
        "192-0-2-10.p.example",
        "10.2.0.192.p.example",
        "host-192_0_2_10.p.example",
        "h192-0-2-10.pool.p.example",
        "192000002010.p.example",
        "010-002-000-192.p.example",
        "c000020a.p.example",
        "C000020A.p.example",
        "x.dyn.p.example",
        "dsl12.p.example",
        "dhcp-7.p.example",
        "ppp0.p.example",
    ],
)
def test_names_of_home_connections_are_seen(name: str) -> None:
    assert generic(name, "192.0.2.10")


@pytest.mark.parametrize(
    "name",
    [
        "mx.d.example",
        "mx10.d.example",
        "1192-0-2-101.d.example",
        "192-0-2-101.d.example",
        "mail-2-10.d.example",
        "customer.d.example",
        "dynamo.d.example",
        "carpool.d.example",
        "192-0-2-10.static.p.example",
        "static-192-0-2-10.p.example",
        "192-0-2-10.business.p.example",
        "mail.dsl.example",
        "mail.dial.co.uk",
    ],
)
def test_names_of_hosts_pass(name: str) -> None:
    assert generic(name, "192.0.2.10") == ""


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("2001-db8--10.p.example", True),
        ("2001-0db8-0000-0000-0000-0000-0000-0010.p.example", True),
        ("20010db8000000000000000000000010.p.example", True),
        ("0.1" + ".0" * 22 + ".8.b.d.0.1.0.0.2.p.example", True),
        ("2001-db8.p.example", False),
        ("mx-10.d.example", False),
    ],
)
def test_ipv6_addresses_in_names(name: str, made: bool) -> None:
    assert bool(generic(name, "2001:db8::10")) is made


def reverse(*names: str, hosts: tuple[str, ...] = ("mx.d.example",)) -> ReverseName:
    found = tuple(PointerName(name, ("192.0.2.10",), True, "") for name in names)
    return ReverseName("192.0.2.10", hosts, "p", "p", found, "", False, ())


def raised(found: ReverseName) -> list[str]:
    return [
        each.id for each in names_of_own_addresses_are_hosts_names.function(found, SENDS, Absent("no SPF"))
    ]


def test_one_proper_name_is_enough() -> None:
    assert raised(reverse("192-0-2-10.p.example")) == ["reverse/generic"]
    assert raised(reverse("192-0-2-10.p.example", "mx.d.example")) == []


def test_a_mail_host_of_that_name_was_named_on_purpose() -> None:
    name = "mx-192-0-2-10.d.example"
    assert raised(reverse(name)) == ["reverse/generic"]
    assert raised(reverse(name, hosts=(name,))) == []
