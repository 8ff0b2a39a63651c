"""The matrix of endpoints in the text report."""

from __future__ import annotations

import re

import pytest
from text_sample import OPENED, Says, made, said, shown, talk

from diag.api import (
    Cite,
    Result,
    Status,
)
from diag.facts.mx import MailExchange, Routing
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.transcript import Ending, Said, Secured, Transcript, Who
from reports.text.hosts import state

TLS13 = Secured(2, Handshake("TLSv1.3", "X"), b"")
EHLO = Said(2, Who.US, b"EHLO me\r\n", False)
STATES = {
    "1.3": talk(OPENED, said(b"220 x\r\n"), TLS13),
    "text": talk(OPENED, said(b"220 x\r\n"), EHLO, said(b"250 x\r\n")),
    "half": talk(OPENED, said(b"220 x\r\n"), EHLO, said(b"250-x\r\n")),
    "554": talk(OPENED, said(b"554 5.7.1 no\r\n")),
    "tls!": talk(OPENED, said(b"220 x\r\n"), Secured(2, TlsFailure(TlsTrouble.ALERT), b"")),
    "-": talk(how=Ending.REFUSED),
    "none": talk(how=Ending.FILTERED),
    "away": talk(how=Ending.UNREACHABLE),
    "fail": talk(how=Ending.FAILED),
    "mute": talk(OPENED, how=Ending.SILENT),
    "cut": talk(OPENED, how=Ending.BY_PEER),
    "421": talk(OPENED, said(b"421 4.7.0 later\r\n")),
}


@pytest.mark.parametrize(("word", "transcript"), STATES.items(), ids=STATES.keys())
def test_every_way_an_endpoint_can_answer_has_its_word(word: str, transcript: Transcript) -> None:
    assert state(SmtpTalk("192.0.2.1", 25, "mx", "me"), transcript) == word
    assert len(word) <= 4


def test_the_matrix_has_a_row_an_address_and_a_column_a_port() -> None:
    def at(address: str, port: int) -> SmtpTalk:
        return SmtpTalk(address, port, "mx.a.example", "me")

    evidence = {
        at("192.0.2.1", 587): STATES["text"],
        at("192.0.2.1", 25): STATES["1.3"],
        at("192.0.2.2", 25): STATES["421"],
    }
    text = shown(made(evidence=evidence, results=(), waived=()))
    rows = [line.split() for line in text[text.index("Endpoints") :].splitlines()[2:6]]
    assert rows == [["25", "587"], ["mx.a.example"], ["192.0.2.1", "✓", "1.3", "text"], ["192.0.2.2", "421"]]
    assert "421 sent away with it" in text


def test_marks_tell_where_findings_are_and_what_is_left_open() -> None:
    def at(port: int) -> SmtpTalk:
        return SmtpTalk("192.0.2.1", port, "mx.a.example", "me")

    report = made(
        evidence={
            at(25): STATES["1.3"],
            at(587): STATES["421"],
            at(465): STATES["1.3"],
            at(2525): STATES["-"],
        },
        results=(
            Result(
                "c",
                "It is quiet",
                "test",
                "mx.a.example",
                Status.FAILED,
                (Says(subject="mx.a.example", words="x", evidence=(Cite(at(25), 1),)),),
            ),
            Result(
                "d", "It is open", "test", "mx.a.example", Status.INCONCLUSIVE, evidence=(Cite(at(587), 1),)
            ),
        ),
    )
    text = shown(report)
    row = next(line for line in text.splitlines() if line.startswith("  192.0.2.1"))
    assert row.split() == ["192.0.2.1", "✗", "1.3", "?", "421", "✓", "1.3", "-"]
    assert "✗ an error is found there; ? left open; - closed" in " ".join(text.split())


def test_mx_hosts_come_by_preference_before_all_others() -> None:
    exchanges = (MailExchange(10, "z.example"), MailExchange(20, "b.example"))
    evidence = {
        SmtpTalk("192.0.2.1", 25, name, "me"): STATES["1.3"]
        for name in ("a.example", "b.example", "z.example")
    }
    text = shown(
        made(evidence=evidence, results=(), facts={Routing: Routing("example", exchanges, False, False, ())})
    )
    part = text[text.index("Endpoints") :]
    assert re.findall(r"^[abz]\.example$", part, re.MULTILINE) == ["z.example", "b.example", "a.example"]
