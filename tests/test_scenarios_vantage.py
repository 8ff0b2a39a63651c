"""Worlds looked at from a bad place: what our own position hides is left open, and the reason says so."""

from __future__ import annotations

import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.model.report import Status
from diag.run.registry import load
from diag.sandbox import world as worlds

NONE_HERE = "hosts that are known to answer"
NOBODY_ASKED = ("our resolver did not answer", "no name server was asked itself")
REASONS = {
    "client-ports-refused": (NONE_HERE,),
    "clock-ahead-and-mail": ("yet our clock is",),
    "clock-behind-and-mail": ("yet our clock is",),
    "drops-tlsa": ("no question for TLSA records is answered here",),
    "imap-ports-shut": (NONE_HERE, "nothing answers the connection request"),
    "no-ipv4": ("this machine has no IPv4", "cannot be reached from here"),
    "no-ipv6": ("this machine has no IPv6", "cannot be reached from here", "that our own IPv6 leads there"),
    "not-validating": ("our resolver does not validate",),
    "port-443-refused": (NONE_HERE, "refused"),
    "port-443-shut": (NONE_HERE, "the connection was not answered"),
    "port-465-refused": ("shut at our own end", NONE_HERE),
    "resolver-fails": ("SERVFAIL", *NOBODY_ASKED),
    "resolver-invents-a-mail-host": ("our resolver gives the same A record",),
    "resolver-invents-a-policy-host": ("our resolver gives the same A record",),
    "resolver-invents-a-reverse-name": ("our resolver gives the same A record",),
    "resolver-refuses": ("REFUSED", *NOBODY_ASKED),
    "resolver-silent": ("timed out", *NOBODY_ASKED),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_left_open_says_that_it_lies_at_our_end(name: str) -> None:
    report = diagnosed(worlds.load(FIXTURES / "vantage" / name), load())
    whys = {result.because for result in report.results if result.status is Status.INCONCLUSIVE}
    assert whys
    assert [why for why in whys if not any(words in why for words in REASONS[name])] == []


def test_an_ipv6_only_machine_gets_the_document_for_mail_programs_over_ipv6() -> None:
    report = diagnosed(worlds.load(FIXTURES / "vantage" / "no-ipv4"), load())
    assert "autoconfig" not in {r.area for r in report.results if r.status is Status.INCONCLUSIVE}


def test_our_own_end_is_told_and_lowers_no_grade() -> None:
    report = diagnosed(worlds.load(FIXTURES / "vantage" / "clock-behind"), load())
    assert [finding.id for finding in report.findings] == ["vantage/clock-off"]
    assert report.grade == "A+"
