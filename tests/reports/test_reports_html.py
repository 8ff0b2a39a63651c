"""The page as a whole: well-formed, self-contained, in order, made for screen readers, calm where all is well."""

from __future__ import annotations

import dataclasses
import itertools
import re

import page_reader
import pytest
import sample

from diag.model.finding import Severity
from diag.model.knowing import Absent, Unavailable

ORDER = [
    "first",
    "receivers",
    "sending",
    "chain",
    "route",
    "delivery",
    "endpoints",
    "tls",
    "spf",
    "dkim",
    "dmarc",
    "reverse",
    "transport",
    "certificates",
    "dialogues",
    "open",
    "checks",
]


@pytest.fixture
def broken() -> str:
    return sample.text_of("broken")


@pytest.fixture
def healthy() -> str:
    return sample.text_of("healthy")


@pytest.fixture(params=["broken", "healthy", "bare"])
def text(request: pytest.FixtureRequest) -> str:
    return sample.text_of(str(request.param))


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = page_reader.read(text)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use")
    assert not [e for e in page.elements if {"src", "srcset", "style", "xlink:href"} & e.attributes.keys()]
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    policy = next(e for e in page.all("meta") if "http-equiv" in e.attributes).attributes["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert not [e for e in page.elements if e.name != "a" and "href" in e.attributes]
    for link in page.all("a"):
        assert re.match(r"#[a-z0-9-]+\Z|https://", link.attributes["href"])


def test_ids_are_unique_and_every_link_within_the_page_arrives(text: str) -> None:
    page = page_reader.read(text)
    assert len(page.ids) == len(set(page.ids))
    wanted = {
        part
        for element in page.elements
        for name in ("href", "aria-labelledby", "aria-describedby")
        if name != "href" or element.attributes.get("href", "").startswith("#")
        for part in element.attributes.get(name, "").lstrip("#").split()
    }
    assert wanted
    assert wanted <= set(page.ids)


def test_headings_landmarks_and_tables_are_made_for_screen_readers(text: str) -> None:
    page = page_reader.read(text)
    levels = [int(e.name[1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    (skip,) = [e for e in page.all("a") if e.attributes.get("class") == "skip"]
    assert skip.attributes["href"] == "#main"
    assert all(e.attributes.get("scope") in ("col", "row", "rowgroup") for e in page.all("th"))
    for svg in page.all("svg"):
        # What an image holds is hidden from a screen reader, so that links must not stand in one.
        linked = any("svg" in e.within and svg.begin <= e.begin < svg.end for e in page.all("a"))
        assert svg.attributes["role"] == ("group" if linked else "img")
        assert page.by_id(svg.attributes["aria-labelledby"]).text.strip()
    scrolled = [e for e in page.elements if "scroll" in e.attributes.get("class", "").split()]
    assert all(
        e.attributes.get("tabindex") == "0"
        and e.attributes.get("role") == "region"
        and (e.attributes.get("aria-label") or e.attributes.get("aria-labelledby"))
        for e in scrolled
    )
    assert page.all("html")[0].attributes["lang"] == "en"
    assert "javascript" not in text.lower()


def test_a_state_is_told_by_symbol_and_word_not_by_colour_alone(broken: str) -> None:
    states = [e for e in page_reader.read(broken).all("span") if "s" in e.attributes.get("class", "").split()]
    assert states
    for state in states:
        assert re.search(r"[✓✗!•i?–○]", state.text)
        assert re.search(r"\w{2}", state.text)


def test_sections_come_in_their_order_and_the_navigation_follows(broken: str) -> None:
    page = page_reader.read(broken)
    assert [e.attributes["id"] for e in page.all("h2")] == ORDER
    nav = [e.attributes["href"][1:] for e in page.all("a") if "nav" in e.within]
    assert nav == ORDER


def test_sections_without_facts_are_left_out() -> None:
    bare = dataclasses.replace(
        sample.healthy(), facts={}, evidence={}, results=(sample.passed("x.example", "zone"),)
    )
    page = sample.page_of(bare)
    assert [e.attributes["id"] for e in page.all("h2")] == ["first", "checks"]


@pytest.mark.parametrize("unknown", [Absent("there is none"), Unavailable("nobody answered")], ids=type)
def test_facts_that_are_not_values_leave_no_empty_section(unknown: Absent | Unavailable) -> None:
    report = dataclasses.replace(sample.healthy(), facts=dict.fromkeys(sample.healthy().facts, unknown))
    page = sample.page_of(report)
    shown = [e.attributes["id"] for e in page.all("h2")]
    assert not {"route", "spf", "dkim", "dmarc"} & set(shown)
    for section in page.all("section"):
        assert len(section.text.split()) > 5


def test_an_internationalised_domain_is_named_in_both_forms() -> None:
    report = sample.healthy()
    target = dataclasses.replace(report.target, domain="xn--bcher-kva.example")
    (title,) = sample.page_of(dataclasses.replace(report, target=target)).all("h1")
    assert title.text == "bücher.example (xn--bcher-kva.example)"


def test_the_head_says_verdict_grade_and_figures(broken: str) -> None:
    page = page_reader.read(broken)
    head = page.all("header")[0].text
    assert "Anybody can write as harbour.example, and 4 lesser findings." in head
    assert "F: the worst finding decides, and it is critical (sample/stranger-may-write)." in head
    for figure in ("1 critical", "3 errors", "1 notice", "1 could not be determined", "1 crashed"):
        assert figure in head
    assert "21 Nov 2026 09:00 UTC" in head
    assert "seen from 192.0.2.1 and 2001:db8::1" in head
    assert re.search(r"\d+ questions, \d+ connections to \d+ hosts.*, 2\.1 s", head)
    (grade,) = [e for e in page.all("div") if e.attributes.get("aria-label", "").startswith("Grade")]
    assert (grade.text, grade.attributes["aria-label"]) == ("F", "Grade F")


def test_a_healthy_report_is_calm_and_short(healthy: str) -> None:
    page = page_reader.read(healthy)
    assert "There is nothing to do." in page.all("main")[0].text
    assert not page.all("article", "mark")
    assert not [e for e in page.all("details") if "open" in e.attributes]
    # The legend of the receiver table apart, nothing is shown in the colours of trouble.
    assert not re.search(r'class="(?:s|m|t|bar) (?:crit|err|warn)\b', healthy)
    assert "open" not in [e.attributes["id"] for e in page.all("h2")]
    assert len(healthy) < 200_000


def test_partial_and_proposed_reports_say_so_on_top() -> None:
    report = dataclasses.replace(sample.healthy(), partial="you pressed Ctrl-C", proposed="new.zone")
    head = sample.page_of(report).all("header")[0].text
    assert "Partial report. The run ended early: you pressed Ctrl-C." in head
    assert "Proposed, not published." in head
    assert "new.zone" in head
    plain = sample.page_of(sample.healthy()).all("header")[0].text
    assert "Partial" not in plain
    assert "Proposed" not in plain


def test_a_question_mark_in_the_grade_is_explained() -> None:
    report = sample.healthy()
    open_one = sample.undecided("mx1", "it is silent", could=Severity.ERROR)
    page = sample.page_of(dataclasses.replace(report, results=(*report.results, open_one)))
    assert (
        "A+?: no finding of severity notice or worse; the question mark: what 1 undecided check may hide"
        in (page.all("header")[0].text)
    )
