"""The JSON report keeps to its published schema, and its order and ids depend on nothing but what was asked."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import jsonschema
import pytest
import trio.testing

from diag.api import (
    Cite,
    Configure,
    DnsQuery,
    DnsSilence,
    Finding,
    Publish,
    Replace,
    Report,
    Result,
    Rfc,
    Severity,
    Status,
    Target,
    Waiver,
    Withdraw,
    rule,
)
from diag.probes.dns import Silent
from diag.probes.talks import SmtpTalk
from diag.run.diagnose import Diagnosis
from diag.run.registry import load
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import packaged
from diag.tls.handshake import AfterHandshake, Handshake, Ticket, TlsEnd, TlsFailure, TlsTrouble
from diag.wire.transcript import (
    Closed,
    Ending,
    Opened,
    Outcome,
    Remark,
    Renegotiated,
    Said,
    Secured,
    Transcript,
    Who,
)
from reports.json import json as as_json

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


@rule("test/hostile", Severity.ERROR, Rfc(5321, "4.2"), since="1.0")
class Hostile(Finding):
    """A peer says something.

    ## Why it matters
    It shows.

    ## How to fix
    Do not.
    """

    message = "{subject} says {words}"
    words: str


def live(name: str) -> Report:
    """The report on a packaged world, played in memory on a clock that jumps over waits."""
    world = packaged(name)
    registry = load()

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, Target(world.domain, public=DOCUMENTATION), lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


TALK = SmtpTalk("192.0.2.1", 25, "mx.a.example", "me.example")
QUESTION = DnsQuery("a.example", "MX")


def made() -> Report:
    """A report by hand with everything that can stand in one, hostile text included."""
    said = Said(12, Who.PEER, b"220 \x1b[31m\xe2\x80\xae<b>hello\r\n", False)
    made_tls = Secured(30, Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", chain=(b"garbage",)), b"250 x\r\n")
    failed = Secured(40, TlsFailure(TlsTrouble.ALERT, "handshake_failure"), b"")
    events = (
        Opened(1, "192.0.2.1", 25),
        said,
        made_tls,
        failed,
        Remark(41, "\x07"),
        Renegotiated(45, Outcome.UNKNOWN, "\x1b"),
        Closed(50, Ending.RESET, "x", AfterHandshake(TlsEnd.OPEN, (Ticket(7200),))),
    )
    finding = Hostile(
        subject="mx.a.example",
        words="\x1b[2J\u202e\u200b",
        evidence=(Cite(TALK, 1), Cite(QUESTION), Cite(TALK, 1), Cite(DnsQuery("gone.example", "A"))),
        fix=(
            Publish("a.example", "TXT", 'v=spf1 "x" -all'),
            Withdraw("a.example", "MX", "10 x."),
            Replace("a.example", "MX", "10 y.", old="10 x."),
            Configure("mx.a.example", "smtpd_banner = $myhostname", "Postfix"),
        ),
    )
    results = (
        Result("c", "Claim", "test", "mx.a.example", Status.FAILED, (finding,), could=Severity.ERROR),
        Result(
            "d",
            "Other",
            "test",
            "a.example",
            Status.INCONCLUSIVE,
            because="silence",
            evidence=(Cite(QUESTION),),
        ),
    )
    return Report(
        target=Target("a.example"),
        moment=datetime(2026, 11, 21, tzinfo=UTC),
        results=results,
        evidence={TALK: Transcript(events), QUESTION: DnsSilence(Silent.TIMED_OUT, ("192.0.2.53",), 9)},
        facts={},
        waived=((finding, Waiver("test/hostile", "being moved", "2027-01-31")),),
        partial="interrupted",
        proposed="new.zone",
    )


def saying(words: str) -> Report:
    """A report that is plain but for these words of a peer."""
    (result, *_) = made().results
    finding = Hostile(subject="mx.a.example", words=words)
    results = (dataclasses.replace(result, findings=(finding,)),)
    return dataclasses.replace(made(), results=results, evidence={}, waived=())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["lantern", "harbour"])
def test_reports_on_worlds_keep_to_the_schema(name: str) -> None:
    VALIDATOR.validate(json.loads(as_json.function(live(name))))


def test_a_report_with_everything_in_it_keeps_to_the_schema() -> None:
    report = json.loads(as_json.function(made()))
    VALIDATOR.validate(report)
    assert report["grade"] == "C?"
    assert [fix["action"] for fix in report["results"][0]["findings"][0]["fix"]] == [
        "publish",
        "withdraw",
        "replace",
        "configure",
    ]


def test_an_empty_report_keeps_to_the_schema() -> None:
    empty = dataclasses.replace(made(), results=(), evidence={}, waived=(), partial="", proposed="")
    VALIDATOR.validate(json.loads(as_json.function(empty)))


@pytest.mark.parametrize("key", ["grade", "results", "dns", "seconds"])
def test_a_report_that_lacks_a_key_does_not(key: str) -> None:
    report = json.loads(as_json.function(made()))
    del report[key]
    assert not VALIDATOR.is_valid(report)


def test_evidence_is_cited_by_ids_that_exist_each_once() -> None:
    report = json.loads(as_json.function(made()))
    (finding,) = report["results"][0]["findings"]
    assert finding["evidence"] == [{"id": "dialogue-1", "event": 1}, {"id": "dns-1", "event": None}]
    assert report["dialogues"][0]["events"][1]["text"] == "220 \\x1b[31m\\u202e<b>hello"
    assert report["dns"][0]["silence"] == "timed out"


def test_the_order_of_answers_changes_nothing() -> None:
    report = live("harbour")
    backwards = dataclasses.replace(report, evidence=dict(reversed(list(report.evidence.items()))))
    assert as_json.function(backwards) == as_json.function(report)


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "\x1b[2J\r\n\t\0",
        "\x7f",
        "\x85 \u2028",
        "\u202e\u200b",
        "\U000e0041",
        "\udcff",
        "\ud83d \udc00",
        '"\\/<',
    ],
)
@pytest.mark.parametrize("compact", [False, True])
def test_nothing_but_ascii_without_controls_reaches_a_terminal(compact: bool, words: str) -> None:
    text = as_json.function(saying(words), compact=compact)
    assert text.isascii()
    assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(text)["results"][0]["findings"][0]["message"] == f"mx.a.example says {words}"


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(made, id="hostile"),
        pytest.param(lambda: saying("plain"), id="plain"),
        pytest.param(
            lambda: dataclasses.replace(saying("plain"), round_trips=2**64), id="a number of 65 bits"
        ),
        pytest.param(lambda: live("lantern"), id="a world"),
    ],
)
def test_one_line_tells_the_same_as_many(report: Callable[[], Report]) -> None:
    told = report()
    line = as_json.function(told, compact=True)
    assert line.index("\n") == len(line) - 1
    assert json.loads(line) == json.loads(as_json.function(told))
