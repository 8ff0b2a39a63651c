"""Rounds of offers, played against scripted servers: what is found, with how few of them, and where they stop."""

from __future__ import annotations

import dataclasses

import pytest

from diag.facts.tls_survey import Known, TlsSurvey, Tried
from diag.model.knowing import Cite
from diag.model.target import Depth, Endpoint
from diag.sandbox.tls_script import TlsScript, answer
from diag.tls import offers
from diag.tls.answer import Accepted, Answer, Declined, Unheard
from diag.tls.answer_reader import Ended, read_answer
from diag.tls.client_hello import client_hello
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.offer import SSL2, SSL3, TLS10, TLS11, TLS12, TLS13, Offer
from diag.tls.rounds import AT_ONCE, rounds
from diag.tls.suites import suite

USUAL = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768")
OLDER = Handshake("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "X25519")
HEALTHY = TlsScript(suites=(0x1302, 0x1303, 0x1301, 0xC030, 0xC02F), groups=(0x11EC, 0x1D, 0x17))
POSTFIX = TlsScript(
    versions=(TLS10, TLS11, TLS12, TLS13),
    suites=(0x1302, 0xC030, 0x9F, 0xC014, 0xA7, 0x9D, 0x35, 0x39, 0xC012, 0x0A),
    dh_bits=2048,
)
ANCIENT = TlsScript(versions=(SSL2, SSL3, TLS10), suites=(0x05, 0x0A, 0x03, 0x02, 0x010080))


def said(script: TlsScript, offer: Offer) -> Answer:
    octets = answer(script, client_hello(offer, "mx.example"), (b"a",), (b"b",))
    return read_answer(octets, Ended.CLOSED)


def surveyed(
    script: TlsScript,
    depth: Depth = Depth.STANDARD,
    usual: Handshake | TlsFailure = USUAL,
    most: int = 400,
    protocol: str = "",
) -> TlsSurvey:
    """What the rounds come to with a server, each of them no wider than it may be."""
    tried: list[Tried] = []
    plan = rounds(depth, usual, most, protocol)
    left = ""
    try:
        at_once = next(plan)
        while True:
            assert 0 < len(at_once) <= AT_ONCE[depth]
            answers = tuple(said(script, offer) for offer in at_once)
            tried += (
                Tried(*pair, Cite(number)) for number, pair in enumerate(zip(at_once, answers, strict=True))
            )
            at_once = plan.send(answers)
    except StopIteration as end:
        left = str(end.value)
    assert len(tried) <= most
    made = [each.offer for each in tried]
    assert len(set(made)) == len(made), "asked twice"
    return TlsSurvey(
        endpoint=Endpoint("mx.example", "192.0.2.1", 25),
        client_port=False,
        depth=depth,
        handshake=usual,
        shown=Cite("usual"),
        tried=tuple(tried),
        left=left,
    )


def asked(survey: TlsSurvey) -> list[str]:
    return [each.offer.name for each in survey.tried]


def test_basic_asks_nothing() -> None:
    survey = surveyed(HEALTHY, Depth.BASIC)
    assert asked(survey) == []
    assert survey.version(TLS13).yes
    assert survey.version(TLS12).known is Known.UNKNOWN


def test_a_healthy_host_costs_three_connections() -> None:
    survey = surveyed(HEALTHY)
    assert sorted(asked(survey)) == sorted([offers.OLD, offers.WEAK, offers.USUAL_12])
    assert survey.versions == (TLS12, TLS13)
    for number in (SSL3, TLS10, TLS11):
        assert survey.version(number).no
        assert survey.version(number).cites
    assert survey.version(SSL2).known is Known.UNKNOWN
    assert survey.takes(offers.weak().suites).no
    assert survey.left == ""


def test_a_handshake_of_the_library_shows_that_nothing_newer_is_spoken() -> None:
    survey = surveyed(TlsScript(versions=(TLS12,)), usual=OLDER)
    assert survey.version(TLS13).no
    assert survey.version(TLS13).cites == (Cite("usual"),)


def test_every_old_version_is_found() -> None:
    survey = surveyed(ANCIENT, usual=TlsFailure(TlsTrouble.PROTOCOL))
    assert survey.versions == (SSL2, SSL3, TLS10)
    assert (survey.version(TLS12).known, survey.version(TLS13).known) == (Known.NO, Known.NO)
    kinds = survey.takes(offers.suites_of(SSL2))
    assert kinds.yes


def test_every_fault_of_a_weak_host_is_found_by_one_suite_that_has_it() -> None:
    survey = surveyed(ANCIENT, usual=TlsFailure(TlsTrouble.PROTOCOL))
    weak = set(offers.suites_of(TLS10))
    for fault, here in {
        "RC4": True,
        "3DES": True,
        "NULL": True,
        "EXPORT": True,
        "anonymous": False,
        "DHE": False,
    }.items():
        wanted = {n for n in weak if fault in offers.faults(suite(n))}
        assert survey.takes(wanted, TLS10).yes is here, fault
        assert survey.takes(wanted, TLS10).no is not here, fault


def test_faults_are_found_without_asking_for_each_suite() -> None:
    survey = surveyed(POSTFIX)
    found = {fault for n in survey.suites(TLS12) for fault in offers.faults(suite(n))}
    assert found == {"DHE", "anonymous", "RSA", "3DES"}
    assert not survey.all_found(TLS12)
    assert len(survey.tried) <= 12


@pytest.mark.parametrize("script", [HEALTHY, POSTFIX, ANCIENT], ids=["healthy", "postfix", "ancient"])
def test_full_finds_every_suite_of_every_version(script: TlsScript) -> None:
    usual = USUAL if TLS13 in script.versions else TlsFailure(TlsTrouble.ALERT)
    survey = surveyed(script, Depth.FULL, usual)
    assert survey.left == ""
    assert survey.versions == tuple(sorted(script.versions))
    for version in script.versions:
        if version == SSL2:
            continue
        fits = {n for n in script.suites if n in offers.suites_of(version)}
        assert set(survey.suites(version)) == fits
        assert survey.all_found(version)


def test_full_costs_a_healthy_host_no_more_than_the_budget_allows() -> None:
    survey = surveyed(HEALTHY, Depth.FULL)
    assert len(survey.tried) == 13
    assert {offers.NO_NAME, offers.SHA1_ONLY, offers.WEAK_GROUPS, offers.FINITE_GROUPS, offers.SSL_2} <= set(
        asked(survey)
    )
    assert not {offers.FALLBACK, offers.OTHER_NAME} & set(asked(survey)), "of no use here"
    assert offers.OTHER_NAME in asked(surveyed(HEALTHY, Depth.FULL, protocol="imap"))
    assert offers.FALLBACK in asked(surveyed(POSTFIX, Depth.FULL))
    assert offers.POST_QUANTUM not in asked(survey), "the usual handshake has shown one"


STOCK = TlsScript(
    versions=(TLS10, TLS11, TLS12, TLS13),
    suites=(
        *(0x1302, 0x1303, 0x1301, 0xC030, 0xC02F, 0xC028, 0xC027, 0xC014, 0xC013),
        *(0x9F, 0x9E, 0x6B, 0x67, 0x39, 0x33, 0xA7, 0xA6, 0xC019, 0xC018, 0x3A, 0x34),
        *(0x9D, 0x9C, 0x3D, 0x3C, 0x35, 0x2F),
    ),
    dh_bits=2048,
)


def test_what_rules_want_to_know_comes_before_lists_of_suites() -> None:
    """A Postfix with an RSA key and nothing set takes all of its connections."""
    survey = surveyed(STOCK, Depth.FULL, most=24)
    assert survey.left
    for fault, here in {"RC4": False, "3DES": False, "NULL": False, "EXPORT": False, "RSA": True}.items():
        for version in (TLS10, TLS11, TLS12):
            wanted = {n for n in offers.suites_of(version) if fault in offers.faults(suite(n))}
            assert survey.takes(wanted, version).no is not here, (fault, version)
            assert survey.takes(wanted, version).yes is here, (fault, version)


def test_post_quantum_groups_are_asked_for_where_none_was_chosen() -> None:
    script = dataclasses.replace(HEALTHY, groups=(0x1D, 0x11EC))
    survey = surveyed(script, Depth.FULL, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519"))
    tried = survey.named(offers.POST_QUANTUM)
    assert tried is not None
    assert getattr(tried.answer, "group", None) == 0x11EC


def test_a_budget_that_is_used_up_is_told() -> None:
    survey = surveyed(POSTFIX, Depth.FULL, most=9)
    assert len(survey.tried) == 9
    assert survey.left == "no more than 9 connections were made for this"
    assert survey.takes((0xC0A0,), TLS11).known is Known.NO
    assert survey.takes((0xC028,), TLS12).known is Known.UNKNOWN


def test_a_name_and_a_protocol_are_asked_apart_where_both_together_fail() -> None:
    survey = surveyed(TlsScript(refuses_alpn=True), Depth.FULL, protocol="imap")
    tried = survey.named(offers.OWN_PROTOCOL)
    assert tried is not None
    assert tried.answer == Declined(120)
    assert surveyed(HEALTHY, Depth.FULL, protocol="imap").named(offers.OWN_PROTOCOL) is None
    assert not any(each.offer.alpn for each in surveyed(HEALTHY, Depth.FULL).tried), (
        "SMTP has no name in ALPN"
    )


def test_what_is_graver_than_a_warning_is_refused_twice() -> None:
    survey = surveyed(TlsScript(server_name="required"), Depth.FULL)
    refused = [each.answer for each in survey.tried if each.offer.name.startswith(offers.NO_NAME)]
    assert refused == [Declined(40), Declined(40)]


def test_a_host_that_refuses_its_own_name_is_asked_twice_with_it_and_once_without() -> None:
    survey = surveyed(
        TlsScript(server_name="refused"), usual=TlsFailure(TlsTrouble.ALERT, "unrecognized_name")
    )
    assert asked(survey) == [offers.USUAL_12, f"{offers.USUAL_12}, once more", offers.NO_NAME]
    assert [type(each.answer) for each in survey.tried] == [Declined, Declined, Accepted]
    assert survey.left == "the host refuses its own name"
    assert survey.version(TLS13).known is Known.UNKNOWN, "the alert says nothing about versions"


def test_groups_are_those_of_answers_and_of_the_library() -> None:
    survey = surveyed(HEALTHY, Depth.FULL)
    assert survey.groups[0] == 0x11EC
    assert set(survey.groups) == {0x11EC, 0x1D}
    assert surveyed(HEALTHY, Depth.BASIC, usual=OLDER).groups == (0x1D,)


def test_where_nothing_came_no_more_is_asked() -> None:
    plan = rounds(Depth.STANDARD, TlsFailure(TlsTrouble.TIMED_OUT), 17)
    (first,) = next(plan)
    assert first == offers.usual_12()
    with pytest.raises(StopIteration) as end:
        plan.send((Unheard("silence"),))
    assert end.value.value == "silence"


def test_a_failed_handshake_is_looked_into() -> None:
    survey = surveyed(HEALTHY, usual=TlsFailure(TlsTrouble.RESET))
    assert asked(survey)[:4] == [offers.USUAL_12, offers.MIXED, offers.PADDED, offers.USUAL_13]
    assert survey.versions == (TLS12, TLS13)


def test_where_machines_take_turns_a_refusal_once_is_no_refusal() -> None:
    turns = iter([True, False] * 20)

    def by_turns(offer: Offer) -> Answer:
        return said(HEALTHY, offer) if next(turns) else Declined(40)

    plan = rounds(Depth.STANDARD, TlsFailure(TlsTrouble.ALERT), 17)
    tried: list[Tried] = []
    at_once = next(plan)
    while len(tried) < 5:  # as far as small hellos and large ones go
        answers = tuple(by_turns(offer) for offer in at_once)
        tried += (Tried(*pair, Cite(len(tried))) for pair in zip(at_once, answers, strict=True))
        at_once = plan.send(answers)
    survey = dataclasses.replace(surveyed(HEALTHY), tried=tuple(tried))
    refused = [each for each in tried if isinstance(each.answer, Declined)]
    assert refused, "every second one was"
    assert all(survey.contradicted(each) for each in refused)


def test_what_was_not_answered_shows_nothing() -> None:
    plan = rounds(Depth.STANDARD, USUAL, 17)
    first = next(plan)
    plan.send(tuple(Unheard("a reset") for _ in first))
    tried = tuple(Tried(offer, Unheard("a reset"), Cite(0)) for offer in first)
    survey = TlsSurvey(
        endpoint=Endpoint("mx.example", "192.0.2.1", 25),
        client_port=False,
        depth=Depth.STANDARD,
        handshake=USUAL,
        shown=Cite("usual"),
        tried=tried,
    )
    assert survey.version(TLS10).known is Known.UNKNOWN
    assert survey.version(TLS10).because == "a reset"
    assert survey.takes(offers.weak().suites).known is Known.UNKNOWN
