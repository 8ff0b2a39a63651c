"""The way by hosts of any preference, and what is said, or left to others, where it ends badly."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest

from checks.delivery import (
    mail_over_ipv6_is_delivered,
    mail_reaches_the_domain,
    mail_takes_an_encrypted_path,
    senders_that_honour_dane_get_through,
    senders_that_honour_mta_sts_get_through,
    the_first_hosts_answer,
)
from diag.facts.delivery import (
    Delivery,
    DeliveryAttempt,
    DeliveryCause as Cause,
    DeliveryOutcome as Outcome,
    Families,
    Message,
    Sender,
    walked,
)
from diag.facts.delivery_told import as_data, cell, met
from diag.facts.mx import MailExchange, Routing
from diag.model.finding import Certainty, Finding
from diag.model.plugin import Check

ROUTING = Routing("d.example", (MailExchange(10, "a.example"),), False, True, ())


def attempt(
    host: str = "a.example",
    outcome: Outcome = Outcome.TLS,
    preference: int = 10,
    address: str = "192.0.2.1",
    **more: Any,
) -> DeliveryAttempt:
    goes_on = more.pop("goes_on", outcome is Outcome.DEFERRED)
    cause = more.pop("cause", Cause.TAKEN if outcome.delivered else Cause.DEAD)
    return DeliveryAttempt(
        host=host,
        preference=preference,
        address=address,
        outcome=outcome,
        cause=cause,
        because=f"is {outcome}",
        goes_on=goes_on,
        **{"answered": True, **more},
    )


GOOD = attempt()
LATER = attempt("b.example", preference=20)
DEAD = attempt(outcome=Outcome.DEFERRED)
REFUSED = attempt(outcome=Outcome.BOUNCED, goes_on=True)
UNKNOWN = attempt(outcome=Outcome.UNKNOWN)
CLEAR = attempt(outcome=Outcome.CLEAR)
NO_MAIL = attempt(outcome=Outcome.BOUNCED, cause=Cause.MAIL_REFUSED)


@pytest.mark.parametrize(
    ("attempts", "outcome", "unsure"),
    [
        ([GOOD, LATER], Outcome.TLS, 0),
        ([LATER, GOOD], Outcome.TLS, 0),
        ([DEAD, LATER], Outcome.TLS, 0),
        ([REFUSED, LATER], Outcome.TLS, 0),
        ([UNKNOWN, LATER], Outcome.TLS, 1),
        ([GOOD, dataclasses.replace(UNKNOWN, preference=20)], Outcome.TLS, 0),
        ([GOOD, UNKNOWN], Outcome.TLS, 1),
        ([GOOD, CLEAR], Outcome.CLEAR, 0),
        ([GOOD, NO_MAIL], Outcome.BOUNCED, 0),
        ([GOOD, DEAD], Outcome.TLS, 0),
        ([NO_MAIL, LATER], Outcome.BOUNCED, 0),
        ([DEAD, UNKNOWN], Outcome.UNKNOWN, 1),
        ([DEAD, REFUSED], Outcome.DEFERRED, 0),
        ([REFUSED, REFUSED], Outcome.BOUNCED, 0),
        ([], Outcome.DEFERRED, 0),
    ],
)
def test_hosts_are_tried_by_preference_until_one_decides(
    attempts: list[DeliveryAttempt], outcome: Outcome, unsure: int
) -> None:
    path = walked(Sender.PLAIN, Families.BOTH, tuple(attempts))
    assert (path.outcome, len(path.unsure)) == (outcome, unsure)
    assert (path.decided_by is None) == (not attempts)


def test_hosts_behind_the_one_that_decides_are_not_come_to() -> None:
    assert walked(Sender.PLAIN, Families.BOTH, (GOOD, LATER)).attempts == (GOOD,)


def test_a_family_reaches_its_own_addresses() -> None:
    six = attempt("six.example", address="2001:db8::1")
    both = (GOOD, six)
    assert walked(Sender.PLAIN, Families.IPV6, both).attempts == (six,)
    assert walked(Sender.PLAIN, Families.IPV4, both).attempts == (GOOD,)


@pytest.mark.parametrize(
    ("given", "message", "outcome"),
    [
        (attempt(size=1000), Message(size=1000), Outcome.TLS),
        (attempt(size=1000), Message(size=1001), Outcome.BOUNCED),
        (attempt(size=0), Message(size=10**9), Outcome.TLS),
        (attempt(outcome=Outcome.AUTHENTICATED), Message(requiretls=True), Outcome.BOUNCED),
        (attempt(requiretls=True), Message(requiretls=True), Outcome.BOUNCED),
        (attempt(requiretls=True, proven=True), Message(requiretls=True), Outcome.TLS),
        (attempt(proven=True), Message(requiretls=True), Outcome.BOUNCED),
        (
            attempt(outcome=Outcome.AUTHENTICATED, requiretls=True),
            Message(requiretls=True),
            Outcome.AUTHENTICATED,
        ),
        (DEAD, Message(size=10**9, requiretls=True), Outcome.DEFERRED),
    ],
)
def test_a_message_that_asks_for_more_may_not_be_taken(
    given: DeliveryAttempt, message: Message, outcome: Outcome
) -> None:
    assert given.with_message(message).outcome is outcome


def test_one_host_that_offers_requiretls_is_enough() -> None:
    second = attempt("b.example", Outcome.AUTHENTICATED, 20, requiretls=True)
    path = walked(Sender.DANE, Families.BOTH, (GOOD, second), Message(requiretls=True))
    assert path.outcome is Outcome.AUTHENTICATED


def delivery(
    plain: Iterable[DeliveryAttempt],
    sts: Iterable[DeliveryAttempt] | None = None,
    dane: Iterable[DeliveryAttempt] | None = None,
    tested: Iterable[DeliveryAttempt] = (),
) -> Delivery:
    plain = tuple(plain)
    return Delivery(
        domain="d.example",
        mx="",
        policy="",
        hosts=(),
        plain=plain,
        sts=plain if sts is None else tuple(sts),
        dane=plain if dane is None else tuple(dane),
        once_enforced=tuple(tested),
    )


def found(check: Check, known: Delivery, *more: object) -> list[str]:
    """Ids of what is raised, and `?` for what is left open."""
    verdicts = check.function(known, *more)
    return [verdict.id if isinstance(verdict, Finding) else "?" for verdict in verdicts]


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([GOOD], []),
        ([DEAD], ["delivery/undeliverable-now"]),
        ([NO_MAIL], ["delivery/undeliverable-now"]),
        ([CLEAR], []),
        ([UNKNOWN], ["?"]),
        ([REFUSED, UNKNOWN], ["?"]),
        ([NO_MAIL, UNKNOWN], ["?"]),
        # That nobody answers at all is smtp/no-mx-answers.
        ([attempt(outcome=Outcome.DEFERRED, answered=False)], []),
    ],
)
def test_mail_that_nobody_can_deliver(attempts: list[DeliveryAttempt], expected: list[str]) -> None:
    assert found(mail_reaches_the_domain, delivery(attempts), ROUTING) == expected


def test_a_domain_that_takes_no_mail_is_well() -> None:
    none = dataclasses.replace(ROUTING, exchanges=(MailExchange(0, "."),))
    assert found(mail_reaches_the_domain, delivery([NO_MAIL]), none) == []


MISFIT = attempt(outcome=Outcome.DEFERRED, cause=Cause.TLSA)
MISFIT_2 = attempt("b.example", Outcome.DEFERRED, 20, cause=Cause.TLSA)
NO_TLS = attempt(outcome=Outcome.DEFERRED, cause=Cause.NO_STARTTLS)


@pytest.mark.parametrize(
    ("dane", "expected"),
    [
        ([GOOD], []),
        ([MISFIT, MISFIT_2], ["delivery/dane-senders-defer"]),
        ([MISFIT], []),
        ([NO_TLS], ["delivery/dane-senders-defer"]),
        ([MISFIT, LATER], []),
        ([MISFIT, UNKNOWN], ["?"]),
    ],
)
def test_mail_of_senders_that_honour_dane(dane: list[DeliveryAttempt], expected: list[str]) -> None:
    assert found(senders_that_honour_dane_get_through, delivery([GOOD], dane=dane)) == expected
    assert found(senders_that_honour_dane_get_through, delivery([DEAD], dane=dane)) == []


UNNAMED = attempt(outcome=Outcome.DEFERRED, cause=Cause.NOT_COVERED)
CERTIFICATE = attempt(outcome=Outcome.DEFERRED, cause=Cause.CERTIFICATE)


@pytest.mark.parametrize(
    ("sts", "defers"),
    [
        ([GOOD], []),
        ([CERTIFICATE], ["defer"]),
        ([CERTIFICATE, UNNAMED], ["defer"]),
        # That the policy names nobody is for the area mta-sts to say.
        ([UNNAMED], []),
        ([CERTIFICATE, LATER], []),
        ([UNKNOWN], ["?"]),
    ],
)
def test_mail_of_senders_that_honour_mta_sts(sts: list[DeliveryAttempt], defers: list[str]) -> None:
    check = senders_that_honour_mta_sts_get_through
    now = [each.replace("defer", "delivery/sts-senders-defer") for each in defers]
    then = [each.replace("defer", "delivery/sts-senders-would-defer") for each in defers]
    assert found(check, delivery([GOOD], sts=sts)) == now
    assert found(check, delivery([GOOD], tested=sts)) == then
    assert found(check, delivery([DEAD], sts=sts, tested=sts)) == []


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([CLEAR, LATER], ["delivery/clear-text-path"]),
        ([CLEAR, attempt("b.example")], ["delivery/clear-text-path"]),
        ([CLEAR], []),
        ([CLEAR, attempt("b.example", Outcome.CLEAR, 20)], []),
        ([GOOD, attempt("b.example", Outcome.CLEAR, 20)], []),
        ([UNKNOWN, LATER], []),
        # The other address of the same host: that is smtp/starttls-missing, and no other way to go.
        ([CLEAR, attempt(address="192.0.2.2")], []),
    ],
)
def test_clear_text_where_it_need_not_be(attempts: list[DeliveryAttempt], expected: list[str]) -> None:
    assert found(mail_takes_an_encrypted_path, delivery(attempts)) == expected


SIX = attempt(outcome=Outcome.DEFERRED, address="2001:db8::1", answered=False)
SIX_2 = dataclasses.replace(SIX, address="2001:db8::2")


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([GOOD], []),
        ([GOOD, SIX], []),
        ([GOOD, SIX, SIX_2], ["delivery/ipv6-only-path-fails"]),
        ([GOOD, dataclasses.replace(SIX, answered=True)], ["delivery/ipv6-only-path-fails"]),
        ([GOOD, SIX, attempt(address="2001:db8::3")], []),
        ([GOOD, SIX, attempt(outcome=Outcome.UNKNOWN, address="2001:db8::3")], ["?"]),
        ([DEAD, SIX, SIX_2], []),
    ],
)
def test_mail_over_ipv6(attempts: list[DeliveryAttempt], expected: list[str]) -> None:
    assert found(mail_over_ipv6_is_delivered, delivery(attempts)) == expected


def dead(number: int, **more: Any) -> list[DeliveryAttempt]:
    return [
        attempt(outcome=Outcome.DEFERRED, address=f"192.0.2.{each}", **{"waits": True, **more})
        for each in range(number)
    ]


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([*dead(3), LATER], ["delivery/slow-path"]),
        ([*dead(2), LATER], []),
        ([*dead(3, waits=False), LATER], []),
        # Of equals, senders may come to the living one first.
        ([*dead(3), GOOD], []),
        (dead(3), []),
        ([*dead(3), UNKNOWN], []),
    ],
)
def test_many_dead_addresses_first(attempts: list[DeliveryAttempt], expected: list[str]) -> None:
    assert found(the_first_hosts_answer, delivery(attempts)) == expected


@pytest.mark.parametrize(
    ("attempts", "word"),
    [
        ([GOOD], "TLS"),
        ([GOOD, UNKNOWN], "TLS?"),
        ([UNKNOWN], "not known"),
        ([CLEAR], "clear text"),
        ([DEAD], "deferred"),
        ([NO_MAIL], "bounced"),
        ([], "no address"),
    ],
)
def test_a_cell_says_how_it_ends(attempts: list[DeliveryAttempt], word: str) -> None:
    assert cell(walked(Sender.PLAIN, Families.BOTH, tuple(attempts))) == word


def test_what_is_met_is_said_with_what_is_done_then() -> None:
    assert met(DEAD) == "is deferred; passed over"
    assert met(NO_MAIL) == "is bounced"
    assert met(CLEAR) == "is clear-text: taken in clear text"
    assert met(dataclasses.replace(GOOD, because="(TLS 1.3)")) == "taken over TLS (TLS 1.3)"


def test_data_names_every_path_and_attempt() -> None:
    told = as_data(delivery([DEAD, LATER], tested=[CERTIFICATE]))
    assert [(path["sender"], path["families"]) for path in told["paths"]] == [
        (sender, families) for sender in Sender for families in Families
    ]
    first = told["paths"][0]
    assert first["outcome"] == "unauthenticated-tls"
    assert [each["host"] for each in first["attempts"]] == ["a.example", "b.example"]
    assert told["once_enforced"]["outcome"] == "deferred"


def test_an_end_is_as_certain_as_its_least_certain_attempt() -> None:
    twice, once = attempt(outcome=Outcome.DEFERRED), attempt(outcome=Outcome.DEFERRED, certain=False)
    for attempts, certainty in (((twice, twice), Certainty.CERTAIN), ((twice, once), Certainty.LIKELY)):
        (finding,) = mail_reaches_the_domain.function(delivery(attempts), ROUTING)
        assert finding.certainty is certainty
