"""The matrix of the page: what a cell is marked with, what it leads to, and how many addresses share a line."""

from __future__ import annotations

import dataclasses
import re

import page_reader
import pytest
import sample
from page_reader import Element, Page

from diag.facts.matrix import Cell, Matrix
from diag.model.finding import Severity
from diag.model.knowing import Cite
from diag.model.report import Report
from diag.model.target import Endpoint
from diag.probes.talks import SmtpTalk
from diag.wire.reading import read_smtp
from diag.wire.transcript import Closed, Ending, Opened, Said, Transcript, Who, render_event


@pytest.fixture
def broken() -> Page:
    return page_reader.read(sample.text_of("broken"))


def cells(page: Page) -> list[Element]:
    """The cells of the matrix in which something was tried."""
    found = [e for e in page.all("td") if "m" in e.attributes.get("class", "").split()]
    return [e for e in found if "none" not in e.attributes["class"].split()]


def leads_to(page: Page, cell: Element) -> Element:
    """What a cell leads to."""
    (link,) = [e for e in page.all("a") if cell.begin <= e.begin < cell.end and "td" in e.within]
    return page.by_id(link.attributes["href"][1:])


def test_a_red_cell_leads_to_the_sentence_the_line_and_the_fix(broken: Page) -> None:
    (cell,) = [e for e in cells(broken) if e.text.endswith("line said") and "err" in e.attributes["class"]][
        :1
    ]
    told = leads_to(broken, cell)
    assert "spot" in told.attributes["class"].split()
    assert "says something." in told.text
    inside = [e for e in broken.elements if told.begin <= e.begin < told.end]
    lines = [e.text for e in inside if e.attributes.get("class") == "hit"]
    assert lines
    pasted = [e.text for e in inside if e.attributes.get("class") == "paste"]
    assert pasted == ["smtpd_tls_security_level = may"]
    links = {e.attributes["href"][1:]: e.text for e in inside if e.name == "a"}
    (line,) = [at for at, text in links.items() if text.startswith("line ")]
    assert broken.by_id(line).text.startswith(lines[0])
    assert any(text == "Why it matters" for text in links.values())
    assert links["endpoints"] == "back to the matrix"


def test_beside_a_line_stands_the_command_that_it_answers() -> None:
    base = sample.broken()
    heard = [(probe, seen) for probe, seen in base.evidence.items() if isinstance(probe, SmtpTalk)]
    talk, transcript, rcpt = next(
        (probe, seen, step)
        for probe, seen in heard
        if isinstance(seen, Transcript)
        for step in read_smtp(seen).rcpts
    )
    assert rcpt.last is not None
    assert rcpt.last - rcpt.asked > 2, "sent together with others"
    found = sample.LineSaid(subject="mx1", said="no", evidence=(Cite(talk, rcpt.last),))
    page = sample.page_of(dataclasses.replace(base, results=(sample.failed(found),)))
    (excerpt,) = [e.text for e in page.all("pre") if render_event(transcript.events[rcpt.last]) in e.text][:1]
    assert excerpt.lstrip().startswith(render_event(transcript.events[rcpt.asked]).lstrip())


def test_a_cell_left_open_leads_to_the_reason_and_its_line(broken: Page) -> None:
    (cell,) = [e for e in cells(broken) if e.text.endswith("421")]
    assert "unk" in cell.attributes["class"].split()
    told = leads_to(broken, cell)
    assert "it says 421: too many connections" in told.text
    assert "leaves 1 check open" in told.text
    assert "421 4.7.0 mx1.harbour.example" in told.text


def test_every_cell_leads_somewhere_and_every_mark_stands_in_the_legend(broken: Page) -> None:
    for cell in cells(broken):
        leads_to(broken, cell)
    marks = {re.split(r"\s", cell.text.strip())[0][:1] for cell in cells(broken)} & set("✗!•?✓")
    (caption,) = [e for e in broken.all("caption") if "Every host, address and port" in e.text]
    assert marks
    assert all(mark in caption.text for mark in marks)
    assert set("✗!•?✓") & set(caption.text) == marks


def test_what_was_seen_at_an_endpoint_is_told_though_nothing_is_wrong() -> None:
    page = page_reader.read(sample.text_of("healthy"))
    (cell, *_) = [e for e in cells(page) if e.attributes.get("data-h") == "25" and "TLS 1.3" in e.text]
    told = " ".join(leads_to(page, cell).text.split())
    for said in (
        "Greeting",
        "TLS 1.3, X25519MLKEM768",
        "mx1.lantern.example, until 2027-01-20",
        "52428800 octets",
    ):
        assert said in told
    assert "the dialogue at 198.51.100.10" in told


def many(addresses: int) -> Report:
    """A host with as many addresses, all alike but the last, which turns us away."""
    evidence = {}
    for number in range(1, addresses + 1):
        line = b"421 later\r\n" if number == addresses else b"220 mx.example ESMTP\r\n"
        events = (Opened(1, "x", 25), Said(2, Who.PEER, line, False), Closed(3, Ending.BY_US, ""))
        evidence[SmtpTalk(f"192.0.2.{number}", 25, "mx.example", "me")] = Transcript(events)
    return dataclasses.replace(sample.healthy(), facts={}, evidence=evidence, results=())


@pytest.mark.parametrize(("addresses", "lines"), [(3, 3), (4, 4), (5, 2), (40, 2)])
def test_many_addresses_that_look_the_same_share_a_line(addresses: int, lines: int) -> None:
    page = sample.page_of(many(addresses))
    assert len(cells(page)) == lines
    at = [e.text for e in page.all("td") if "at" in e.attributes.get("class", "").split()]
    assert ("and 37 more, the same" in at[0]) == (addresses == 40)
    told = leads_to(page, cells(page)[0]).text
    assert ("192.0.2.2" in told) == (lines == 2)
    assert at[-1].endswith(f"192.0.2.{addresses}")
    assert "421" in cells(page)[-1].text


def test_what_was_not_tried_says_why() -> None:
    tried = SmtpTalk("192.0.2.1", 25, "mx.example", "me")
    shut = Cell(
        endpoint=Endpoint("mx.example", "2001:db8::1", 25),
        service="smtp",
        preference=10,
        because="this machine has no IPv6",
    )
    report = dataclasses.replace(
        many(1),
        facts={Matrix: Matrix((shut,))},
        evidence={tried: Transcript((Closed(1, Ending.REFUSED, ""),))},
    )
    page = sample.page_of(report)
    here, there = cells(page)
    assert here.text.strip() == "closed"
    assert there.text.split() == ["?", "not", "tried"]
    assert "this machine has no IPv6" in leads_to(page, there).text


def test_the_gravest_finding_of_an_endpoint_gives_its_cell_the_mark() -> None:
    base = sample.seen("harbour")
    talk, _ = sample.talk_to(base, "mx2.harbour.example")
    subject = str(Endpoint(talk.host, talk.address, talk.port))
    small = sample.Small(subject=subject, evidence=(Cite(talk, 1),))
    grave = sample.StrangerMayWrite(subject=subject)  # which names it and cites nothing
    for found, css in (((small,), "note"), ((small, grave), "crit")):
        page = sample.page_of(sample.with_results(base, *(sample.failed(each) for each in found)))
        (cell,) = [e for e in cells(page) if css in e.attributes["class"].split()]
        assert sample.Small.severity is Severity.NOTICE
        assert leads_to(page, cell).text.count("Notice") == 1
