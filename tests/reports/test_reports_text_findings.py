"""Findings in the text report: told once, with what shows them, and what stays open."""

from __future__ import annotations

from text_sample import TALK, Minor, Says, made, shown

from diag.api import (
    Certainty,
    Cite,
    Configure,
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
    assert "test/says" not in text[text.index("Also found") : text.index("Waived")]


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
