"""Who accepts each certificate, in every form of the report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import anyio
import jsonschema
import page_reader
import pytest
import trio.testing
from text_sample import shown

from diag.api import CertificatePeers, Many, Peer, PeerVerdict, Report, Target
from diag.run.diagnose import Diagnosis
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import load as load_world
from reports.html import html
from reports.json import json as as_json
from reports.peers import peer_lines

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


def judged(name: str, at: str = "") -> Report:
    world, registry = load_world(FIXTURES / name), load()

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            target = Target(world.domain, public=DOCUMENTATION, helo=world.helo, at=at)
            return await Diagnosis(registry, target, lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


@pytest.fixture(scope="module")
def mismatch() -> Report:
    return judged("certificates/sts-mismatch")


def test_json_tells_every_peer_of_every_endpoint_as_the_schema_says(mismatch: Report) -> None:
    report = json.loads(as_json.function(mismatch))
    jsonschema.validate(report, SCHEMA)
    told = {f"{e['endpoint']['host']}:{e['endpoint']['port']}": e for e in report["certificate_peers"]}
    expired, lacking, client = (
        told[f"{name}.lantern.example:{port}"] for name, port in (("mx1", 25), ("mx2", 25), ("mail", 993))
    )
    assert {p["peer"]: p["accepts"] for p in expired["peers"]} == {
        "opportunistic": True,
        "mta-sts": False,
        "dane": True,
    }
    assert expired["peers"][1]["reasons"] == ["expired on 2026-11-20 08:59 UTC"]
    assert lacking["fetched"] == ["http://ca.sandbox.test/intermediate.der"]
    assert [(p["peer"], p["accepts"]) for p in client["peers"]] == [("mail-program", True)]
    assert {each["sha256"] for each in told.values()} <= {each["sha256"] for each in report["certificates"]}


def test_terminal_and_page_say_who_does_not_accept_it_and_why(mismatch: Report) -> None:
    text = " ".join(shown(mismatch, verbose=True).split())
    assert "✗ not by senders under MTA-STS: it expired on 2026-11-20 08:59 UTC ✓ senders under DANE" in text
    assert "Accepted by: ✓ mail programs" in text
    page = page_reader.read(html.function(mismatch))
    (table,) = [each for each in page.all("table") if "Accepted by" in each.text]
    assert "not by senders under MTA-STS" in table.text
    assert "it expired on 2026-11-20 08:59 UTC" in table.text


def test_a_policy_on_trial_and_what_is_not_known_have_words_of_their_own() -> None:
    trial = [
        line for lines in peer_lines(judged("certificates/sts-mismatch-testing")).values() for line in lines
    ]
    assert "senders under MTA-STS: accepted, and reported" in {line.shown.word for line in trial}
    unknown = [line for lines in peer_lines(judged("certificates/dane-unknown")).values() for line in lines]
    assert "senders under DANE: not known" in {line.shown.word for line in unknown}
    assert all(line.why for line in (*trial, *unknown) if line.shown.css in ("unk", "warn", "err"))


def test_where_endpoints_differ_they_are_named(mismatch: Report) -> None:
    known = mismatch.fact(CertificatePeers)
    assert isinstance(known, Many)
    one = "mail.lantern.example [198.51.100.30]:993"
    refused = dataclasses.replace(
        known.items[one], peers=(PeerVerdict(Peer.MAIL_PROGRAM, False, ("is odd",)),)
    )
    report = dataclasses.replace(
        mismatch, facts={**mismatch.facts, CertificatePeers: Many({**known.items, one: refused})}
    )
    lines = [
        line for each in peer_lines(report).values() for line in each if "mail programs" in line.shown.word
    ]
    places = {line.shown.word: line.places for line in lines}
    assert places["not by mail programs"] == (one,)
    assert len(places["mail programs"]) == 5
    assert places["mail programs"][-1] == "7 more"
    assert f"not by mail programs (at {one}): it is odd" in " ".join(shown(report, verbose=True).split())


def test_the_head_says_as_of_when_it_is_judged() -> None:
    report = judged("certificates/sts-mismatch", at="2026-11-10T00:00:00+00:00")
    assert "Judged as if it were 10 Nov 2026 00:00 UTC" in " ".join(shown(report).split())
    page = html.function(report)
    assert "Judged as if it were 10 Nov 2026 00:00 UTC." in page
    assert "21 Nov 2026 09:00 UTC" in page
    assert [f.id for f in report.findings if f.subject.startswith("mx1")] == []
