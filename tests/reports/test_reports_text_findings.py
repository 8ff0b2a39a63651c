"""Findings in the text report: told once, with what shows them, and what stays open."""

from __future__ import annotations

import re

from text_sample import TALK, Minor, Says, made, shown

from diag.api import (
    Certainty,
    Cite,
    Configure,
    DnsQuery,
    Finding,
    Report,
    Result,
    Rfc,
    Severity,
    Status,
    rule,
)


def test_what_could_not_be_determined_is_told_with_the_line_that_shows_why() -> None:
    text = shown(made())
    part = " ".join(text[text.index("Could not be determined") :].split())
    assert "nobody answers" in part
    assert "| MX a.example: no answer from 192.0.2.53: timed out" in part
    assert "so not known of a.example: MX can be found" in part


def test_what_matters_most_is_told_with_why_rule_and_evidence_and_only_once() -> None:
    text = " ".join(shown(made()).split())
    first = text[text.index("Do this first") : text.index("Also found")]
    assert "It shows. (test/says)" in first
    assert "| mx.a.example:25" in first
    assert "220 mx \\x1b]0;owned\\x07" in first
    assert first.count("smtpd_banner") == 1
    assert "notice a.example is small. test/minor" in text[text.index("Also found") :]
    assert "test/says" not in text[text.index("Also found") : text.index("Endpoints")]


def many(*findings: Finding) -> Report:
    """A report on these findings alone."""
    return made(
        results=tuple(Result("c", "It holds", "test", f.subject, Status.FAILED, (f,)) for f in findings),
        waived=(),
    )


def test_findings_of_one_rule_are_told_together_and_not_without_end() -> None:
    hosts = [f"mx{number:02}.a.example" for number in range(20)]
    found = (
        Says(subject=host, words="x", evidence=(Cite(TALK, 1),), fix=(Configure(host, f"on {host}"),))
        for host in hosts
    )
    text = shown(many(*found))
    assert text.count("1. error:") == 1
    assert "2. " not in text
    assert "mx03.a.example says x." in text
    assert "mx04.a.example says x." not in text
    assert "and 16 more of this kind" in text
    assert "on mx03.a.example" in text
    assert "and 16 more changes of this kind" in text


def test_after_the_first_ones_a_sentence_must_do_unless_more_is_wanted() -> None:
    small = Minor(subject="a.example", evidence=(Cite(TALK, 1),), fix=(Configure("here", "small = no"),))
    assert "small = no" not in shown(many(small))
    assert "-v, or maildiag explain RULE" in shown(many(small))
    verbose = shown(many(small), verbose=True)
    assert "small = no" in verbose
    assert "| mx.a.example:25" in verbose


def test_where_nothing_can_be_pasted_the_rule_says_what_to_do() -> None:
    assert "Do not." in shown(many(Says(subject="a.example", words="x")))


def test_what_is_certain_and_about_the_domain_comes_first() -> None:
    likely = Says(subject="mx.a.example", words="maybe", certainty=Certainty.LIKELY)
    certain = Other(subject="a.example")
    text = shown(many(likely, certain))
    assert text.index("a.example is other.") < text.index("says maybe.")
    assert "says maybe. (likely)" in text


@rule("test/other", Severity.ERROR, Rfc(5321, "4.2"), since="1.0")
class Other(Finding):
    """Something else.

    ## Why it matters
    It does.

    ## How to fix
    Soon.
    """

    message = "{subject} is other."


def test_of_many_reasons_those_that_leave_most_open_are_told() -> None:
    results = [
        Result("c", f"Claim {number}", "test", "a.example", Status.INCONCLUSIVE, because=f"reason {reason}")
        for reason in range(9)
        for number in range(reason + 1)
    ]
    crashed = Result("d", "It ran", "test", "a.example", Status.CRASHED, because="it failed")
    report = made(results=(*results, crashed), waived=())
    told = re.findall(r"^(?:unknown|crashed) +(.+)$", shown(report), re.MULTILINE)
    assert told == ["it failed", "reason 8", "reason 7", "reason 6", "reason 5", "reason 4"]
    assert "4 more reasons: -v tells all of them." in shown(report)
    assert "reason 0" in shown(report, verbose=True)


def test_a_reason_that_quotes_its_evidence_is_not_quoted_twice() -> None:
    said = "MX a.example: no answer from 192.0.2.53: timed out"
    cite = (Cite(DnsQuery("a.example", "MX")),)
    unsure = Result("c", "It is known", "test", "a.example", Status.INCONCLUSIVE, because=said, evidence=cite)
    assert shown(made(results=(unsure,), waived=())).count("timed out") == 1
