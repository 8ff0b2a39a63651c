"""Submission, IMAP and POP3: the verdicts that a single world cannot show, from facts made by hand."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import pytest

from checks import imap, imap_offers, pop3, pop3_offers, submission
from checks.client_access import dead_hosts, seen_twice
from diag.facts.access_hosts import Offer, Origin, Service, ServiceRecord, ServiceRecords
from diag.facts.client_looks import ClientLook, Lack
from diag.facts.clients import CLIENT_PORTS, ClientContact, ImapInClear, ImapSurvey, Pop3Survey
from diag.facts.moment import VantagePoint
from diag.model.finding import Certainty, Finding, Undecided
from diag.model.fix import Publish, Withdraw
from diag.model.knowing import Absent, Many
from diag.model.target import Endpoint, Target
from diag.probes.hello import with_hello
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.hello import Hello
from diag.wire.reading import read_imap, read_pop3, read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

ADDRESS = "192.0.2.5"
CLOSED = Transcript((Closed(0, Ending.REFUSED, ""),))
FILTERED = Transcript((Closed(6000, Ending.FILTERED, ""),))
UNREACHABLE = Transcript((Closed(0, Ending.UNREACHABLE, ""),))
TLS = Secured(2, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), b"")


def said(*script: str | Event, ends: Ending = Ending.BY_US, at_ms: int = 1, until: int = 9) -> Transcript:
    """A conversation from lines: `> ` we say, `~` at the front is under TLS."""
    events: list[Event] = [Opened(0, ADDRESS, 1)]
    for item in script:
        if not isinstance(item, str):
            events.append(item)
            continue
        secure, text = item.startswith("~"), item.removeprefix("~")
        who = Who.US if text.startswith("> ") else Who.PEER
        events.append(Said(at_ms, who, text.removeprefix("> ").encode() + b"\r\n", secure))
    return Transcript((*events, Closed(until, ends, "")))


GREETED = said("220 mail.example ESMTP", ends=Ending.BY_PEER)


def contact(
    port: int,
    transcript: Transcript,
    *,
    published: bool = True,
    host: str = "mail.example",
    address: str = ADDRESS,
    again: Transcript | Literal["same"] | None = "same",
    waited: bool = False,
) -> ClientContact:
    """A port that was looked at twice, unless `again` is None; it sees the same the second time."""
    service, tls = CLIENT_PORTS[port]
    offer = Offer(service, host, port, "implicit", Origin.SRV, "_x._tcp.d.example", ())
    probe: Any = {
        Service.SUBMISSION: SmtpTalk(address, port, host, "[192.0.2.1]", tls),
        Service.IMAP: ImapTalk(address, port, host, tls),
        Service.POP3: Pop3Talk(address, port, host, tls),
    }[service]
    reading: Any = {Service.SUBMISSION: read_smtp, Service.IMAP: read_imap, Service.POP3: read_pop3}[service]
    session = reading(transcript)
    heard = transcript if again == "same" else again
    other: Any = None
    if heard is not None:
        other = ClientLook(dataclasses.replace(probe, look=2), heard, reading(heard))
    return ClientContact(
        other=other,
        waited=waited,
        endpoint=Endpoint(host, address, port),
        service=service,
        tls=tls,
        origins=(Origin.SRV,) if published else (Origin.MX,),
        offers=(offer,) if published else (),
        probe=probe,
        transcript=transcript,
        state=session.state,
        session=session,
    )


def many(*contacts: ClientContact) -> Many[ClientContact]:
    return Many({str(each.endpoint): each for each in contacts})


@pytest.mark.parametrize(
    ("contacts", "dead"),
    [
        ([contact(587, CLOSED), contact(465, CLOSED)], True),
        ([contact(587, CLOSED), contact(465, FILTERED)], True),
        ([contact(587, CLOSED), contact(465, GREETED)], None),
        ([contact(587, CLOSED, published=False)], None),
        ([contact(587, CLOSED), contact(587, GREETED, address="2001:db8::5")], None),
        ([contact(587, FILTERED)], False),
        ([contact(465, FILTERED)], False),
        ([contact(465, FILTERED), contact(143, said("* OK"))], True),
        # Access providers filter 587 as they do 25: silence there is no word of the host's.
        ([contact(587, FILTERED), contact(143, said("* OK"))], False),
        ([contact(465, FILTERED), contact(143, said("* OK"), address="192.0.2.6")], False),
        ([contact(465, UNREACHABLE), contact(143, said("* OK"))], False),
        ([contact(465, UNREACHABLE, address="2001:db8::5"), contact(465, CLOSED)], True),
        ([contact(143, CLOSED), contact(993, CLOSED)], None),
        # Nothing counts that was tried only once, or that came about on one of two connections.
        ([contact(465, CLOSED, again=None)], False),
        ([contact(465, CLOSED, again=None), contact(587, CLOSED)], True),
        ([contact(465, GREETED, again=CLOSED)], False),
        ([contact(465, GREETED, again=CLOSED), contact(587, CLOSED)], False),
        ([contact(465, GREETED, again=CLOSED), contact(587, GREETED, again=None)], None),
    ],
)
def test_a_host_is_dead_only_where_it_says_so_itself(
    contacts: list[ClientContact], dead: bool | None
) -> None:
    found = list(dead_hosts(many(*contacts), Service.SUBMISSION))
    assert [each.decided for each in found] == ([] if dead is None else [dead])


def test_a_host_in_doubt_tells_what_was_tried() -> None:
    (silent,) = dead_hosts(many(contact(587, FILTERED)), Service.SUBMISSION)
    assert silent.doubt.because == "mail.example did not answer on port 587"
    (shut,) = dead_hosts(many(contact(587, CLOSED), contact(465, CLOSED)), Service.SUBMISSION)
    assert shut.ports == "ports 465 and 587"
    (flapping,) = dead_hosts(many(contact(587, GREETED, again=CLOSED)), Service.SUBMISSION)
    assert flapping.doubt.because == "mail.example answered only one of two connections on port 587"
    assert len(flapping.cites) == 2


@pytest.mark.parametrize(
    ("waited", "certainty"),
    [
        ((True, True), Certainty.CERTAIN),
        ((True, False), Certainty.LIKELY),
        ((False, False), Certainty.LIKELY),
    ],
)
def test_only_who_has_waited_is_certain_that_a_host_is_dead(
    waited: tuple[bool, bool], certainty: Certainty
) -> None:
    tried = [contact(port, CLOSED, waited=each) for port, each in zip((587, 465), waited, strict=True)]
    (dead,) = dead_hosts(many(*tried), Service.SUBMISSION)
    assert dead.certainty is certainty


@pytest.mark.parametrize(
    ("module", "check", "ports"),
    [
        (submission, submission.published_submission_host_answers, (465, 587)),
        (imap, imap.published_imap_host_answers, (993, 143)),
        (pop3, pop3.published_pop3_host_answers, (995, 110)),
    ],
)
def test_srv_is_led_to_the_port_that_answers(module: Any, check: Any, ports: tuple[int, int]) -> None:
    better, other = ports
    greeting = {465: "220 hello", 993: "* OK hello", 995: "+OK hello"}[better]
    contacts = many(contact(other, CLOSED), contact(better, said(TLS, "~" + greeting), published=False))
    service = CLIENT_PORTS[other][0]
    name = f"{module.LABELS[other]}._tcp.d.example"
    records = ServiceRecords(name, service, "starttls", (ServiceRecord(3, 4, other, "mail.example"),), ())
    (finding,) = check.function(contacts, Many({name: records}), Target("d.example"))
    assert finding.subject == "mail.example"
    assert finding.certainty is Certainty.LIKELY
    assert finding.fix[:2] == (
        Withdraw(name, "SRV", f"3 4 {other} mail.example."),
        Publish(f"{module.LABELS[better]}._tcp.d.example", "SRV", f"0 1 {better} mail.example."),
    )


def imap_survey(transcript: Transcript, port: int = 143, **looks: Any) -> ImapSurvey:
    made = contact(port, transcript, **looks)
    assert isinstance(made.probe, ImapTalk)
    session: Any = made.session
    other: Any = made.other
    return ImapSurvey(
        endpoint=made.endpoint,
        tls=made.tls,
        origins=made.origins,
        offers=made.offers,
        probe=made.probe,
        transcript=transcript,
        session=session,
        other=other,
        waited=made.waited,
    )


def pop3_survey(transcript: Transcript, **looks: Any) -> Pop3Survey:
    made = contact(110, transcript, **looks)
    assert isinstance(made.probe, Pop3Talk)
    session: Any = made.session
    other: Any = made.other
    return Pop3Survey(
        endpoint=made.endpoint,
        tls=made.tls,
        origins=made.origins,
        offers=made.offers,
        probe=made.probe,
        transcript=transcript,
        session=session,
        other=other,
        waited=made.waited,
    )


def fails(survey: ImapSurvey) -> list[Finding | Undecided]:
    return list(imap.TlsFails.told_of(survey, ()))


@pytest.mark.parametrize(
    ("failure", "decided"),
    [
        (TlsFailure(TlsTrouble.ALERT, "handshake_failure"), "the TLS alert handshake_failure"),
        (TlsFailure(TlsTrouble.ALERT), "without a name"),
        (TlsFailure(TlsTrouble.CLOSED), "closes the connection"),
        (TlsFailure(TlsTrouble.RESET), None),
        (TlsFailure(TlsTrouble.TIMED_OUT), None),
        (TlsFailure(TlsTrouble.PROTOCOL, detail="wrong version number"), None),
        (TlsFailure(TlsTrouble.PROTOCOL, detail="unexpected message"), "does not keep to the rules of TLS"),
        (TlsFailure(TlsTrouble.PROTOCOL, detail="excessive message size"), "than TLS libraries take"),
    ],
)
def test_only_an_answer_refuses_tls(failure: TlsFailure, decided: str | None) -> None:
    talk = said(Secured(2, failure, b""), ends=Ending.TLS_FAILED)
    (verdict,) = fails(imap_survey(talk, 993))
    if decided is None:
        assert isinstance(verdict, Undecided)
    else:
        assert decided in getattr(verdict, "how", "")


def test_tls_that_was_made_is_no_failure() -> None:
    assert fails(imap_survey(said(TLS, "~* OK", "~> a1 CAPABILITY"), 993)) == []


ALERT = said(Secured(2, TlsFailure(TlsTrouble.ALERT, "handshake_failure"), b""), ends=Ending.TLS_FAILED)


@pytest.mark.parametrize(
    ("again", "because"),
    [
        (None, "one look alone does not show that TLS does not come about"),
        (
            said(TLS, "~* OK", "~> a1 CAPABILITY", "~* CAPABILITY IMAP4rev1 AUTH=PLAIN", "~a1 OK"),
            "two connections differ: only one of them shows that TLS does not come about",
        ),
        (
            said(TLS, "~* BYE too many connections", ends=Ending.BY_PEER),
            "only one connection shows that TLS does not come about; on another, the server turns us away"
            ' for now "* BYE too many connections"',
        ),
        (CLOSED, "on another, the port is closed"),
    ],
)
def test_a_failure_that_was_seen_once_is_left_open(again: Transcript | None, because: str) -> None:
    (verdict,) = fails(imap_survey(ALERT, 993, again=again))
    assert isinstance(verdict, Undecided)
    assert because in verdict.because
    assert {cite.probe for cite in verdict.evidence} >= {imap_survey(ALERT, 993).probe}
    assert len(verdict.evidence) == (1 if again is None else 2)


@pytest.mark.parametrize(("waited", "certainty"), [(True, Certainty.CERTAIN), (False, Certainty.LIKELY)])
def test_what_was_seen_twice_is_told_with_both_looks(waited: bool, certainty: Certainty) -> None:
    survey = imap_survey(ALERT, 993, waited=waited)
    assert survey.certainty is certainty
    (verdict,) = fails(survey)
    assert isinstance(verdict, imap.TlsFails)
    assert [getattr(cite.probe, "look", 0) for cite in verdict.evidence] == [1, 2]


def test_one_look_is_never_certain() -> None:
    assert imap_survey(ALERT, 993, again=None, waited=True).certainty is Certainty.LIKELY


OPEN_143 = ("* OK", "> a1 CAPABILITY", "* CAPABILITY {}", "a1 OK")
UNDER = (TLS, "~* OK", "~> a1 CAPABILITY", "~* CAPABILITY {}", "~a1 OK")
HELLO = ("220 mail.example ESMTP", "> EHLO x", "250-mail.example", "250 {}")
HELLO_TLS = (TLS, "~220 mail.example ESMTP", "~> EHLO x", "~250-mail.example", "~250 {}")
CAPA_110 = ("+OK", "> CAPA", "+OK", "{}", ".")


@pytest.mark.parametrize(
    ("port", "script", "offer", "lacks"),
    [
        (587, HELLO, "AUTH PLAIN", {Lack.STARTTLS}),
        (587, HELLO, "STARTTLS", set()),
        (587, HELLO, "SIZE", set()),
        (465, HELLO_TLS, "SIZE", {Lack.LOGIN}),
        (465, HELLO_TLS, "AUTH PLAIN", set()),
        (143, OPEN_143, "IMAP4rev1 LOGINDISABLED", set()),
        (143, OPEN_143, "IMAP4rev2 STARTTLS LOGINDISABLED", set()),
        (143, OPEN_143, "IMAP4rev1 AUTH=CRAM-MD5", {Lack.STARTTLS}),
        (143, OPEN_143, "IMAP4rev1 STARTTLS", {Lack.LOGINDISABLED}),
        (143, OPEN_143, "STARTTLS LOGINDISABLED", {Lack.IMAP}),
        (993, UNDER, "IMAP4rev1 AUTH=PLAIN", set()),
        (993, UNDER, "IMAP4rev1", set()),
        (993, UNDER, "IMAP4rev1 LOGINDISABLED", {Lack.LOGIN}),
        (993, UNDER, "AUTH=PLAIN", {Lack.IMAP}),
        (110, CAPA_110, "STLS", set()),
        (110, CAPA_110, "USER", {Lack.STARTTLS}),
        (110, CAPA_110, "SASL PLAIN", {Lack.STARTTLS}),
        (110, CAPA_110, "SASL SCRAM-SHA-256", set()),
        (110, ("+OK", "> CAPA", "-ERR", "> STLS", "-ERR"), "", {Lack.STARTTLS}),
        (110, ("+OK", "> CAPA", "+OK", "STLS", ".", "> STLS", "-ERR"), "", {Lack.TLS}),
        (143, (*OPEN_143, "> a2 STARTTLS", "a2 NO"), "IMAP4rev1 STARTTLS LOGINDISABLED", {Lack.TLS}),
        (587, (*HELLO, "> STARTTLS", "554 no"), "STARTTLS", {Lack.TLS}),
        (587, (*HELLO, "> STARTTLS", "454 not now"), "STARTTLS", set()),
        (587, ("421 busy",), "", set()),
    ],
)
def test_what_a_conversation_shows_by_absence_or_refusal(
    port: int, script: tuple[str | Event, ...], offer: str, lacks: set[Lack]
) -> None:
    lines = [each.format(offer) if isinstance(each, str) else each for each in script]
    made: Any = contact(port, said(*lines))
    look: ClientLook[Any, Any] = ClientLook(made.probe, made.transcript, made.session)
    assert set(look.lacks) == lacks


def test_nothing_is_ever_missing_on_a_port_that_no_standard_knows() -> None:
    lines = [each.format("SIZE") if isinstance(each, str) else each for each in HELLO_TLS]
    made: Any = contact(2525, said(*lines))
    assert ClientLook(made.probe, made.transcript, made.session).lacks == {}


def test_a_look_that_lacks_something_else_agrees_with_nothing() -> None:
    first, second = (
        said(*(line.format(offer) for line in OPEN_143))
        for offer in ("IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 STARTTLS")
    )
    verdict = seen_twice(imap_survey(first, again=second), Lack.STARTTLS)
    assert isinstance(verdict, Undecided)


CLEAR = ("* OK ready", "> a1 CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS", "a1 OK done")
FAR = VantagePoint("192.0.2.1", "", None, None, None, (), ())
HERE = VantagePoint(ADDRESS, "", None, None, None, (), ())


@pytest.mark.parametrize(
    ("vantage", "kind"),
    [(FAR, imap_offers.LoginBeforeTls), (Absent(), imap_offers.LoginBeforeTls), (HERE, Undecided)],
)
def test_dovecot_seen_from_its_own_address_tells_nothing(vantage: Any, kind: type) -> None:
    survey = imap_survey(said(*CLEAR))
    assert survey.session.capabilities is not None
    clear = ImapInClear(survey=survey, offer=survey.session.capabilities, event=4)
    (verdict,) = imap_offers.imap_takes_logins_only_under_tls.function(clear, vantage)
    assert isinstance(verdict, kind)


CAPA = ("+OK ready", "> CAPA", "+OK", "TOP", "UIDL")


@pytest.mark.parametrize(
    ("ending", "until", "kind"),
    [
        (Ending.SILENT, 30_000, Finding),
        (Ending.TIME_UP, 30_000, Finding),
        (Ending.TOO_MUCH, 2, Finding),
        # It still dripped when time was up.
        (Ending.TIME_UP, 2, Undecided),
        (Ending.SILENT, 2, Undecided),
        (Ending.BY_PEER, 30_000, Undecided),
        (Ending.RESET, 30_000, Undecided),
    ],
)
def test_an_answer_lacks_its_end_only_where_nothing_more_came(ending: Ending, until: int, kind: type) -> None:
    survey = pop3_survey(said(*CAPA, ends=ending, until=until))
    (verdict,) = pop3_offers.pop3_answers_end.function(survey)
    assert isinstance(verdict, kind)


def test_an_answer_that_ends_is_right() -> None:
    survey = pop3_survey(said(*CAPA, ".", "> QUIT", "+OK"))
    assert list(pop3_offers.pop3_answers_end.function(survey)) == []


def test_a_small_client_hello_that_works_is_named() -> None:
    made = said(TLS, "~* OK", "~> a1 CAPABILITY", "~* CAPABILITY IMAP4rev1 AUTH=PLAIN", "~a1 OK")
    survey = imap_survey(ALERT, 993, again=made)
    assert survey.other is not None
    small: Any = with_hello(survey.other.probe, Hello.CLASSICAL)
    other = dataclasses.replace(survey.other, probe=small)
    (verdict,) = fails(dataclasses.replace(survey, other=other))
    assert isinstance(verdict, Undecided)
    assert verdict.because.endswith("on another, with a small ClientHello of TLS 1.2 at most")
