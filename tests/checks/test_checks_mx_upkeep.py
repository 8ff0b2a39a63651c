"""One mail host, one family of addresses, two providers: what is said of them, and in what cases nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from checks.mx_upkeep import (
    SingleHost,
    mail_has_a_second_way_in,
    mx_hosts_lead_to_one_provider,
    some_mx_host_has_ipv6,
)
from diag.api import MxOperators
from diag.facts.mx import MailExchange, MxHost, Routing
from diag.gather.autoconfig import mx_operators
from diag.model.finding import Undecided
from diag.model.knowing import Many, Unavailable
from diag.model.target import Target

PUBLIC = "9.9.9.10"
PUBLIC6 = "2620:fe::10"


def host(name: str, *addresses: str, unknown: str = "", aliases: tuple[str, ...] = ()) -> MxHost:
    four = tuple(each for each in addresses if ":" not in each)
    six = tuple(each for each in addresses if ":" in each)
    canonical = aliases[-1] if aliases else name
    return MxHost(name, 10, canonical, aliases, True, four, six, unknown, False, ())


def routes(*names: str, implicit: bool = False) -> Routing:
    return Routing("d.example", tuple(MailExchange(10, each) for each in names), implicit, False, ())


def operators(*names: str) -> MxOperators:
    found: MxOperators = anyio.run(mx_operators.function, routes(*names))
    return found


def said(verdicts: Any) -> list[str]:
    return [
        "undecided" if isinstance(each, Undecided) else f"{type(each).id} {each.subject}" for each in verdicts
    ]


def second_way_in(hosts: Sequence[MxHost], more: Sequence[str] = (), **wishes: Any) -> list[str]:
    names = [*(each.name for each in hosts), *more]
    known = Many({each.name: each for each in hosts})
    implicit = wishes.pop("implicit", False)
    target = Target("d.example", **wishes)
    routing = routes(*names, implicit=implicit)
    return said(mail_has_a_second_way_in.function(routing, known, operators(*names), target))


ALONE = ["mx/single-host mx.d.example"]


@pytest.mark.parametrize(
    ("hosts", "more", "expected"),
    [
        ([host("mx.d.example", PUBLIC)], [], ALONE),
        ([host("mx.d.example", PUBLIC, PUBLIC6)], [], ALONE),
        # A name that once verified the domain takes no mail: the one host stays the only one.
        ([host("mx.d.example", PUBLIC)], ["ms1.msv1.invalid"], ALONE),
        ([host("mx.d.example", PUBLIC)], ["mx2.d.example"], []),
        ([host("mx.d.example", PUBLIC, "9.9.9.11")], [], []),
        ([host("mx.d.example", PUBLIC, unknown="SERVFAIL")], [], ["undecided"]),
        ([host("mx.d.example", PUBLIC, "9.9.9.11", unknown="SERVFAIL")], [], []),
        ([host("mx.d.example")], [], []),
        ([host("mx.d.example", "10.0.0.1")], [], []),
        ([host("mx.d.example", PUBLIC, aliases=("mx.elsewhere.example",))], [], []),
        # Whose it is decides: a large provider's one name, known or not, stands for many machines.
        ([host("smtp.google.com", PUBLIC)], [], []),
        ([host("mx.unheard-of.example", PUBLIC)], [], []),
    ],
)
def test_the_only_mail_host(hosts: list[MxHost], more: list[str], expected: list[str]) -> None:
    assert second_way_in(hosts, more) == expected


def test_no_mail_host_is_the_only_one_without_mx_records_or_on_loopback() -> None:
    assert second_way_in([host("d.example", PUBLIC)]) == ["mx/single-host d.example"]
    assert second_way_in([host("d.example", PUBLIC)], implicit=True) == []
    assert second_way_in([host("mx.d.example", "127.1.2.3")], public=("127.0.0.0/8",)) == []
    assert second_way_in([host("mx.d.example", "198.51.100.3")], public=("198.51.100.0/24",)) == ALONE


@pytest.mark.parametrize(
    ("addresses", "where"), [((PUBLIC,), PUBLIC), ((PUBLIC6, PUBLIC), f"{PUBLIC} and {PUBLIC6}")]
)
def test_the_addresses_of_the_only_mail_host_are_told(addresses: Sequence[str], where: str) -> None:
    only = host("mx.d.example", *addresses)
    routing, owners = routes(only.name), operators(only.name)
    (found,) = mail_has_a_second_way_in.function(
        routing, Many({only.name: only}), owners, Target("d.example")
    )
    assert isinstance(found, SingleHost)
    assert found.text().endswith(f"is the only mail host of d.example, at {where}.")


def ipv6(*hosts: MxHost, gone: Sequence[str] = (), implicit: bool = False, **wishes: Any) -> list[str]:
    known = {each.name: each for each in hosts}
    unknown = {name: Unavailable("SERVFAIL") for name in gone}
    routing = routes(*known, *gone, implicit=implicit)
    return said(
        some_mx_host_has_ipv6.function(routing, Many({**known, **unknown}), Target("d.example", **wishes))
    )


FOUR = host("mx1.d.example", PUBLIC)
NO_SIX = ["mx/ipv4-only d.example"]


def test_mail_hosts_with_ipv4_alone() -> None:
    assert ipv6(FOUR) == NO_SIX
    assert ipv6(FOUR, host("mx2.d.example", PUBLIC6)) == []
    assert ipv6(FOUR, host("mx2.d.example")) == NO_SIX
    assert ipv6(FOUR, host("mx2.d.example", PUBLIC, unknown="SERVFAIL")) == ["undecided"]
    assert ipv6(FOUR, gone=["mx2.d.example"]) == ["undecided"]
    assert ipv6(host("mx1.d.example")) == []


def test_nothing_is_said_of_ipv6_to_who_looks_at_ipv4_alone_nor_in_a_laboratory() -> None:
    assert ipv6(FOUR, ipv6=False) == []
    assert ipv6(host("d.example", PUBLIC), implicit=True) == []
    assert ipv6(host("mx1.d.example", "127.1.2.3"), public=("127.0.0.0/8",)) == []
    assert ipv6(host("mx1.d.example", "10.0.0.1")) == []


MICROSOFT = "d-example.mail.protection.outlook.com"
GOOGLE = "aspmx.l.google.com"


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ((MICROSOFT, GOOGLE), f"{MICROSOFT} (Microsoft 365); {GOOGLE} (Google Workspace)"),
        ((GOOGLE, "smtp.google.com", "aspmx2.googlemail.com"), ""),
        ((MICROSOFT, "d-example.o-v1.mx.microsoft"), ""),
        ((GOOGLE, "mx.d.example"), ""),
        ((GOOGLE, "mxa-00000001.gslb.pphosted.com"), ""),
        # What once verified the domain, and a rented machine, are no mailboxes.
        ((MICROSOFT, "abc.mx-verification.google.com"), ""),
        ((GOOGLE, "vps-1.vps.ovh.net"), ""),
        ((GOOGLE, "p3-1.prod.phx3.secureserver.net"), ""),
        ((), ""),
    ],
)
def test_mail_hosts_of_two_providers(names: tuple[str, ...], where: str) -> None:
    found: list[Any] = list(mx_hosts_lead_to_one_provider.function(operators(*names), routes(*names)))
    assert [each.where for each in found] == ([where] if where else [])


def test_what_the_names_of_mail_hosts_tell() -> None:
    known = operators(GOOGLE, "mxa-00000001.gslb.pphosted.com", "mx.d.example", "mx.other.example")
    assert [(each.provider, each.mailboxes, each.own) for each in known.hosts] == [
        ("Google Workspace", "Google Workspace", False),
        ("Proofpoint", "", False),
        ("", "", True),
        ("", "", False),
    ]
    assert known.mailboxes == ""
    assert operators(GOOGLE, "smtp.google.com").mailboxes == "Google Workspace"
    assert operators(GOOGLE, MICROSOFT).mailboxes == ""
    assert operators().mailboxes == ""
