"""The DMARC walk as shown, the policy for each kind of name, and where receivers of RFC 7489 differ."""

from __future__ import annotations

import dataclasses

import pytest
from test_reports_receivers import judged
from text_sample import shown

from diag.api import Report
from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy
from diag.records.dmarc import DmarcRecord, Kind
from reports.dmarc import View, view
from reports.html import html
from reports.words import who_can_send


def seen(world: str) -> View:
    found = view(judged(world))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("world", "stops"),
    [
        (
            "dmarc/inherits-from-the-top.zone",
            [
                ("_dmarc.a.news.lantern.example", "no record", ()),
                ("_dmarc.news.lantern.example", "a record", ()),
                ("_dmarc.lantern.example", "a record",
                 ("the policy comes from here", "the Organizational Domain")),
                ("_dmarc.example", "no record", ()),
            ],
        ),
        (
            "dmarc/psd-no.zone",
            [("_dmarc.lantern.example", "a record",
              ("the policy comes from here", "the Organizational Domain", "psd=n ends the walk"))],
        ),
        (
            "dmarc/multiple-records.zone",
            [("_dmarc.lantern.example", "2 records: all are discarded", ("the Organizational Domain",)),
             ("_dmarc.example", "no record", ())],
        ),
        (
            "dmarc/look-up-above-fails.zone",
            [("_dmarc.lantern.example", "a record", ("the policy comes from here",)),
             ("_dmarc.example", "could not be looked up: TXT _dmarc.example: SERVFAIL from zone", ())],
        ),
    ],
)  # fmt: skip
def test_each_name_asked_is_told_with_what_it_had(
    world: str, stops: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert [(stop.name, stop.shown.word, stop.marks) for stop in seen(world).stops] == stops


@pytest.mark.parametrize(
    ("world", "fates", "differing"),
    [
        ("healthy", [("reject (p)", ""), ("reject (sp)", ""), ("reject (np)", "")], ""),
        ("dmarc/missing.zone", [], ""),
        ("dmarc/nonexistent-stronger.zone",
         [("quarantine (p)", ""), ("quarantine (p)", ""), ("reject (np)", "quarantine")],
         "They do not know np"),
        ("dmarc/pct-read-two-ways.zone", [("quarantine (p)", "quarantine, for 25 % of it")] * 3,
         "They obey pct=25"),
        ("dmarc/testing.zone", [("quarantine (p, lowered by t=y)", "reject")] * 3, "They do not know t=y"),
        ("dmarc/look-up-above-fails.zone",
         [("reject (p)", ""), ("could not be determined", ""), ("could not be determined", "")], ""),
    ],
)  # fmt: skip
def test_the_outcome_and_where_the_older_standard_differs(
    world: str, fates: list[tuple[str, str]], differing: str
) -> None:
    found = seen(world)
    assert [(fate.policy, fate.before) for fate in found.fates] == fates
    assert " ".join(found.differing).startswith(differing)
    assert bool(found.differing) == bool(differing)


def test_the_suffix_list_leads_older_receivers_elsewhere() -> None:
    found = seen("dmarc/walk-differs-from-psl.zone")
    assert any(fate.before for fate in found.fates)
    assert found.differing[0].startswith("By the Public Suffix List they take ")


def with_walk(texts: dict[str, str]) -> Report:
    """The domain below another one, with these records."""
    report = judged("dmarc/inherits-from-the-top.zone")
    walk, policy = report.fact(DmarcDiscovery), report.fact(DmarcPolicy)
    steps = tuple(
        dataclasses.replace(step, record=DmarcRecord.parse(texts[step.name]) if step.name in texts else None)
        for step in walk.steps
    )
    own = steps[0].name
    facts = {
        **report.facts,
        DmarcDiscovery: dataclasses.replace(walk, steps=steps),
        DmarcPolicy: dataclasses.replace(
            policy, found_at=own, record=DmarcRecord.parse(texts[own]), kind=Kind.DOMAIN
        ),
    }
    return dataclasses.replace(report, facts=facts)


def test_names_below_follow_the_organizational_domain_and_not_the_record_between() -> None:
    report = with_walk(
        {
            "a.news.lantern.example": "v=DMARC1; p=reject",
            "lantern.example": "v=DMARC1; p=quarantine; sp=none",
        }
    )
    found = view(report)
    assert found is not None
    assert [fate.policy for fate in found.fates] == ["reject (p)", "none (sp)", "none (sp)"]
    own, below, _ = who_can_send(report)
    assert (own.because, below.because) == ("p=reject", "sp=none, published at lantern.example")


def test_page_and_terminal_show_the_walk() -> None:
    report = judged("dmarc/nonexistent-stronger.zone")
    page = html.function(report)
    assert '<ol class="walk">' in page
    assert "Receivers of RFC 7489" in page
    text = " ".join(shown(report).split())
    assert "DMARC: how it is found" in text
    assert "names below it that do not exist reject (np) quarantine" in text
    assert "DMARC: how it is found" not in shown(judged("healthy"))
    assert "DMARC: how it is found" in shown(judged("healthy"), verbose=True)


def test_without_a_record_the_walk_alone_is_shown() -> None:
    page = html.function(judged("dmarc/missing.zone"))
    assert '<ol class="walk">' in page
    assert "Tag by tag" not in page
