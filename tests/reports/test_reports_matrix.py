"""The matrix in text and in JSON: the same marks, what each stands for, and addresses that look the same."""

from __future__ import annotations

import dataclasses
import functools
import json as _json
from typing import Any

import anyio
import pytest
import sample
import trio.testing
from text_sample import OPENED, made, said, shown, talk

from diag.facts.matrix import Cell, Matrix
from diag.model.knowing import Cite
from diag.model.report import Report
from diag.model.target import Endpoint, Target
from diag.probes.talks import SmtpTalk
from diag.run.diagnose import Diagnosis
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.wire.transcript import Ending
from reports.json import json


@functools.cache
def harbour() -> Report:
    """The broken world, gathered and judged."""

    async def run() -> Report:
        world = worlds.packaged("harbour")
        async with in_memory(world, sample.registry().performers) as lab:
            target = Target(world.domain, public=DOCUMENTATION)
            return await Diagnosis(sample.registry(), target, lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str, int], dict[str, Any]]:
    told = _json.loads(json.function(harbour()))["matrix"]
    return {(cell["host"], cell["address"], cell["port"]): cell for cell in told}


def test_a_cell_in_json_names_its_mark_its_rules_and_its_dialogues(cells: dict[Any, Any]) -> None:
    bare = cells["mx3.harbour.example", "203.0.113.25", 25]
    assert (bare["mark"], bare["severity"], bare["starttls"]) == ("finding", "error", False)
    assert "smtp/starttls-missing" in bare["rules"]
    assert bare["tls"] is None
    assert bare["versions"] == []
    dialogues = {each["id"]: each for each in _json.loads(json.function(harbour()))["dialogues"]}
    ends = {
        (dialogues[name]["endpoint"]["host"], dialogues[name]["endpoint"]["port"])
        for name in bare["dialogues"]
    }
    assert ends == {("mx3.harbour.example", 25)}


def test_a_cell_that_was_not_heard_is_inconclusive_and_says_why(cells: dict[Any, Any]) -> None:
    turned = cells["mx1.harbour.example", "2001:db8:20::10", 25]
    assert (turned["mark"], turned["severity"], turned["reached"]) == ("inconclusive", None, "throttled")
    assert "421 4.7.0" in turned["because"]
    assert (turned["starttls"], turned["keywords"], turned["size"]) == (None, None, None)


def test_a_closed_port_is_quiet(cells: dict[Any, Any]) -> None:
    shut = cells["mx1.harbour.example", "203.0.113.10", 995]
    assert (shut["mark"], shut["reached"], shut["because"], shut["rules"]) == ("quiet", "closed", "", [])


def test_what_was_seen_stands_in_the_cell(cells: dict[Any, Any]) -> None:
    best = cells["mx1.harbour.example", "203.0.113.10", 25]
    assert best["tls"]["version"] == "TLSv1.3"
    assert best["versions"] == ["TLS 1.2", "TLS 1.3"]
    assert best["software"] == {"product": "Exim", "version": "4.94.2"}
    assert best["preference"] == 10
    assert best["samples"] >= 2
    certificates = {each["sha256"] for each in _json.loads(json.function(harbour()))["certificates"]}
    assert best["certificate"] in certificates


def test_without_the_fact_there_is_no_matrix_in_json() -> None:
    assert _json.loads(json.function(dataclasses.replace(harbour(), facts={})))["matrix"] == []


def test_in_text_every_mark_is_followed_by_what_it_stands_for() -> None:
    text = shown(harbour())
    part = text[text.index("\nEndpoints") : text.index("Could not be determined")]
    assert max(map(len, part.splitlines())) <= 80
    assert "✗ mx3.harbour.example [203.0.113.25]:25: smtp/starttls-missing" in part
    flat = " ".join(part.split())
    assert '? mx1.harbour.example [2001:db8:20::10]:25: the server turns us away for now "421 4.7.0' in flat


def test_at_length_the_sentence_the_line_and_the_cure_follow_each_cell() -> None:
    text = shown(harbour(), verbose=True)
    part = text[text.index("\nEndpoints") : text.index("Could not be determined")]
    mx3 = part[part.index("✗ mx3.harbour.example") :]
    mx3 = mx3[: mx3.index("\n✗ mail.")]
    assert "error: mx3.harbour.example [203.0.113.25]:25 does not offer STARTTLS." in " ".join(mx3.split())
    assert "| mx3.harbour.example:25" in mx3
    assert "smtpd_tls_security_level" in mx3


def test_many_addresses_that_look_the_same_share_a_row() -> None:
    alike = {
        SmtpTalk(f"192.0.2.{number}", 25, "mx.a.example", "me"): talk(OPENED, said(b"220 x\r\n"))
        for number in range(1, 41)
    }
    other = {SmtpTalk("192.0.2.99", 25, "mx.a.example", "me"): talk(how=Ending.REFUSED)}
    text = shown(made(evidence={**alike, **other}, results=(), waived=()))
    rows = [line.split() for line in text[text.index("mx.a.example") :].splitlines()[1:3]]
    assert rows == [["192.0.2.1", "and", "39", "more", "half"], ["192.0.2.99", "-"]]


def test_what_was_not_tried_is_no_blank() -> None:
    probe = SmtpTalk("192.0.2.1", 25, "mx.a.example", "me")
    lost = Cell(
        endpoint=Endpoint("mx.a.example", "2001:db8::1", 25),
        service="smtp",
        preference=10,
        because="this machine has no IPv6",
        cites=(Cite(probe),),
    )
    private = dataclasses.replace(
        lost,
        endpoint=Endpoint("mx.a.example", "10.0.0.1", 25),
        because="10.0.0.1 is not reachable",
        told=True,
    )
    report = made(
        evidence={probe: talk(OPENED, said(b"220 x\r\n"))},
        results=(),
        waived=(),
        facts={Matrix: Matrix((lost, private))},
    )
    part = shown(report).partition("Endpoints")[2]
    rows = {
        line.split()[0]: line.split()[1:]
        for line in part.splitlines()
        if line.startswith("  ") and line.split()
    }
    assert rows["2001:db8::1"] == ["?", "skip"]
    assert rows["10.0.0.1"] == ["skip"]
    assert "skip not tried" in " ".join(part.split())
    assert "this machine has no IPv6" in part
