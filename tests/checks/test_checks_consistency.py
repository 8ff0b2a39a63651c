"""Differences between endpoints: what is one, what only looks like one, and what is left open."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from checks.consistency import (
    a_host_is_the_same_at_all_its_addresses,
    an_endpoint_is_the_same_on_every_connection,
    both_ports_of_a_service_are_the_same,
    servers_answer_over_ipv6_where_they_have_an_address,
)
from checks.consistency_mx import (
    backups_protect_as_well_as_the_best,
    every_mx_host_has_a_certificate_that_verifying_senders_accept,
    mx_hosts_are_different_machines,
    mx_hosts_run_the_same_software,
    mx_hosts_take_messages_of_one_size,
)
from diag.facts.matrix import Cell, Matrix, Offered, Sample
from diag.facts.mx import MailExchange, MxHost, MxOperator, MxOperators, Routing
from diag.facts.tls_survey import TlsSurvey, Tried
from diag.model.finding import Finding, Undecided
from diag.model.knowing import Absent, Cite, Many
from diag.model.target import Depth, Endpoint
from diag.tls.answer import Declined, Unheard
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.offer import TLS10, TLS11, TLS12, Offer
from diag.tls.offers import suites_of
from diag.wire.reach import Reached

NOTHING = Absent()
NEW, OLD = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), Handshake("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
ROUTING = Routing(
    "d.example", (MailExchange(10, "mx1.d.example"), MailExchange(20, "mx2.d.example")), False, False, ()
)


def cell(
    host: str = "mx1.d.example",
    address: str = "192.0.2.1",
    port: int = 25,
    tls: Handshake | TlsFailure = NEW,
    tried: tuple[Tried, ...] = (),
    **others: Any,
) -> Cell:
    """A cell that was heard."""
    at = Endpoint(host, address, port)
    survey = TlsSurvey(
        endpoint=at,
        client_port=port != 25,
        depth=Depth.STANDARD,
        handshake=tls,
        shown=Cite(str(at), 1),
        tried=tried,
    )
    usual: dict[str, Any] = {
        "service": "smtp",
        "preference": {"mx1.d.example": 10, "mx2.d.example": 20}.get(host) if port == 25 else None,
        "published": True,
        "state": Reached.OPEN,
        "clear": Offered(("STARTTLS",)),
        "tls": Offered(("SIZE",), (), 20_000_000),
        "survey": survey,
        "greeting": f"{host} ESMTP Postfix",
    }
    return Cell(endpoint=at, **{**usual, **others})


def unheard(made: Cell, because: str = "421", state: Reached = Reached.THROTTLED) -> Cell:
    """The same, turned away."""
    return dataclasses.replace(
        made, state=state, because=because, clear=None, tls=None, survey=None, greeting=""
    )


def ids(verdicts: Any) -> list[str]:
    """The rules raised, and "?" for what is left open."""
    return [found.id.partition("/")[2] if isinstance(found, Finding) else "?" for found in verdicts]


def by_address(*cells: Cell) -> list[Any]:
    return list(a_host_is_the_same_at_all_its_addresses.function(Matrix(cells), NOTHING, NOTHING))


FOUR, SIX = cell(), cell(address="2001:db8::1")


@pytest.mark.parametrize(
    ("other", "raised"),
    [
        (SIX, []),
        (cell(address="2001:db8::1", tls=OLD), ["addresses-differ"]),
        (dataclasses.replace(SIX, tls=Offered(("SIZE",), (), 10_000_000)), ["addresses-differ"]),
        (dataclasses.replace(SIX, tls=Offered(("SIZE",), (), 30_000)), []),  # an error of its own
        (dataclasses.replace(SIX, tls=Offered(("SIZE",), (), None)), []),
        (dataclasses.replace(SIX, tls=Offered(("SIZE", "AUTH"), ("PLAIN",), 20_000_000)), []),
        (dataclasses.replace(SIX, greeting="node7.d.example ESMTP Postfix"), []),
        (unheard(SIX), ["?"]),
        (unheard(SIX, "nothing answers", Reached.FILTERED), ["?"]),
        (dataclasses.replace(unheard(SIX), told=True), []),
        (cell(address="2001:db8::1", tls=TlsFailure(TlsTrouble.TIMED_OUT)), ["?"]),
        (cell(address="2001:db8::1", tls=TlsFailure(TlsTrouble.ALERT, "handshake_failure")), []),
        (
            dataclasses.replace(SIX, survey=None, clear=Offered(("SIZE",)), tls=None),
            [],
        ),  # no STARTTLS: told of it
        (dataclasses.replace(unheard(SIX), because="", state=Reached.CLOSED), []),
    ],
)
def test_one_host_at_two_addresses(other: Cell, raised: list[str]) -> None:
    assert ids(by_address(FOUR, other)) == raised


def test_where_both_were_heard_and_differ_a_third_side_changes_nothing() -> None:
    old = cell(address="2001:db8::1", tls=OLD)
    assert ids(by_address(FOUR, old, unheard(cell(address="192.0.2.2")))) == ["addresses-differ"]


def test_old_versions_are_compared_where_the_endpoint_is_not_warned_of_them() -> None:
    refused = Tried(
        Offer("old", versions=(TLS11, TLS10), suites=tuple(suites_of(TLS10))), Declined(70), Cite("o", 1)
    )
    old = Handshake("TLSv1", "ECDHE-RSA-AES128-SHA")
    plain = cell(tried=(refused,))
    assert plain.speaks(TLS10) is False
    # Only one of both is known to speak 1.0; that it speaks nothing newer is another matter.
    assert (
        "TLS 1.0 is spoken at 2001:db8::1"
        in by_address(plain, cell(address="2001:db8::1", tls=old))[0].text()
    )
    ports = [
        dataclasses.replace(each, preference=None) for each in (plain, cell(address="2001:db8::1", tls=old))
    ]
    assert "TLS 1.0" not in by_address(*ports)[0].text()


def test_an_offer_that_was_not_answered_leaves_its_version_open() -> None:
    lost = Tried(Offer("TLS 1.2", versions=(TLS12,)), Unheard("421 later"), Cite("o", 1))
    asked = cell(address="2001:db8::1", tried=(lost,))
    assert asked.speaks(TLS12) is None
    found = by_address(cell(tls=OLD), asked)
    # One side speaks TLS 1.3 and the other does not: that much is known.
    assert ids(found) == ["addresses-differ"]
    refused = Tried(
        Offer("TLS 1.2", versions=(TLS12,), suites=tuple(suites_of(TLS12))), Declined(70), Cite("o", 1)
    )
    (open_one,) = by_address(cell(tried=(refused,)), asked)
    assert isinstance(open_one, Undecided)
    assert open_one.because == "421 later"


def test_ports_that_nobody_is_told_of_are_not_compared() -> None:
    pair = [cell(port=993, meant=False), cell(address="2001:db8::1", port=993, tls=OLD, meant=False)]
    assert by_address(*pair) == []


def test_logins_are_compared_under_tls_where_both_sides_offer_some() -> None:
    some = dataclasses.replace(cell(port=587), tls=Offered(("AUTH",), ("PLAIN", "LOGIN")))
    fewer = dataclasses.replace(cell(address="2001:db8::1", port=587), tls=Offered(("AUTH",), ("PLAIN",)))
    turned = dataclasses.replace(fewer, tls=Offered(("AUTH",), ("LOGIN", "PLAIN")))
    none = dataclasses.replace(fewer, tls=Offered(("SIZE",), ()))
    assert ids(by_address(some, fewer)) == ["addresses-differ"]
    assert ids(by_address(some, turned)) == []
    assert ids(by_address(some, none)) == []


def over_six(*cells: Cell) -> list[Any]:
    return list(servers_answer_over_ipv6_where_they_have_an_address.function(Matrix(cells)))


def dead(port: int, state: Reached = Reached.CLOSED, **others: Any) -> Cell:
    made = unheard(cell("mail.d.example", "2001:db8::2", port), "", state)
    return dataclasses.replace(made, **others)


ALIVE = [cell("mail.d.example", "192.0.2.2", port) for port in (587, 993)]


@pytest.mark.parametrize(
    ("cells", "raised"),
    [
        ([*ALIVE, dead(993), SIX], ["ipv6-broken"]),
        ([*ALIVE, dead(993)], ["?"]),  # nothing shows that our own IPv6 works
        ([*ALIVE, dead(993, Reached.FILTERED), SIX], ["ipv6-broken"]),
        ([*ALIVE, dead(587, Reached.FILTERED), SIX], ["?"]),  # access networks filter that port
        ([*ALIVE, dead(587), SIX], ["ipv6-broken"]),
        ([*ALIVE, dead(995), SIX], []),  # closed over IPv4 too
        ([*ALIVE, dead(993, meant=False), SIX], []),
        ([FOUR, dataclasses.replace(SIX, state=Reached.CLOSED)], []),  # port 25 has a rule of its own
        ([cell("mail.d.example", "192.0.2.2", 2525), dead(2525, published=False), SIX], []),
        ([cell("mail.d.example", "192.0.2.2", 2525), dead(2525), SIX], ["ipv6-broken"]),
    ],
)
def test_servers_over_ipv6(cells: list[Cell], raised: list[str]) -> None:
    assert ids(over_six(*cells)) == raised


@pytest.mark.parametrize(
    ("cells", "raised"),
    [
        ([cell(port=587), cell(port=465, tls=OLD)], ["ports-differ"]),
        ([cell(port=587, tls=OLD), cell(port=465, tls=OLD)], []),
        ([cell(port=587), cell(port=143, tls=OLD)], []),  # two services
        ([cell(port=587), cell(address="192.0.2.2", port=465, tls=OLD)], []),  # two addresses
        ([cell(port=143), unheard(cell(port=993))], ["?"]),
        ([cell(port=110)], []),
    ],
)
def test_both_ports_of_a_service(cells: list[Cell], raised: list[str]) -> None:
    assert ids(both_ports_of_a_service_are_the_same.function(Matrix(tuple(cells)))) == raised


def sample(name: str = "mx1.d.example", **others: Any) -> Sample:
    at = Cite("probe", 1)
    usual: dict[str, Any] = {"clear": Offered(("SIZE", "STARTTLS"), (), 1), "kind": "EC", "leaf": "a" * 64}
    return Sample(cite=at, name=name, clear_at=at, tls_at=at, leaf_at=at, **{**usual, **others})


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (sample(), ""),
        (sample("node7.d.example"), ""),
        (sample(""), ""),
        (sample("[192.0.2.9]"), ""),
        (sample("mx.elsewhere.example"), "it calls itself mx1.d.example and mx.elsewhere.example"),
        (sample(clear=None), ""),
        (
            sample(clear=Offered(("AUTH", "SIZE"), ("PLAIN",), 1)),
            "",
        ),  # STARTTLS comes and goes: told elsewhere
        (
            sample(clear=Offered(("8BITMIME", "SIZE", "STARTTLS"), (), 1)),
            "8BITMIME is offered on some connections only",
        ),
        (sample(clear=Offered(("SIZE", "STARTTLS"), (), 2)), "SIZE is 1 or 2"),
        (sample(clear=Offered(("SIZE", "STARTTLS"), ("PLAIN",), 1)), "logins are offered by"),
        (sample(kind="RSA", leaf="b" * 64), ""),  # a server may have one certificate of each kind
        (sample(leaf="b" * 64), "its certificates are aaaaaaaaaaaaaaaa... and bbbbbbbbbbbbbbbb... (SHA-256)"),
    ],
)
def test_several_connections_to_one_endpoint(other: Sample, what: str) -> None:
    made = cell(samples=(sample(), other))
    found = list(an_endpoint_is_the_same_on_every_connection.function(Matrix((made,))))
    assert bool(found) == bool(what)
    assert all(what in each.text() for each in found)


MX2 = "mx2.d.example"


def backups(*cells: Cell) -> list[str]:
    return ids(backups_protect_as_well_as_the_best.function(Matrix(cells), NOTHING, NOTHING))


@pytest.mark.parametrize(
    ("cells", "raised"),
    [
        ([cell(), cell(MX2)], []),
        ([cell(), cell(MX2, tls=OLD)], ["backup-weaker"]),
        ([cell(tls=OLD), cell(MX2)], []),  # the better one is the backup
        ([cell(), cell(MX2, tls=OLD, preference=10)], []),  # no backup
        (
            [cell(), cell(MX2, tls=OLD), cell(MX2, "2001:db8::2")],
            [],
        ),  # one of its addresses: a difference of its own
        ([cell(), cell(MX2, tls=OLD, puts_off=Cite("p", 1))], []),  # it takes nothing anyway
        ([cell(), unheard(cell(MX2))], ["?"]),
        ([unheard(cell()), cell(MX2, tls=OLD)], []),
        ([cell(), cell(address="192.0.2.9", tls=OLD), cell(MX2, tls=OLD)], []),  # the best is no better
    ],
)
def test_backups(cells: list[Cell], raised: list[str]) -> None:
    assert backups(*cells) == raised


def sized(host: str, size: int | None) -> Cell:
    return dataclasses.replace(cell(host), tls=Offered(("SIZE",), (), size))


@pytest.mark.parametrize(
    ("cells", "raised"),
    [
        ([sized("mx1.d.example", 50_000_000), sized(MX2, 20_000_000)], ["size-differs"]),
        ([sized("mx1.d.example", 50_000_000), sized(MX2, 25_000_000)], []),
        ([sized("mx1.d.example", 50_000_000), sized(MX2, None)], []),
        ([sized("mx1.d.example", 50_000_000), sized(MX2, 30_000)], []),  # an error of its own
        ([sized("mx1.d.example", 50_000_000), unheard(cell(MX2))], ["?"]),
    ],
)
def test_sizes(cells: list[Cell], raised: list[str]) -> None:
    assert ids(mx_hosts_take_messages_of_one_size.function(Matrix(tuple(cells)), ROUTING)) == raised


@pytest.mark.parametrize(
    ("greeting", "raised"),
    [
        ("x ESMTP Postfix", []),
        ("x ESMTP Exim 4.98", ["software-differs"]),
        ("x ESMTP", []),
        ("x ESMTP Postfix 3.9", []),  # the other names no version
    ],
)
def test_software(greeting: str, raised: list[str]) -> None:
    cells = (cell(), cell(MX2, greeting=greeting))
    assert ids(mx_hosts_run_the_same_software.function(Matrix(cells), ROUTING)) == raised


def boxes(
    *addresses: tuple[str, ...], names: tuple[str, str] = ("a.d.example", "b.d.example"), provider: str = ""
) -> list[str]:
    known, cells = {}, []
    for (host, called), at in zip(zip(ROUTING.hosts, names, strict=True), addresses, strict=True):
        four, six = (tuple(a for a in at if (":" in a) is is6) for is6 in (False, True))
        known[host] = MxHost(host, 10, host, (), True, four, six, "", False, ())
        cells += [cell(host, address, samples=(sample(called),)) for address in at]
    operators = MxOperators(
        "d.example", tuple(MxOperator(host, provider, "", not provider) for host in known), ()
    )
    return ids(
        mx_hosts_are_different_machines.function(Matrix(tuple(cells)), Many(known), operators, ROUTING)
    )


ONE = ("mx.d.example", "mx.d.example")


def test_one_machine_under_several_names() -> None:
    both = ("192.0.2.1", "2001:db8::1")
    assert boxes(both, ("192.0.2.1",)) == ["same-box-backup"]
    assert boxes(both, both) == []  # mx/duplicate-target
    assert boxes(("192.0.2.1",), ("192.0.2.2",)) == []  # one rack, two machines
    assert boxes(("192.0.2.1",), ("192.0.2.2",), names=ONE) == ["same-box-backup"]
    assert boxes(("192.0.2.1",), ("198.51.100.2",), names=ONE) == []  # two networks
    assert boxes(("192.0.2.1",), ("192.0.2.2",), names=ONE, provider="Somebody") == []
    assert boxes(("192.0.2.1",), ("192.0.2.2",), names=("", "")) == []


def test_without_policies_no_certificate_is_missed() -> None:
    made = Matrix((cell(), cell(MX2)))
    check = every_mx_host_has_a_certificate_that_verifying_senders_accept
    assert list(check.function(made, NOTHING, NOTHING, ROUTING)) == []
