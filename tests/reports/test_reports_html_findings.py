"""Findings in the page: what to do, what shows it, what stays open, and every check."""

from __future__ import annotations

import dataclasses
import re

import page_reader
import pytest
import sample

from diag.model.finding import Rfc, Severity, rule
from diag.model.knowing import Cite
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Transcript
from reports.html.page import UNFOLDED


@pytest.fixture
def broken() -> str:
    return sample.text_of("broken")


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
    shown = [e for e in page.all("pre") if "article" in e.within]
    pasted = [e.text for e in shown if e.attributes.get("class") == "paste"]
    assert pasted == [
        '_dmarc.harbour.example. 3600 IN TXT "v=DMARC1; p=reject"',
        'harbour.example. IN TXT "v=spf1 a ~all"',
        'harbour.example. 3600 IN TXT "v=spf1 mx ~all"',
        "smtpd_tls_security_level = may",
    ]
    assert "Remove every SPF record at harbour.example." in cards[0].text
    # What is certain and concerns the whole domain comes before what is likely and concerns one host.
    assert "In Postfix on mx2.harbour.example, mx3.harbour.example:" in cards[2].text
    assert "not certain: seen once, or with two possible causes" in cards[2].text
    assert "likely" not in cards[0].text
    assert "dig +noall +answer TXT harbour.example" in cards[1].text
    assert "RFC 7208 section 4.6.4" in cards[1].text
    assert "sample/tree-too-large" in cards[1].text
    (minor,) = [e for e in page.all("summary") if "smaller" in e.text]
    assert minor.text.startswith("1 smaller matter")


def test_a_setting_for_several_hosts_is_said_once(broken: str) -> None:
    pasted = [e.text for e in page_reader.read(broken).all("pre") if "article" in e.within]
    assert pasted.count("smtpd_tls_security_level = may") == 1


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


def test_every_dialogue_is_there_and_folded(broken: str) -> None:
    page = page_reader.read(broken)
    talks = [probe for probe in sample.broken().evidence if isinstance(probe, SmtpTalk)]
    folded = [e for e in page.all("details") if re.match(r"d\d+\Z", e.attributes.get("id", ""))]
    assert len(folded) >= len(talks)
    assert not [e for e in folded if "open" in e.attributes]


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


def _kind(number: int) -> type[sample.TreeTooLarge]:
    """A rule of its own."""

    class Kind(sample.TreeTooLarge):
        __doc__ = sample.TreeTooLarge.__doc__

    return rule(f"sample/kind-{number}", Severity.ERROR, Rfc(7208, "4.6.4"), since="1.0")(Kind)


def test_after_the_first_fixes_only_titles_stand_open_and_links_still_lead_there() -> None:
    base = sample.broken()
    asked = next(probe for probe in base.evidence if str(probe) == f"TXT {base.target.domain}")
    found = [
        _kind(at)(subject=base.target.domain, lookups=11, evidence=(Cite(asked),))
        for at in range(UNFOLDED + 2)
    ]
    page = sample.page_of(dataclasses.replace(base, results=(sample.failed(*found),)))
    cards = page.all("article")
    assert len(cards) == UNFOLDED + 2
    folded = [card for card in cards if "fold" in card.attributes["class"].split()]
    assert folded == cards[UNFOLDED:]
    titles = [e for e in page.all("h3") if "summary" in e.within]
    assert len(titles) == 2
    (back,) = [e for e in page.all("a") if "mark" in e.within and e.text == f"sample/kind-{UNFOLDED}"]
    target = page.by_id(back.attributes["href"][1:])
    assert "details" in target.within, "following the link opens the fold"
    assert "RFC 7208 section 4.6.4" in target.text


def test_every_line_that_a_finding_cites_is_marked_and_linked_from_it() -> None:
    base = sample.broken()
    talk, transcript = sample.talk_to(base, "mx2.harbour.example")
    last = len(transcript.events) - 1
    cites = (*(Cite(talk, at) for at in range(8)), Cite(talk))
    found = sample.LineSaid(subject="mx2", said="much", evidence=cites)
    page = sample.page_of(dataclasses.replace(base, results=(sample.failed(found),)))
    marked = {e.attributes["id"] for e in page.all("mark")}
    name = next(iter(marked)).rpartition("-")[0]
    assert marked == {f"{name}-{at}" for at in (*range(8), last)}, (
        "a dialogue as a whole is marked where it ended"
    )
    linked = {e.attributes["href"][1:] for e in page.all("a") if "article" in e.within}
    assert marked <= linked


def test_ports_that_nobody_answers_on_are_folded_together() -> None:
    base = sample.healthy()
    gone = [SmtpTalk("203.0.113.9", port, "mx.example", "me") for port in (25, 465, 587)]
    refused = Transcript((Closed(1, Ending.REFUSED, ""),))
    cited = sample.LineSaid(subject="mx", said="nothing", evidence=(Cite(gone[0]),))
    report = dataclasses.replace(base, evidence=dict.fromkeys(gone, refused), results=(sample.failed(cited),))
    page = sample.page_of(report)
    (fold,) = [e for e in page.all("details") if "where no connection came about" in e.text]
    assert "2 ports" in fold.text
    assert ":465" in fold.text
    assert ":25" not in fold.text, "what a finding cites stands by itself"
