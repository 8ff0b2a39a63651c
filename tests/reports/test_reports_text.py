"""The text report: the order of its parts, lines that fit, lines that must not be broken, hostile peers."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime

import anyio
import pytest
import trio.testing

from diag.api import (
    Cite,
    Configure,
    DnsQuery,
    DnsSilence,
    Finding,
    Publish,
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
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who
from reports.hostile import plain
from reports.quoting import commands
from reports.text import text as as_text
from reports.text.findings import cure
from reports.text.hosts import state


@rule("test/says", Severity.ERROR, Rfc(5321, "4.2"), since="1.0")
class Says(Finding):
    """A peer says something.

    ## Why it matters
    It shows.

    ## How to fix
    Do not.
    """

    message = "{subject} says {words}."
    words: str


@rule("test/minor", Severity.NOTICE, Rfc(5321, "4.2"), since="1.0")
class Minor(Finding):
    """Something small.

    ## Why it matters
    Hardly.

    ## How to fix
    Some day.
    """

    message = "{subject} is small."


HOSTILE = "\x1b[31m\u202e\r\nspoofed\x9b\u200b"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 380
TALK = SmtpTalk("2001:db8:ffff:ffff:ffff:ffff:ffff:1", 25, "mx.a.example", "me.example")
QUESTION = DnsQuery("a.example", "MX")
GREETING = b"220 mx \x1b]0;owned\x07 " + b"x" * 120 + b"\r\n"


def talk(*events: Event, how: Ending = Ending.BY_US) -> Transcript:
    return Transcript((*events, Closed(99, how, "")))


def said(octets: bytes, who: Who = Who.PEER) -> Said:
    return Said(1, who, octets, False)


OPENED = Opened(0, "192.0.2.1", 25)


def made(**changes: object) -> Report:
    says = Says(
        subject="mx.a.example",
        words=HOSTILE,
        evidence=(Cite(TALK, 1),),
        fix=(
            Publish("s._domainkey.a.example", "TXT", LONG),
            Withdraw("a.example", "MX", "10 x."),
            Configure("mx.a.example", "smtpd_banner = $myhostname ESMTP", "Postfix"),
        ),
    )
    minor = Minor(subject="a.example", evidence=(Cite(QUESTION),))
    results = (
        Result("c", "The peer is quiet", "test", "mx.a.example", Status.FAILED, (says,), could=Severity.ERROR),
        Result("m", "All is large", "test", "a.example", Status.FAILED, (minor,), could=Severity.NOTICE),
        Result(
            "d", "MX can be found", "mx", "a.example", Status.INCONCLUSIVE,
            because=f"nobody answers {HOSTILE}", evidence=(Cite(QUESTION),), could=Severity.CRITICAL,
        ),
        Result("p", "It holds", "test", "a.example", Status.PASSED),
        Result("n", "There is one", "test", "a.example", Status.NOT_APPLICABLE, because="there is none"),
    )  # fmt: skip
    report = Report(
        target=Target("a.example"),
        moment=datetime(2026, 11, 21, 9, 5, tzinfo=UTC),
        results=results,
        evidence={
            TALK: talk(OPENED, said(GREETING)),
            QUESTION: DnsSilence(Silent.TIMED_OUT, ("192.0.2.53",)),
        },
        facts={},
        waived=((says, Waiver("test/says", f"moved {HOSTILE}", "2027-01-31")),),
    )
    return dataclasses.replace(report, **changes)  # type: ignore[arg-type]


def shown(report: Report, **look: object) -> str:
    return as_text.function(report, **look)


def pasteable(line: str) -> bool:
    """Records, settings, commands and dialogue lines stand whole, from the first column on."""
    return line.startswith(("s._domainkey", "a.example.", "openssl ", "dig ", "swaks ")) or bool(
        re.match(r" {2,}[0-9]+\.[0-9]{3} ", line)
    )


def test_the_parts_stand_in_the_order_in_which_they_are_needed() -> None:
    headings = re.findall(r"^(.+)\n─+$", shown(made(), verbose=True), re.MULTILINE)
    assert headings == [
        "Do this first",
        "Findings",
        "Endpoints",
        "Could not be determined",
        "Waived",
        "Passed",
        "Not applicable",
        "mx.a.example [2001:db8:ffff:ffff:ffff:ffff:ffff:1]:25",
    ]


def test_what_is_to_be_copied_stands_whole_on_a_line_of_its_own() -> None:
    lines = shown(made()).splitlines()
    assert f's._domainkey.a.example. 3600 IN TXT "{LONG[:255]}" "{LONG[255:]}"' in lines
    assert "a.example. IN MX 10 x." in lines
    assert "smtpd_banner = $myhostname ESMTP" in lines
    assert TALK.command() in lines
    assert lines[lines.index(TALK.command()) - 1].strip() == "See it for yourself:"


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_other_line_fits(width: int, verbose: bool) -> None:
    lines = shown(made(), width=width, verbose=verbose).splitlines()
    assert [line for line in lines if len(line) > width and not pasteable(line)] == []
    assert any(len(line) > width for line in lines), "the long record was broken"
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_no_peer_reaches_the_terminal(verbose: bool, colour: bool) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(made(), verbose=verbose, colour=colour)) if colour else shown(
        made(), verbose=verbose
    )  # fmt: skip
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "spoofed" in text
    assert "\nspoofed" not in text


def test_colour_adds_nothing_but_colour() -> None:
    coloured = shown(made(), colour=True)
    assert "\x1b[" in coloured
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in uncoloured.splitlines()] == shown(made()).splitlines()


def test_what_could_not_be_determined_is_told_with_the_line_that_shows_why() -> None:
    text = shown(made())
    part = " ".join(text[text.index("Could not be determined") :].split())
    assert "nobody answers" in part
    assert "| MX a.example: no answer from 192.0.2.53: timed out" in part
    assert "so not known: MX can be found (mx, a.example)" in part


def test_findings_name_rule_and_evidence() -> None:
    text = shown(made())
    part = text[text.index("\nFindings") : text.index("\nEndpoints")]
    assert part.index("test/says") < part.index("test/minor")
    assert "| mx.a.example:25" in part
    assert "220 mx \\x1b]0;owned\\x07" in " ".join(part.split())


def test_a_report_with_nothing_to_say_is_short() -> None:
    text = shown(made(results=(), evidence={}, waived=()))
    assert text.startswith("a.example   A+\n")
    assert "─" not in text


def test_partial_and_proposed_are_said_at_the_top() -> None:
    top = shown(made(partial="interrupted", proposed="new.zone")).split("\n\n")[0]
    assert "Partial report: interrupted." in top
    assert "Judged as if new.zone were published." in top


TLS13 = Secured(2, Handshake("TLSv1.3", "X"), b"")
STATES = {
    "TLS1.3": talk(OPENED, said(b"220 x\r\n"), TLS13),
    "plain": talk(OPENED, said(b"220 x\r\n")),
    "no TLS": talk(OPENED, said(b"220 x\r\n"), Secured(2, TlsFailure(TlsTrouble.ALERT), b"")),
    "closed": talk(how=Ending.REFUSED),
    "filter": talk(how=Ending.FILTERED),
    "no way": talk(how=Ending.UNREACHABLE),
    "failed": talk(how=Ending.FAILED),
    "silent": talk(OPENED, how=Ending.SILENT),
    "early": talk(OPENED, how=Ending.BY_PEER),
    "421": talk(OPENED, said(b"421 4.7.0 later\r\n")),
}


@pytest.mark.parametrize(("word", "transcript"), STATES.items(), ids=STATES.keys())
def test_every_way_an_endpoint_can_answer_has_its_word(word: str, transcript: Transcript) -> None:
    assert state(transcript) == word
    assert len(word) <= 6


def test_the_matrix_has_a_row_an_address_and_a_column_a_port() -> None:
    def at(address: str, port: int) -> SmtpTalk:
        return SmtpTalk(address, port, "mx.a.example", "me")

    evidence = {
        at("192.0.2.1", 587): STATES["plain"],
        at("192.0.2.1", 25): STATES["TLS1.3"],
        at("192.0.2.2", 25): STATES["421"],
    }
    text = shown(made(evidence=evidence, results=(), waived=()))
    rows = [line.split() for line in text[text.index("Endpoints") :].splitlines()[2:6]]
    assert rows == [["25", "587"], ["mx.a.example"], ["192.0.2.1", "TLS1.3", "plain"], ["192.0.2.2", "421"]]
    assert "421: turned away for now" in text


def test_the_tree_of_spf_shows_every_term_and_its_cost() -> None:
    world = packaged("harbour")
    registry = load()

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, Target(world.domain, public=DOCUMENTATION), lab).run()

    report = anyio.run(
        run, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)}
    )
    text = shown(report)
    assert "SPF: 12 of 10 look-ups" in text
    rows = [line.split() for line in text.splitlines() if "─ " in line]
    assert ["├─", "include:_spf.shop.example", "3"] in rows
    assert ["│", "├─", "include:_a.shop.example", "1"] in rows
    assert "everybody else softfails" in " ".join(text.split())
    whole = {line for f in report.findings for fix in f.fix for line in cure(fix)[1].splitlines()}
    whole |= {command for finding in report.findings for command in commands(finding.evidence)}
    assert [line for line in text.splitlines() if len(line) > 80 and line not in whole] == []


@pytest.mark.parametrize(
    ("given", "harmless"),
    [
        ("grün 東京 ok", "grün 東京 ok"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31m\x9b\x7f", "\\x1b[31m\\x9b\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u3164b\u2800", "a\\u3164b\\u2800"),
        ("\u2028\ud800", "\\u2028\\ud800"),
    ],
)
def test_plain_hides_nothing(given: str, harmless: str) -> None:
    assert plain(given) == harmless
