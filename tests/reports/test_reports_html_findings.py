"""Findings in the page: what to do, what shows it, what stays open, and every check."""

from __future__ import annotations

import dataclasses
import re

import page_reader
import sample

from diag.probes.talks import SmtpTalk


def test_a_requirement_that_is_not_met_leads_to_its_fix() -> None:
    base = sample.broken()
    found = sample.SpfTooDeep(subject=base.target.domain, lookups=12)
    page = sample.page_of(dataclasses.replace(base, results=(sample.failed(found),)))
    links = [e for e in page.all("a") if "table" in e.within and e.text == "spf/too-many-lookups"]
    assert page.by_id(links[0].attributes["href"][1:]).name == "article"


def test_fixes_come_by_consequence_with_what_to_paste_and_how_to_see_it(broken: str) -> None:
    page = page_reader.read(broken)
    cards = page.all("article")
    tags = [card.text.strip().split("\n")[0] for card in cards]
    assert [re.search(r"Critical|Error|Warning|Notice", tag)[0] for tag in tags] == [  # type: ignore[index]
        "Critical",
        "Error",
        "Error",
        "Notice",
    ]
    pasted = [e.text for e in page.all("pre") if e.attributes.get("class") == "paste"]
    assert pasted == [
        '_dmarc.harbour.example. 3600 IN TXT "v=DMARC1; p=reject"',
        'harbour.example. IN TXT "v=spf1 a ~all"',
        'harbour.example. 3600 IN TXT "v=spf1 mx ~all"',
        "smtpd_tls_security_level = may",
    ]
    assert "Remove every SPF record at harbour.example." in cards[0].text
    # What is certain and concerns the whole domain comes before what is likely and concerns one host.
    assert "In Postfix on mx2.harbour.example, mx3.harbour.example:" in cards[2].text
    assert "likely: seen once, or with two possible causes" in cards[2].text
    assert "likely" not in cards[0].text
    assert "dig +noall +answer TXT harbour.example" in cards[1].text
    assert "RFC 7208 section 4.6.4" in cards[1].text
    assert "sample/tree-too-large" in cards[1].text
    (minor,) = [e for e in page.all("summary") if "smaller" in e.text]
    assert minor.text.startswith("1 smaller matter")


def test_a_setting_for_several_hosts_is_said_once(broken: str) -> None:
    assert broken.count("smtpd_tls_security_level = may") == 1


def test_lines_that_findings_cite_are_marked_and_linked_both_ways(broken: str) -> None:
    page = page_reader.read(broken)
    card = next(e for e in page.all("article") if "A host says what it should not" in e.text)
    links = [e for e in page.all("a") if "line" in e.text and "dialogue with mx3" in e.text]
    marked = page.by_id(links[0].attributes["href"][1:])
    assert marked.name == "mark"
    assert "mx3.harbour.example" in marked.text
    assert "sample/line-said" in marked.text
    back = [e for e in page.all("a") if "mark" in e.within and e.text == "sample/line-said"]
    assert back[0].attributes["href"] == f"#{card.attributes['id']}"
    asked = next(e for e in page.all("a") if e.text == "the answer to TXT harbour.example")
    answer = page.by_id(asked.attributes["href"][1:])
    assert answer.name == "mark"
    assert "v=spf1" in answer.text


def test_every_dialogue_is_there_and_folded_unless_an_error_cites_it(broken: str) -> None:
    page = page_reader.read(broken)
    talks = [probe for probe in sample.broken().evidence if isinstance(probe, SmtpTalk)]
    folded = [e for e in page.all("details") if re.match(r"d\d+\Z", e.attributes.get("id", ""))]
    assert len(folded) >= len(talks)
    assert sum("open" in e.attributes for e in folded) == 2


def test_what_could_not_be_determined_is_said_with_its_reason_and_line(broken: str) -> None:
    page = page_reader.read(broken)
    (reasons,) = [e for e in page.all("ul") if e.attributes.get("class") == "reasons"]
    assert "it says 421: too many connections" in reasons.text
    assert "A check of ours crashed: it failed: <KeyError>" in reasons.text
    marks = [e for e in page.all("mark") if "421 4.7.0" in e.text]
    assert marks
    assert "leaves checks open" in marks[0].text


def test_every_check_is_listed_with_its_status(broken: str) -> None:
    page = page_reader.read(broken)
    rows = [e.text for e in page.all("tr") if "details" in e.within and "section" in e.within]
    results = sample.broken().results
    body = [row for row in rows if not row.startswith("Claim")]
    assert len(body) == len(results)
    for word in ("passed", "failed", "undetermined", "crashed", "not applicable"):
        assert any(word in row for row in body)
