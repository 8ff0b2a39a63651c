"""Who accepts, who can send, the glance and what stands behind it, on the sandbox's two worlds."""

from __future__ import annotations

import dataclasses
import functools
import re

import anyio
import pytest
import trio.testing
from text_sample import shown

from diag.api import Absent, Report, Target, Unavailable
from diag.run.diagnose import Diagnosis
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import packaged
from reports.quoting import commands
from reports.text.findings import cure


@functools.cache
def judged(name: str) -> Report:
    """A packaged world with every check of ours."""
    world = packaged(name)
    registry = load()

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, Target(world.domain, public=DOCUMENTATION), lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def section(text: str, title: str) -> str:
    """One section, on one line."""
    found = re.search(rf"^{title}[^\n]*\n─+\n(.*?)(?=^[^\n]+\n─+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return " ".join(found[1].split())


@pytest.mark.parametrize("name", ["healthy", "harbour"])
@pytest.mark.parametrize("verbose", [False, True])
def test_lines_fit_but_those_to_be_copied(name: str, verbose: bool) -> None:
    report = judged(name)
    whole = {line for f in report.findings for fix in f.fix for line in cure(fix)[1].splitlines()}
    whole |= {command for finding in report.findings for command in commands(finding.evidence)}
    text = shown(report, verbose=verbose).partition("\nPassed\n")[0]
    assert [line for line in text.splitlines() if len(line) > 80 and line not in whole] == []


def test_the_order_is_that_of_the_page() -> None:
    assert re.findall(r"^(.+)\n─+$", shown(judged("harbour")), re.MULTILINE) == [
        "Do this first",
        "Also found",
        "Who accepts this mail",
        "Who can send as this domain",
        "Whom this domain relies on",
        "At a glance",
        "SPF: 12 of 10 look-ups",
        "Who gets through",
        "Endpoints",
        "Could not be determined",
    ]


def test_a_healthy_domain_needs_one_screen_and_a_half() -> None:
    text = shown(judged("healthy"))
    assert text.count("\n") <= 62
    assert "SPF: " not in text


def test_who_gets_through_is_told_where_somebody_may_not() -> None:
    said = section(shown(judged("harbour")), "Who gets through")
    assert "Senders with IPv4 and IPv6 IPv4 only IPv6 only opportunistic TLS TLS? TLS not known" in said
    assert "421 4.7.0" in said
    assert "Who gets through" not in shown(judged("healthy"))
    asked_for = section(shown(judged("healthy"), verbose=True), "Who gets through")
    assert "DANE authenticated TLS authenticated TLS authenticated TLS" in asked_for


def test_receivers_are_told_with_what_they_answer() -> None:
    said = section(shown(judged("harbour")), "Who accepts this mail")
    assert "They ask of everyone: Gmail Yahoo Outlook.com iCloud Mail" in said
    assert "SPF that can be evaluated ✗ not met ✗ not met ✗ not met ✗ not met" in said
    assert "SPF that can be evaluated: see spf/too-many-lookups (Gmail answers 550 5.7.27" in said
    assert "only a message can show: From aligned with SPF or DKIM" in said
    assert "nobody outside can see: Complaints below 0.3 %" in said
    assert said.startswith(
        "Of everyone who sends, Gmail, Yahoo and Outlook.com ask something that is seen to be lacking."
    )
    everything = section(shown(judged("harbour"), verbose=True), "Who accepts this mail")
    assert "From aligned with SPF or DKIM ○ in mail" in everything


def test_where_no_requirement_could_be_decided_there_is_no_table() -> None:
    report = judged("healthy")
    blind = dataclasses.replace(report, facts=dict.fromkeys(report.facts, Unavailable("silence")), results=())
    assert "Who accepts this mail" not in shown(blind)
    assert "? unknown" in section(shown(blind, verbose=True), "Who accepts this mail")


def test_what_a_stranger_can_do_is_told_kind_by_kind() -> None:
    said = section(shown(judged("harbour")), "Who can send as this domain")
    assert "✓ you@harbour.example is rejected (p=reject)" in said
    assert "✗ you@news.harbour.example is delivered like any other mail (sp=none)" in said
    assert "everyone else fails softly (~all)" in said


def test_the_glance_marks_each_area_by_its_gravest_finding() -> None:
    broken = section(shown(judged("harbour")), "At a glance")
    for line in (
        "SPF ✗ 12 of 10 look-ups; 1 of 2 void ones",
        "DKIM • default: RSA, 1024 bits, short by today's measure",
        "DMARC ! reject; subdomains: none; summaries to harbour@collector.example",
        "Reverse ✗ 2001:db8:20::10: does not lead back; 203.0.113.20: no name; 2 of 4 names lead back",
        "MTA-STS ✗ enforce",
        "TLS-RPT • none",
        "Certificates ✗ mx2.harbour.example ended 1 day ago; 4 good, the first of them ends on 20 Jan 2027 (59 days left)",
    ):
        assert line in broken
    healthy = section(shown(judged("healthy")), "At a glance")
    assert "DANE ✓ authenticated" in healthy
    assert not re.search("[✗!•?]", healthy)


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        (Absent("there is none"), "SPF – none DMARC – none"),
        (Unavailable("nobody answers"), "SPF ? could not be determined: nobody answers DMARC ? could not"),
    ],
    ids=["absent", "unavailable"],
)
def test_none_and_not_known_stay_apart_at_a_glance(unknown: Absent | Unavailable, said: str) -> None:
    report = judged("healthy")
    facts = dict.fromkeys(report.facts, unknown)
    assert said in section(shown(dataclasses.replace(report, facts=facts)), "At a glance")


def test_the_tree_of_spf_shows_every_term_and_its_cost() -> None:
    rows = [line.split() for line in shown(judged("harbour")).splitlines() if "─ " in line]
    assert ["├─", "include:_spf.shop.example", "3"] in rows
    assert ["│", "├─", "include:_a.shop.example", "1"] in rows


def test_all_of_it_is_told_where_it_is_wanted() -> None:
    text = shown(judged("healthy"), verbose=True)
    assert "✓ default: RSA, 2048 bits, usable" in section(text, "DKIM keys")
    assert "p reject. For the domain itself, receivers are asked to reject" in section(
        text, "DMARC, tag by tag"
    )
    assert "adkim not published; r applies." in section(text, "DMARC, tag by tag")
    assert "✓ 198.51.100.10 (mx1.lantern.example): mx1.lantern.example, leads back" in section(
        text, "Reverse names"
    )
    transport = section(text, "Policies for transport")
    assert "| mode: enforce | mx: mx1.lantern.example" in transport
    assert "(DANE-EE SPKI SHA2-256)" in transport
    assert "mx1.lantern.example: 59 days left, 22 Oct 2026 to 20 Jan 2027" in section(text, "Certificates")
    assert "presented by mx1.lantern.example on 25" in section(text, "Certificates")
