"""What senders do, situation by situation, in worlds that hold it: RFC 5321 section 5.1, 3207, 7505, 7672, 8461, 8689."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.facts.delivery import (
    Delivery,
    DeliveryAttempt,
    DeliveryCause as Cause,
    DeliveryOutcome as Outcome,
    Families,
    Message,
    Sender,
)
from diag.facts.delivery_met import Place
from diag.gather.delivery import delivery
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
PLAIN, STS, DANE = Sender
MX1, MX2 = "198.51.100.10", "198.51.100.20"


@functools.cache
def seen(name: str) -> Delivery:
    """What is worked out of a world."""
    world = worlds.load(FIXTURES / name) if "/" in name else worlds.packaged(name)

    async def run() -> object:
        registry = load()
        target = Target(world.domain, public=DOCUMENTATION)
        async with in_memory(world, registry.performers) as lab:
            report = await Diagnosis(registry, target, lab, Options(only=("delivery",))).run()
            return report.fact(Delivery)

    clock = trio.testing.MockClock(autojump_threshold=0)
    found = anyio.run(run, backend="trio", backend_options={"clock": clock})
    assert isinstance(found, Delivery)
    return found


def ends(name: str) -> list[Outcome]:
    """How mail of each kind of sender fares in the end."""
    return [seen(name).path(sender).outcome for sender in Sender]


def at(name: str, sender: Sender, address: str) -> DeliveryAttempt:
    """What a sender meets at one address, or at a host."""
    known = seen(name).attempts(sender)
    return next(each for each in known if address in (each.address, each.host))


AUTH, TLS, CLEAR = Outcome.AUTHENTICATED, Outcome.TLS, Outcome.CLEAR
DEFERRED, BOUNCED, UNKNOWN = Outcome.DEFERRED, Outcome.BOUNCED, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("healthy", [TLS, AUTH, AUTH]),
        ("mx/look-up-fails", [DEFERRED, DEFERRED, DEFERRED]),
        ("mx/null", [BOUNCED, BOUNCED, BOUNCED]),
        ("mx/null-with-others", [TLS, AUTH, AUTH]),
        ("mx/target-without-address", [TLS, AUTH, AUTH]),
        ("mta-sts/no-mx-covered", [TLS, DEFERRED, AUTH]),
        ("mta-sts/mx-not-covered", [TLS, AUTH, AUTH]),
        ("mta-sts/mode-none", [TLS, TLS, AUTH]),
        ("mta-sts/policy-not-found", [TLS, TLS, AUTH]),
        ("mta-sts/policy-host-silent", [TLS, UNKNOWN, AUTH]),
        ("delivery/starttls-missing-everywhere", [CLEAR, DEFERRED, DEFERRED]),
        ("delivery/clear-text-path", [CLEAR, AUTH, AUTH]),
        ("delivery/clear-text-among-equals", [CLEAR, AUTH, AUTH]),
        ("delivery/certificates-refused-everywhere", [TLS, DEFERRED, AUTH]),
        ("delivery/certificates-refused-under-test", [TLS, TLS, AUTH]),
        ("delivery/tlsa-look-ups-fail-everywhere", [TLS, AUTH, DEFERRED]),
        # A policy that is met does not make up for records that are not (RFC 8461 section 2).
        ("dane/mismatch-everywhere", [TLS, AUTH, DEFERRED]),
        ("dane/mx-insecure", [TLS, AUTH, TLS]),
        ("delivery/relaying-denied-everywhere", [BOUNCED, BOUNCED, BOUNCED]),
        ("delivery/greylisted-everywhere", [UNKNOWN, UNKNOWN, UNKNOWN]),
        ("delivery/access-denied-everywhere", [UNKNOWN, UNKNOWN, UNKNOWN]),
        ("smtp/no-mx-answers", [DEFERRED, DEFERRED, DEFERRED]),
        ("smtp/all-filtered", [UNKNOWN, UNKNOWN, UNKNOWN]),
        ("smtp/nolisting", [TLS, AUTH, AUTH]),
        ("delivery/one-host-takes-mail", [TLS, AUTH, AUTH]),
    ],
)
def test_a_message_ends_as_the_standards_say(name: str, expected: list[Outcome]) -> None:
    assert ends(name) == expected


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("mx/target-without-address", "mx2.lantern.example", [BOUNCED] * 3),
        ("smtp/handshake-alert", MX2, [CLEAR, DEFERRED, DEFERRED]),
        ("smtp/starttls-refused", MX2, [CLEAR, DEFERRED, DEFERRED]),
        ("smtp/starttls-missing", MX2, [CLEAR, DEFERRED, DEFERRED]),
        ("smtp/starttls-missing-once", MX2, [UNKNOWN] * 3),
        ("smtp/reset-handshake", MX2, [UNKNOWN] * 3),
        ("smtp/throttled", MX2, [UNKNOWN] * 3),
        ("smtp/greylisted", MX2, [UNKNOWN] * 3),
        ("smtp/implicit-tls", MX2, [DEFERRED] * 3),
        ("smtp/greeting-refused", MX2, [BOUNCED] * 3),
        ("smtp/relay-denied", MX2, [BOUNCED] * 3),
        ("smtp/postmaster-unknown", MX2, [TLS, AUTH, AUTH]),
        ("smtp/null-sender-refused", MX2, [TLS, AUTH, AUTH]),
        ("smtp/middlebox", MX2, [UNKNOWN] * 3),
        ("dane/insecure", "mx.harbour.example", [TLS, AUTH, TLS]),
        ("dane/all-unusable", MX2, [TLS, AUTH, TLS]),
        ("dane/roll-over", MX2, [TLS, AUTH, AUTH]),
        ("dane/expired-certificate", MX2, [TLS, TLS, AUTH]),
        ("dane/mismatch", MX2, [TLS, AUTH, DEFERRED]),
        ("dane/look-up-fails", MX2, [TLS, AUTH, DEFERRED]),
        ("dane/look-up-fails-in-unsigned-zone", "mx.harbour.example", [TLS, AUTH, TLS]),
        ("dane/resolver-does-not-validate", MX2, [TLS, AUTH, UNKNOWN]),
        ("mta-sts/mx-not-covered", MX2, [TLS, DEFERRED, AUTH]),
    ],
)
def test_each_sender_meets_at_an_address_what_the_standards_say(
    name: str, address: str, expected: list[Outcome]
) -> None:
    assert [at(name, sender, address).outcome for sender in Sender] == expected


@pytest.mark.parametrize("outcome", [DEFERRED, BOUNCED])
def test_who_is_passed_over_is_told_why(outcome: Outcome) -> None:
    for name in (
        "smtp/greeting-refused",
        "smtp/starttls-missing",
        "dane/look-up-fails",
        "mta-sts/mx-not-covered",
    ):
        for sender in Sender:
            for attempt in seen(name).attempts(sender):
                if attempt.outcome is outcome:
                    assert attempt.because
                    assert attempt.goes_on
                    assert attempt.cites


def test_what_is_not_known_quotes_the_line() -> None:
    attempt = at("smtp/throttled", PLAIN, MX2)
    assert attempt.cause is Cause.NOT_HEARD
    assert "421" in attempt.because
    assert attempt.cites


def test_a_policy_under_test_is_followed_twice() -> None:
    known = seen("delivery/certificates-refused-under-test")
    assert known.would_be is not None
    assert known.would_be.outcome is DEFERRED
    assert seen("healthy").would_be is None


def test_a_sender_of_one_family_tries_the_addresses_of_that_family() -> None:
    known = seen("smtp/ipv6-dead")
    assert known.path(PLAIN, Families.IPV4).outcome is TLS
    alone = known.path(PLAIN, Families.IPV6)
    assert alone.outcome is DEFERRED
    assert {attempt.address for attempt in alone.attempts} == {"2001:db8:10::10", "2001:db8:10::20"}


def test_where_no_host_has_an_address_of_the_family_there_is_nothing_to_try() -> None:
    alone = seen("mx/ipv4-only").path(PLAIN, Families.IPV6)
    assert (alone.outcome, alone.decided_by, alone.attempts) == (DEFERRED, None, ())
    assert "IPv6" in alone.because


def test_a_message_larger_than_the_host_takes_bounces() -> None:
    known = seen("healthy")
    sizes = {attempt.size for attempt in known.plain}
    assert all(sizes)
    assert known.path(PLAIN, message=Message(size=max(sizes))).outcome is TLS
    big = known.path(PLAIN, message=Message(size=max(sizes) + 1))
    assert (big.outcome, big.decided_by and big.decided_by.cause) == (BOUNCED, Cause.TOO_BIG)


@pytest.mark.parametrize(
    ("name", "proven"),
    [
        ("healthy", True),
        ("dane/mx-insecure", False),  # valid certificates, of hosts that anybody could have named
        ("delivery/certificates-refused-everywhere", False),
    ],
)
def test_a_valid_certificate_proves_a_host_that_is_named_securely(name: str, proven: bool) -> None:
    delivered = [each for each in seen(name).path(PLAIN).attempts if each.outcome.delivered]
    assert {each.proven for each in delivered} == {proven}


def test_a_message_that_insists_on_tls_bounces_where_it_is_not_offered_on_the_whole_way() -> None:
    for sender in Sender:
        path = seen("healthy").path(sender, message=Message(requiretls=True))
        assert (path.outcome, path.decided_by and path.decided_by.cause) == (BOUNCED, Cause.NO_REQUIRETLS)


def made(routing: object, target: Target | None = None) -> object:
    """What is worked out where there is no host to talk to."""
    none = Absent("nothing")
    asked = (
        target or Target("d.example"),
        routing,
        none,
        none,
        none,
        none,
        none,
        none,
        none,
        none,
        none,
        none,
    )
    return anyio.run(delivery.function, *asked)


@pytest.mark.parametrize(
    ("routing", "outcome"),
    [
        (Absent("d.example does not exist"), BOUNCED),
        (Absent("d.example has neither MX nor address records"), BOUNCED),
        (Unavailable("MX d.example: SERVFAIL"), DEFERRED),
    ],
)
def test_where_the_dns_leads_nowhere_all_mail_ends(routing: object, outcome: Outcome) -> None:
    known = made(routing)
    assert isinstance(known, Delivery)
    assert {path.outcome for path in known.paths()} == {outcome}
    assert all(routing.because in path.because for path in known.paths())  # type: ignore[attr-defined]


def test_without_conversations_nothing_is_worked_out() -> None:
    assert isinstance(made(Absent("x"), Target("d.example", dialogues=False)), Unavailable)


@pytest.mark.parametrize(
    ("name", "sender", "certain"),
    [
        ("delivery/starttls-missing-everywhere", DANE, False),
        ("delivery/certificates-refused-everywhere", STS, True),
        ("dane/mismatch-everywhere", DANE, True),
        ("delivery/tlsa-look-ups-fail-everywhere", DANE, False),
        ("smtp/no-mx-answers", PLAIN, False),
    ],
)
def test_without_a_pause_what_may_pass_is_only_likely(name: str, sender: Sender, certain: bool) -> None:
    assert {attempt.certain for attempt in seen(name).attempts(sender)} == {certain}


@pytest.mark.parametrize("cause", [Cause.TLSA, Cause.CERTIFICATE])
def test_what_is_left_to_senders_is_only_likely(cause: Cause) -> None:
    place = Place(host="mx.example", address="192.0.2.1", preference=10, contact=Unavailable("x"))
    assert place.passed_over(cause, "").certain is (cause is Cause.CERTIFICATE)
    assert dataclasses.replace(place, signed_mx=True).passed_over(cause, "").certain


@pytest.mark.parametrize(
    ("name", "sender", "cause"),
    [
        ("mx/null", PLAIN, Cause.NO_HOST),
        ("mta-sts/no-mx-covered", STS, Cause.NOT_COVERED),
        ("delivery/certificates-refused-everywhere", STS, Cause.CERTIFICATE),
        ("delivery/starttls-missing-everywhere", DANE, Cause.NO_STARTTLS),
        ("dane/mismatch-everywhere", DANE, Cause.TLSA),
        ("delivery/tlsa-look-ups-fail-everywhere", DANE, Cause.TLSA_LOOK_UP),
        ("smtp/no-mx-answers", PLAIN, Cause.DEAD),
        ("delivery/relaying-denied-everywhere", PLAIN, Cause.MAIL_REFUSED),
    ],
)
def test_what_decides_has_a_name(name: str, sender: Sender, cause: Cause) -> None:
    path = seen(name).path(sender)
    assert {attempt.cause for attempt in path.attempts} == {cause}


def test_a_host_that_refuses_its_own_name_is_met_otherwise_by_who_says_none() -> None:
    first = at("tls/own-name.zone", PLAIN, MX1)
    assert (first.outcome, first.cause) == (Outcome.UNKNOWN, Cause.NOT_HEARD)
    assert first.because.endswith("depends on whether the sender names the host")
    assert at("tls/own-name.zone", DANE, MX1).cause is Cause.TLS_FAILS
