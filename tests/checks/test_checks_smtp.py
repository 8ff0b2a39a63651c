"""Port 25: the verdicts that a single world cannot show, from facts made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest

from checks import smtp, smtp_commands, smtp_offers, smtp_tls
from checks.smtp_settings import settings
from diag.facts.inbound import (
    HeloName,
    InboundContact,
    InboundGreeting,
    InboundMailbox,
    InboundOffer,
    InboundSurvey,
    InboundTls,
    Look,
)
from diag.facts.moment import VantagePoint
from diag.facts.mx import MailExchange, Routing
from diag.model.finding import Certainty, Finding, Undecided
from diag.model.knowing import Many, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

HERE = Endpoint("mx.example", "192.0.2.10", 25)


def look(
    *script: str | Event,
    ends: Ending = Ending.BY_US,
    detail: str = "",
    number: int = 1,
    opened: bool = True,
    line_end: bytes = b"\r\n",
) -> Look:
    """A conversation from lines: `> ` we say, `~` at the front is under TLS."""
    events: list[Event] = [Opened(0, HERE.address, 25)] if opened else []
    for item in script:
        if not isinstance(item, str):
            events.append(item)
            continue
        secure, text = item.startswith("~"), item.removeprefix("~")
        who = Who.US if text.startswith("> ") else Who.PEER
        events.append(Said(1, who, text.removeprefix("> ").encode() + line_end, secure))
    transcript = Transcript((*events, Closed(9, ends, detail)))
    probe = SmtpTalk(HERE.address, 25, HERE.host, "[198.51.100.1]", look=number)
    return Look(probe, transcript, read_smtp(transcript))


MADE = Secured(2, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), b"")
OPENING = ("220 mx.example ESMTP", "> EHLO [198.51.100.1]", "250-mx.example")
GO = (*OPENING, "250 STARTTLS", "> STARTTLS", "220 Go")
SECURE = (*GO, MADE, "~> EHLO [198.51.100.1]", "~250-mx.example", "~250 8BITMIME")
BARE = look(*OPENING, "250 8BITMIME", "> QUIT", "221 Bye")
GOOD = look(*SECURE, "~> QUIT", "~221 Bye")
BUSY = look("421 4.7.0 too many connections", ends=Ending.BY_PEER)
REFUSED = look(*OPENING, "250 STARTTLS", "> STARTTLS", "454 4.7.0 not now", "> QUIT", "221 Bye")


def failing(reason: TlsTrouble, alert: str = "") -> Look:
    return look(*GO, Secured(2, TlsFailure(reason, alert), b""), ends=Ending.TLS_FAILED)


def survey(*looks: Look, certainty: Certainty = Certainty.LIKELY) -> InboundSurvey:
    return InboundSurvey(HERE, looks[0], looks[1] if len(looks) > 1 else None, certainty)


def tls(*looks: Look, certainty: Certainty = Certainty.LIKELY) -> InboundTls:
    made = next((each for each in looks if isinstance(each.session.handshake, Handshake)), looks[0])
    return InboundTls(HERE, made.session.handshake, made.cite(made.session.secured), looks, certainty)


def verdicts(check: Any, *facts: Any) -> list[str]:
    """Rule ids without their area, and "?" for what is left open."""
    return ["?" if isinstance(v, Undecided) else v.id.partition("/")[2] for v in check.function(*facts)]


def findings(check: Any, *facts: Any) -> list[Finding]:
    return [verdict for verdict in check.function(*facts) if isinstance(verdict, Finding)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ((GOOD,), []),
        ((BARE, BARE), ["starttls-missing"]),
        ((BARE, GOOD), ["starttls-flaps"]),
        ((BARE, BUSY), ["?"]),
        ((BARE,), ["?"]),
        ((REFUSED, REFUSED), []),
    ],
)
def test_starttls_is_missing_only_where_two_looks_say_so(
    looks: tuple[Look, ...], expected: list[str]
) -> None:
    assert verdicts(smtp_tls.starttls_is_offered, survey(*looks)) == expected


def test_what_is_open_quotes_the_line_that_left_it_open() -> None:
    (open_one,) = smtp_tls.starttls_is_offered.function(survey(BARE, BUSY))
    assert "421 4.7.0 too many connections" in open_one.because


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ((GOOD,), []),
        ((REFUSED, REFUSED), ["starttls-refused"]),
        ((REFUSED, GOOD), ["starttls-flaps"]),
        ((REFUSED,), ["?"]),
    ],
)
def test_a_refusal_counts_where_it_comes_twice(looks: tuple[Look, ...], expected: list[str]) -> None:
    assert verdicts(smtp_tls.starttls_is_given, tls(*looks)) == expected


ALERT = failing(TlsTrouble.ALERT, "handshake_failure")


LATE_ALERT = look(
    *GO, MADE, "~> EHLO me", ends=Ending.FAILED, detail="TLS: tlsv13 alert certificate required"
)
NO_EHLO = look(*GO, MADE, "~> EHLO me", "~503 5.5.1 no", "~> HELO me", "~503 no", "~> QUIT", "~221 Bye")
HANGS_UP = look(*GO, MADE, "~> EHLO me", ends=Ending.BY_PEER)
LATER = look(*GO, MADE, "~> EHLO me", "~451 4.3.0 later", "~> QUIT", "~221 Bye")


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (failing(TlsTrouble.ALERT, "certificate_required"), ["client-cert-demanded"]),
        (LATE_ALERT, ["client-cert-demanded"]),
        (ALERT, []),
        (HANGS_UP, []),
        (GOOD, []),
        (look(*SECURE, "~> MAIL FROM:<>", "~550 5.7.0 client certificate needed"), ["client-cert-demanded"]),
        (look(*SECURE, "~> MAIL FROM:<>", "~550 5.7.0 no"), []),
    ],
)
def test_a_demand_for_a_certificate_is_known_by_alert_or_words(heard: Look, expected: list[str]) -> None:
    assert verdicts(smtp_tls.no_certificate_is_demanded_of_senders, tls(heard)) == expected


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ((GOOD,), []),
        ((NO_EHLO, NO_EHLO), ["ehlo-after-tls-fails"]),
        ((HANGS_UP, HANGS_UP), ["ehlo-after-tls-fails"]),
        ((HANGS_UP, GOOD), []),
        ((HANGS_UP,), ["?"]),
        ((LATER, LATER), ["?"]),
        ((LATE_ALERT, LATE_ALERT), ["?"]),
        ((look(*GO, MADE, "~> EHLO me", "~421 4.3.2 busy", ends=Ending.BY_PEER),) * 2, ["?"]),
        ((ALERT, ALERT), []),
    ],
)
def test_ehlo_must_be_answered_under_tls(looks: tuple[Look, ...], expected: list[str]) -> None:
    assert verdicts(smtp_tls.conversation_goes_on_under_tls, tls(*looks)) == expected


def test_leftover_is_shown_harmless_with_the_handshake_as_evidence() -> None:
    odd = look(*GO, Secured(2, Handshake("TLSv1.3", "X"), b"\x1b[31mred\r\n"))
    (found,) = findings(smtp_tls.plain_text_ends_where_tls_begins, tls(odd))
    assert "\x1b" not in found.text()
    assert "\\x1b[31mred" in found.text()
    assert isinstance(odd.transcript.events[found.evidence[0].event or 0], Secured)


def contact(*looks: Look, address: str = HERE.address, **known: bool) -> InboundContact:
    endpoint = Endpoint(HERE.host, address, 25)
    return InboundContact(endpoint, 10, looks[0], looks[1] if len(looks) > 1 else None, **known)


DEAD = look(ends=Ending.REFUSED, opened=False)
FILTERED = look(ends=Ending.FILTERED, opened=False)
NO = look("554 5.3.2 no", "> QUIT", "221 Bye")
ROUTING = Routing("d.example", (MailExchange(10, "mx.example"),), False, False, ())


def vantage(port_25: bool | None) -> VantagePoint:
    return VantagePoint("192.0.2.1", "", port_25, None, None, (), ())


def many(*contacts: InboundContact, **unknown: Unavailable) -> Many[InboundContact]:
    return Many({**{str(each.endpoint): each for each in contacts}, **unknown})


@pytest.mark.parametrize(
    ("contacts", "port_25", "expected"),
    [
        ((contact(DEAD, DEAD, family_works=True),), True, ["no-mx-answers"]),
        ((contact(DEAD, DEAD),), True, ["?"]),
        ((contact(DEAD, DEAD, family_works=True),), None, ["?"]),
        ((contact(DEAD, DEAD, family_works=True),), False, ["?"]),
        ((contact(DEAD, DEAD), contact(GOOD, address="192.0.2.11")), True, []),
        ((contact(DEAD, DEAD), contact(BUSY, address="192.0.2.11")), True, []),
        ((contact(DEAD, GOOD),), True, []),
        ((), True, []),
    ],
)
def test_nobody_answers_is_said_only_from_a_place_where_port_25_is_open(
    contacts: tuple[InboundContact, ...], port_25: bool | None, expected: list[str]
) -> None:
    assert verdicts(smtp.some_mx_host_answers, many(*contacts), ROUTING, vantage(port_25)) == expected


def test_an_address_that_could_not_be_tried_leaves_the_gravest_verdict_open() -> None:
    known = many(contact(DEAD, DEAD, family_works=True), six=Unavailable("this machine has no IPv6"))
    (verdict,) = smtp.some_mx_host_answers.function(known, ROUTING, vantage(True))
    assert verdict.because == "this machine has no IPv6"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (contact(FILTERED, FILTERED, elsewhere=True, family_works=True), ["address-unreachable"]),
        (contact(FILTERED, FILTERED, elsewhere=True), ["?"]),
        (contact(DEAD, DEAD, elsewhere=True), ["address-unreachable"]),
        (contact(DEAD, DEAD), ["?"]),
        (contact(BUSY, elsewhere=True, family_works=True), []),
    ],
)
def test_one_dead_address_is_judged_where_our_own_end_works(
    seen: InboundContact, expected: list[str]
) -> None:
    assert verdicts(smtp.every_mx_address_answers, seen) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (contact(NO, NO), ["greeting-refused"]),
        (contact(NO, NO, nolisted=True), ["nolisting"]),
        (contact(NO), ["?"]),
        (contact(NO, BUSY), ["?"]),
        (contact(look("554 5.7.1 [198.51.100.1] is listed by zen.spamhaus.org")), ["?"]),
        (contact(BUSY), ["?"]),
        (contact(GOOD), []),
    ],
)
def test_a_refusing_greeting_counts_twice_and_not_where_it_is_about_us(
    seen: InboundContact, expected: list[str]
) -> None:
    assert verdicts(smtp.mx_host_offers_service, InboundGreeting(seen)) == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (look("220 mx", "> QUIT", "221 Bye"), []),
        (look("220", "> QUIT", "221 Bye"), []),
        (look("220", "> QUIT", "221 Bye", line_end=b"\n"), []),
        (look("220mx ESMTP", "> QUIT", "221 Bye"), ["greeting-malformed"]),
        (look("220-mx", "250 mx", "> QUIT", "221 Bye"), ["greeting-malformed"]),
        (look("299 mx", "> QUIT", "221 Bye"), ["greeting-malformed"]),
        (look("hello", ends=Ending.BY_US), ["greeting-malformed"]),
        (look("220-mx", ends=Ending.SILENT), ["greeting-malformed"]),
        (BUSY, []),
        (NO, []),
    ],
)
def test_greetings(heard: Look, expected: list[str]) -> None:
    assert verdicts(smtp.mx_host_greets_well, InboundGreeting(contact(heard))) == expected


def test_a_greeting_that_never_ends_may_only_be_slow() -> None:
    (slow,) = findings(smtp.mx_host_greets_well, InboundGreeting(contact(look("220-mx", ends=Ending.SILENT))))
    (wrong,) = findings(smtp.mx_host_greets_well, InboundGreeting(contact(look("hello"))))
    assert (slow.certainty, wrong.certainty) == (Certainty.LIKELY, Certainty.CERTAIN)


def test_a_banner_is_set_where_a_mail_server_has_one() -> None:
    cut, other = look("220mx ESMTP", "> QUIT", "221 Bye"), look("SSH-2.0-OpenSSH_9.2p1", ends=Ending.BY_US)
    found = [findings(smtp.mx_host_greets_well, InboundGreeting(contact(each)))[0] for each in (cut, other)]
    assert [bool(finding.fix) for finding in found] == [True, False]


def mailbox(first: Look, second: Look | None = None) -> InboundMailbox:
    null = first.deciding
    assert null is not None
    accepted = null.reply is not None and null.reply.positive
    named = second.deciding if second else None
    return InboundMailbox(HERE, "postmaster@d.example", accepted, first, null, named, second)


def told(mail: str, rcpt: str = "", sender: str = "") -> Look:
    recipient = ("~> RCPT TO:<postmaster@d.example>", f"~{rcpt}") if rcpt else ()
    return look(*SECURE, f"~> MAIL FROM:<{sender}>", f"~{mail}", *recipient)


UNKNOWN = told("250 Ok", "550 5.1.1 unknown")
TAKEN = told("250 Ok", "250 Ok")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (TAKEN, None, []),
        (UNKNOWN, UNKNOWN, ["postmaster-refused"]),
        (UNKNOWN, TAKEN, ["null-reverse-path-refused"]),
        (UNKNOWN, None, ["?"]),
        (UNKNOWN, told("250 Ok", "451 4.7.1 later"), ["?"]),
        (UNKNOWN, told("250 Ok", "550 5.7.23 SPF fails"), ["postmaster-refused"]),
        (told("550 5.1.7 null sender"), TAKEN, ["null-reverse-path-refused"]),
        (told("550 5.1.7 null sender"), UNKNOWN, ["postmaster-refused"]),
        (told("550 5.7.1 no"), told("550 5.7.1 no"), ["?"]),
        (told("250 Ok", "550 5.7.1 policy"), told("250 Ok", "550 5.7.1 policy"), ["?"]),
        (told("250 Ok", "554 5.7.1 Relay access denied"), UNKNOWN, ["postmaster-refused"]),
        (told("250 Ok", "550 no bounces here"), told("550 5.7.1 sender"), ["?"]),
    ],
)
def test_postmaster_and_null_sender_are_told_apart(
    first: Look, second: Look | None, expected: list[str]
) -> None:
    assert verdicts(smtp_commands.postmaster_takes_mail, mailbox(first, second)) == expected


def offered(clear: str, under_tls: str = "8BITMIME", address: str = HERE.address) -> InboundOffer:
    """What a host offers in one keyword before TLS and one under it."""
    heard = look(
        *GO[:3], f"250 {clear}", "> STARTTLS", "220 Go", MADE, "~> EHLO me", "~250-mx", f"~250 {under_tls}"
    )
    session = heard.session
    bare = look(*GO[:3], f"250 {clear}").session.offer
    assert bare is not None
    cites = (heard.cite(3), heard.cite(9))
    return InboundOffer(Endpoint("mx.example", address, 25), heard, bare, session.offer_tls, cites)


@pytest.mark.parametrize(
    ("offer", "check", "expected"),
    [
        (offered("XCLIENT NAME"), smtp_commands.xclient_is_not_offered, ["xclient-offered"]),
        (offered("XFORWARD NAME"), smtp_commands.xclient_is_not_offered, []),
        (offered("SIZE 65535"), smtp_commands.messages_of_ordinary_size_are_taken, ["size-below-minimum"]),
        (offered("SIZE 65536"), smtp_commands.messages_of_ordinary_size_are_taken, []),
        (offered("SIZE 0"), smtp_commands.messages_of_ordinary_size_are_taken, []),
        (offered("SIZE"), smtp_commands.messages_of_ordinary_size_are_taken, []),
        (offered("AUTH LOGIN"), smtp_commands.no_password_is_asked_for_in_clear, ["auth-before-tls"]),
        (offered("AUTH GSSAPI"), smtp_commands.no_password_is_asked_for_in_clear, []),
        (offered("AUTH LOGIN", address="127.0.0.1"), smtp_commands.no_password_is_asked_for_in_clear, []),
    ],
)
def test_offers(offer: InboundOffer, check: Any, expected: list[str]) -> None:
    if check is smtp_commands.messages_of_ordinary_size_are_taken:
        offer = dataclasses.replace(offer, tls=None)
    if check is smtp_commands.no_password_is_asked_for_in_clear:
        assert verdicts(check, offer, Target("lantern.example", public=("192.0.2.0/24",))) == expected
        return
    assert verdicts(check, offer) == expected


@pytest.mark.parametrize(
    ("ehlo", "expected"),
    [
        ("502 5.5.2 what", ["ehlo-refused"]),
        ("550 5.7.1 what", ["ehlo-refused"]),
        ("554 5.3.0 what", ["?"]),
        ("501 Syntactically invalid EHLO argument(s)", ["?"]),
    ],
)
def test_ehlo_is_refused_for_itself_or_not_judged(ehlo: str, expected: list[str]) -> None:
    heard = look("220 mx", "> EHLO me", ehlo, "> HELO me", "250 mx", "> QUIT", "221 Bye")
    assert verdicts(smtp_commands.mx_host_takes_ehlo, survey(heard, heard)) == expected


OUR_NAME = look(
    "220 mx",
    "> EHLO probe.example",
    "550 HELO name does not match your host",
    "> HELO probe.example",
    "550 no",
)


@pytest.mark.parametrize(
    ("heard", "addresses", "expected"),
    [
        (OUR_NAME, ("192.0.2.1",), ["helo-verified"]),
        (OUR_NAME, (), ["?"]),
        (GOOD, ("192.0.2.1",), []),
    ],
)
def test_our_name_is_their_fault_only_where_it_exists(
    heard: Look, addresses: Iterable[str], expected: list[str]
) -> None:
    name = HeloName("probe.example", tuple(addresses), ())
    assert verdicts(smtp_commands.our_name_is_not_held_against_us, survey(heard), name) == expected


@pytest.mark.parametrize(
    ("greeting", "products"),
    [
        ("220 mx ESMTP Postfix", ["Postfix"]),
        ("220 mx ESMTP Exim 4.98", ["Exim"]),
        ("220 mx ready", ["Postfix", "Exim"]),
    ],
)
def test_the_greeting_chooses_the_settings(greeting: str, products: list[str]) -> None:
    found = settings(look(greeting, "> QUIT", "221 Bye"), Postfix="a = b", Exim="c = d")
    assert [each.product for each in found] == products


def told_in(*keywords: str) -> InboundOffer:
    """What a host offers in clear and under TLS: the same, and one line at the end that is of no interest."""
    lines = [f"250-{each}" for each in keywords]
    heard = look(
        *("220 mx", "> EHLO me", "250-mx", *lines, "250 HELP", "> STARTTLS", "220 Go", MADE),
        *("~> EHLO me", "~250-mx", *(f"~{each}" for each in lines), "~250 HELP"),
    )
    session = heard.session
    assert session.offer is not None
    assert session.ehlo is not None
    assert session.ehlo_tls is not None
    cites = (heard.cite(session.ehlo.last), heard.cite(session.ehlo_tls.last))
    return InboundOffer(HERE, heard, session.offer, session.offer_tls, cites)


@pytest.mark.parametrize(
    ("offer", "check", "shown"),
    [
        (told_in("XCLIENT NAME", "SIZE 1"), smtp_commands.xclient_is_not_offered, ["XCLIENT NAME"] * 2),
        (told_in("SIZE 9", "X"), smtp_commands.messages_of_ordinary_size_are_taken, ["SIZE 9"]),
        (told_in("X", "SEND", "TURN"), smtp_offers.the_list_of_offers_is_well_written, ["SEND", "TURN"]),
        (told_in("X Y", "A_B", "X Y"), smtp_offers.the_list_of_offers_is_well_written, ["A_B"]),
        (told_in("SIZE 1M", "X"), smtp_offers.the_list_of_offers_is_well_written, ["SIZE 1M"]),
        (told_in("LIMITS RCPTMAX=9", "X"), smtp_offers.limits_can_be_read_and_kept, ["LIMITS RCPTMAX=9"]),
        (told_in("REQUIRETLS", "X"), smtp_offers.tls_changes_what_it_should, ["REQUIRETLS"]),
        (told_in("XFORWARD NAME", "X"), smtp_offers.xforward_is_not_offered, ["XFORWARD NAME"] * 2),
    ],
)
def test_what_is_offered_is_shown_by_its_own_line(offer: InboundOffer, check: Any, shown: list[str]) -> None:
    (found,) = findings(check, offer)
    assert [offer.look.line(cite.event) for cite in found.evidence] == [f"250-{each}" for each in shown]


def test_evidence_is_the_very_line() -> None:
    (found,) = findings(smtp_commands.postmaster_takes_mail, mailbox(UNKNOWN, UNKNOWN))
    event = found.evidence[0].event
    assert event is not None
    assert UNKNOWN.line(event) == "550 5.1.1 unknown"
