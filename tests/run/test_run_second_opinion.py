"""Second opinions: asked through the lab alone, told in every form, and nothing loaded where nobody asks."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import anyio
import pytest

from diag.facts.second_opinion import Opinion, SecondOpinions
from diag.lab.once import Once
from diag.lab.overlay import Nothing, Overlay
from diag.lab.tape import Tape
from diag.lab.zone import Zone
from diag.model.report import Report
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.moment import Moment, Now
from diag.probes.probe import E, Lab, NotRecorded, Probe
from diag.run import second_opinion
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.run.second_opinion import second_opinions
from diag.sandbox import world as worlds
from diag.sandbox.staged import in_memory
from reports.html import html
from reports.json import json as as_json
from reports.opinions import summary
from reports.text import text

SPF = Path(__file__).parents[2] / "fixtures" / "spf"


def lab_of(zone: str) -> Once:
    return Once(Overlay(Zone.parse(zone, "orchard.example"), Nothing(), whole=True))


WHOLE = """
@ TXT "v=spf1 a include:_spf exp=why.orchard.example -all"
@ A 192.0.2.1
www A 192.0.2.2
why TXT "go away"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@reports.example"
reports.example. MX 10 mx.reports.example.
mx.reports.example. A 192.0.2.9
orchard.example._report._dmarc.reports.example. TXT "v=DMARC1"
""".replace("include:_spf", "include:_spf.orchard.example")
ZONE = (
    WHOLE
    + '_spf CNAME far.elsewhere.example.\nfar.elsewhere.example. TXT "v=spf1 ip4:198.51.100.0/24 -all"\n'
)


def test_all_that_the_others_want_to_know_goes_through_the_lab() -> None:
    lab = lab_of(ZONE)
    found = anyio.run(second_opinions, lab, "orchard.example")
    asked = {(probe.name, probe.rdtype) for probe in lab.seen if isinstance(probe, DnsQuery)}
    assert ("why.orchard.example", "TXT") in asked
    assert ("orchard.example._report._dmarc.reports.example", "TXT") in asked
    assert found.differing == ()
    assert {opinion.question: opinion.ours for opinion in found.opinions} == {
        "SPF result for 192.0.2.1": "pass",
        "SPF result for 203.0.113.200": "fail",
        "SPF result for 2001:db8:ffff::1": "fail",
        "SPF cost": "2 look-ups",
        "DMARC policy": "reject",
    }


def test_what_a_replay_has_no_answer_for_is_told_as_unheard() -> None:
    lab = lab_of(ZONE)
    anyio.run(second_opinions, lab, "orchard.example")
    kept = {
        probe: seen for probe, seen in lab.seen.items() if getattr(probe, "name", "") != "why.orchard.example"
    }
    found = anyio.run(second_opinions, Tape(kept, {}), "orchard.example")
    assert [opinion.question for opinion in found.opinions] == ["DMARC policy"]
    assert len(found.unheard) == 1
    assert "why.orchard.example" in found.unheard[0]


def test_checkdmarc_asks_the_lab_alone_and_its_misses_count() -> None:
    lab = lab_of(ZONE)
    found = anyio.run(second_opinions, lab, "orchard.example", ())
    assert [opinion.question for opinion in found.opinions] == ["SPF cost", "DMARC policy"]
    assert DnsQuery("why.orchard.example", "TXT") in lab.seen
    kept = {
        probe: seen for probe, seen in lab.seen.items() if probe != DnsQuery("why.orchard.example", "TXT")
    }
    again = anyio.run(second_opinions, Tape(kept, {}), "orchard.example", ())
    assert [opinion.question for opinion in again.opinions] == ["DMARC policy"]
    assert len(again.unheard) == 1


def test_what_was_answered_for_one_world_is_not_kept_for_the_next() -> None:
    dearer = ZONE.replace("v=spf1 ip4:198.51.100.0/24", "v=spf1 a:www.orchard.example ip4:198.51.100.0/24")
    costs = []
    for zone in (ZONE, dearer):
        found = anyio.run(second_opinions, lab_of(zone), "orchard.example", ())
        cost, _ = found.opinions
        costs.append((cost.ours, cost.theirs))
    assert costs == [("2 look-ups", "2 look-ups"), ("3 look-ups", "3 look-ups")]


def test_a_library_that_fails_says_so_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("checkdmarc.spf.parse_spf_record", fail)
    found = anyio.run(second_opinions, lab_of(ZONE), "orchard.example")
    (cost,) = (opinion for opinion in found.opinions if opinion.question == "SPF cost")
    assert (cost.theirs, cost.settled) == ("fails: ZeroDivisionError", "undecided")
    assert len(found.opinions) == 5


def test_two_domains_at_a_time_do_not_mix() -> None:
    other = ZONE.replace("v=spf1 a", "v=spf1 -a").replace("p=reject", "p=none")

    async def both() -> list[SecondOpinions]:
        found: dict[int, SecondOpinions] = {}

        async def one(number: int, lab: Lab) -> None:
            found[number] = await second_opinions(Slow(lab), "orchard.example")

        async with anyio.create_task_group() as tasks:
            for number, zone in enumerate((ZONE, other)):
                tasks.start_soon(one, number, lab_of(zone))
        return [found[0], found[1]]

    for found, result, policy in zip(anyio.run(both), ("pass", "fail"), ("reject", "none"), strict=True):
        said = {opinion.question: opinion.theirs for opinion in found.opinions}
        assert (said.get("SPF result for 192.0.2.1"), said["DMARC policy"]) == (result, policy)
        assert found.differing == ()


class Slow:
    """Lets others in between."""

    def __init__(self, inner: Lab) -> None:
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        await anyio.sleep(0.001)
        return cast(E, await self._inner.run(probe))


def report_on(slug: str, *, second: bool = True) -> Report:
    world = worlds.load(SPF / slug)
    registry = load()

    async def diagnose() -> Report:
        target = Target(world.domain, dialogues=False, second_opinion=second)
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, target, lab, Options(only=("spf",))).run()

    return anyio.run(diagnose)


def test_every_form_of_the_report_tells_a_difference_with_its_section() -> None:
    report = report_on("syntax")
    told = text.function(report)
    assert "Second opinions" in told
    assert "SPF cost: we say permerror, checkdmarc says 0 look-ups. RFC 7208" in told.replace("\n  ", " ")
    opinions = json.loads(as_json.function(report))["second_opinions"]["opinions"]
    (cost,) = (each for each in opinions if not each["agrees"])
    assert (cost["other"], cost["section"]) == ("checkdmarc", "RFC 7208 section 4.6")
    page = html.function(report)
    assert '<a href="#opinions">' in page
    assert "checkdmarc: 0 look-ups" in page


def test_nothing_is_told_where_nobody_asked() -> None:
    report = report_on("syntax", second=False)
    assert "Second opinions" not in text.function(report)
    assert json.loads(as_json.function(report))["second_opinions"] is None
    assert "#opinions" not in html.function(report)


@pytest.mark.parametrize(
    ("opinions", "said"),
    [
        ((), "The other implementations could not be asked anything"),
        ((Opinion("pyspf", "q", "a", "a"),), "pyspf answered 1 question over the same answers, and agree"),
        ((Opinion("pyspf", "q", "a", "b"), Opinion("x", "q", "a", "a")), "pyspf and x answered 2 questions"),
    ],
)
def test_the_summary_counts(opinions: tuple[Opinion, ...], said: str) -> None:
    assert summary(SecondOpinions(opinions)).startswith(said)


def test_a_run_without_second_opinions_loads_neither_library() -> None:
    code = (
        "import sys; from diag.cli import main; "
        "main(['check', 'a.example', '-n', '127.0.0.1:1', '--no-dialogues', '-q', '-o', '/dev/null']); "
        "print('checkdmarc' in sys.modules, 'spf' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_miss_that_pyspf_swallows_is_raised_all_the_same() -> None:
    with pytest.raises(NotRecorded):
        anyio.run(
            second_opinion._of_pyspf, Nothing(), "192.0.2.1", "a@orchard.example", "mail.orchard.example"
        )


class Stuck:
    """Never answers what only the others ask."""

    def __init__(self, inner: Lab) -> None:
        self._inner = inner

    async def run(self, probe: Probe[E]) -> E:
        if isinstance(probe, DnsQuery) and probe.name.startswith("why."):
            await anyio.sleep_forever()
        return cast(E, await self._inner.run(probe))


def test_the_deadline_holds_for_second_opinions_too() -> None:
    lab = Stuck(Overlay(Zone.parse(ZONE, "orchard.example"), Instant(), whole=True))
    target = Target("orchard.example", dialogues=False, second_opinion=True)
    options = Options(only=("spf/too-many-lookups",), deadline=1.0)

    async def diagnose() -> Report:
        return await Diagnosis(load(), target, lab, options).run()

    report = anyio.run(diagnose)
    assert report.fact(SecondOpinions) == SecondOpinions((), ("the deadline was reached",))


class Instant:
    """The moment, and nothing else."""

    async def run(self, probe: Probe[E]) -> E:
        assert isinstance(probe, Now)
        return cast(E, Moment(datetime(2026, 11, 21, tzinfo=UTC)))
