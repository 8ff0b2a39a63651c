"""What receivers ask of everyone and of bulk senders, on a domain without DMARC and on the packaged worlds."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import anyio
import jsonschema
import pytest
import trio.testing
from text_sample import shown

from diag.api import Report, Severity, Target, Unavailable
from diag.facts import receivers as known
from diag.facts.spf import SpfEvaluation
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import World, load as load_world, packaged
from reports.html import html
from reports.json import json as as_json
from reports.receivers import Asked, Audience, State, accepted, receiver_table

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


@functools.cache
def judged(world: str, as_bulk_sender: bool = False, **severities: Severity) -> Report:
    """A world judged; severities by rule as the profile would have them."""
    found: World = packaged(world) if "/" not in world else load_world(FIXTURES / world)
    registry = load()

    async def run() -> Report:
        async with in_memory(found, registry.performers) as lab:
            target = Target(found.domain, public=DOCUMENTATION)
            options = Options(
                as_bulk_sender=as_bulk_sender,
                severities={rule.replace("__", "/").replace("_", "-"): s for rule, s in severities.items()},
            )
            return await Diagnosis(registry, target, lab, options).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


WITHOUT_DMARC = "dmarc/missing.zone"


def test_every_entry_names_a_page_and_every_rule_exists() -> None:
    rules = load().rules
    table = known.table()
    for requirement in table.requirements:
        assert [rule for rule in requirement.broken_by if rule not in rules] == []
        asks = [wish for wish in requirement.wishes.values() if {wish.everyone, wish.bulk} != {Asked.NOT}]
        assert asks
        assert all(wish.source is not None and wish.source.page.url.startswith("https://") for wish in asks)
        assert bool(requirement.broken_by) <= (requirement.seen_in is known.SeenIn.DNS)


def test_no_rule_is_turned_down() -> None:
    rules = load().rules.values()
    assert [rule.id for rule in rules if known.turned_up(rule) < rule.severity] == []
    assert {rule.id for rule in rules if known.turned_up(rule) > rule.severity} >= {"dmarc/missing"}


def test_a_domain_without_dmarc_may_write_but_not_in_bulk() -> None:
    table = receiver_table(judged(WITHOUT_DMARC))
    assert table is not None
    assert table.against(Audience.EVERYONE) == ()
    assert [receiver.id for receiver in table.against(Audience.BULK)] == [
        "gmail",
        "yahoo",
        "outlook",
        "icloud",
    ]
    assert accepted(table) == (
        "Of what is asked of everyone who sends, nothing is seen to be lacking. Of bulk senders, Gmail, Yahoo, "
        "Outlook.com and iCloud Mail ask something that is seen to be lacking."
    )
    (dmarc,) = [row for row in table.rows if row.requirement.id == "dmarc"]
    assert [cell.asked for cell in dmarc.cells[Audience.EVERYONE]] == [*[Asked.ADVISED] * 3, Asked.NOT]
    assert {cell.reply for cell in dmarc.cells[Audience.EVERYONE]} == {""}
    assert [cell.reply for cell in dmarc.cells[Audience.BULK]] == ["550 5.7.40", "", "550 5.7.515", ""]


def test_as_a_bulk_sender_the_same_finding_weighs_more_and_the_grade_follows() -> None:
    everyone, bulk = judged(WITHOUT_DMARC), judged(WITHOUT_DMARC, as_bulk_sender=True)
    assert [f.id for f in everyone.findings] == [f.id for f in bulk.findings] == ["dmarc/missing"]
    assert (everyone.grade, bulk.grade) == ("C", "F")
    assert "550 5.7.40" not in shown(everyone).partition("Who accepts")[0]
    text = shown(bulk)
    assert "critical: " in text
    assert "Of bulk mail: Gmail answers 550 5.7.40, Outlook.com answers 550 5.7.515" in " ".join(text.split())
    assert "Judged as a bulk sender" in " ".join(text.split())
    page = html.function(bulk)
    assert "<b>Of bulk mail:</b> Gmail answers 550 5.7.40" in page
    assert "Judged as a bulk sender" in page


def test_a_healthy_domain_stays_healthy_as_a_bulk_sender() -> None:
    report = judged("healthy", as_bulk_sender=True)
    assert (report.findings, report.grade) == ((), "A+")
    table = receiver_table(report)
    assert table is not None
    assert not table.against(Audience.BULK)


def test_the_profile_has_the_last_word_on_a_rule() -> None:
    report = judged(WITHOUT_DMARC, as_bulk_sender=True, dmarc__missing=Severity.NOTICE)
    assert report.grade == "A"


def test_what_is_undecided_may_hide_what_weighs_more_for_bulk_senders() -> None:
    world = "vantage/resolver-silent.zone"
    could = {
        as_bulk: {result.check: result.could for result in judged(world, as_bulk).results}
        for as_bulk in (False, True)
    }
    raised = {check for check, severity in could[True].items() if severity != could[False][check]}
    assert raised
    assert all((could[True][check] or 0) > (could[False][check] or 0) for check in raised)


def test_spf_or_dkim_is_met_by_either() -> None:
    report = judged("healthy")
    no_spf = dataclasses.replace(report, facts={**report.facts, SpfEvaluation: Unavailable("silence")})
    table = receiver_table(no_spf)
    assert table is not None
    states = {row.requirement.id: row.state for row in table.rows}
    assert (states["spf"], states["dkim"], states["spf-or-dkim"]) == (
        State.UNDETERMINED, State.MET, State.MET,
    )  # fmt: skip


@pytest.mark.parametrize("world", ["healthy", "harbour", WITHOUT_DMARC])
def test_json_tells_it_as_the_schema_says(world: str) -> None:
    told = json.loads(as_json.function(judged(world, as_bulk_sender=True)))
    jsonschema.Draft202012Validator(SCHEMA).validate(told)
    assert told["as_bulk_sender"] is True
    states = {each["id"]: each["state"] for each in told["receivers"]["requirements"]}
    assert states["dmarc"] == ("not-met" if world == WITHOUT_DMARC else "met")
    assert (states["one-click"], states["complaints"]) == ("message", "nobody")
    answers = {f["rule"]: f["answers"] for result in told["results"] for f in result["findings"]}
    if world == WITHOUT_DMARC:
        assert answers["dmarc/missing"][0] == {"receiver": "gmail", "reply": "550 5.7.40"}
        everyone = json.loads(as_json.function(judged(world)))
        assert not any(f["answers"] for result in everyone["results"] for f in result["findings"])
