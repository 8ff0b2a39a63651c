"""The page against hostile peers: nothing remote gets in, and much of it stays within limits."""

from __future__ import annotations

import dataclasses
import re

import page_reader
import pytest
import sample
from poison import HOSTILE, poisoned

from diag.model.knowing import Cite
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who
from reports.html import html
from reports.html.dialogues import MOST_CHARACTERS


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda bad: ascii(bad)[:16])
def test_remote_text_can_do_nothing(bad: str) -> None:
    text = html.function(poisoned(bad))
    report = page_reader.read(text)
    assert not report.all("script", "img")
    assert len(report.all("h1")) == 1
    assert not [e for e in report.elements if any(name.startswith("on") for name in e.attributes)]
    assert not [e for e in report.all("a") if e.attributes["href"].startswith("javascript")]
    hidden = set(
        re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", text)
    )
    assert not hidden
    assert "49" not in report.all("h3")[0].text


def test_a_thousand_dialogues_stay_within_the_limit_and_cited_lines_are_kept() -> None:
    report = sample.healthy()
    line = b"250-" + b"x" * 380 + b"\r\n"
    events: tuple[Event, ...] = (
        Opened(0, "203.0.113.9", 25),
        *(Said(1, Who.PEER, line, False) for _ in range(30)),
    )
    talks = {
        SmtpTalk("203.0.113.9", 25, f"mx{at}.example", "probe.example"): Transcript(
            (*events, Closed(2, Ending.BY_US, ""))
        )
        for at in range(1000)
    }
    last = list(talks)[-1]
    finding = sample.LineSaid(subject="mx", said="x", evidence=(Cite(last, 29),))
    text = html.function(
        dataclasses.replace(report, evidence=talks, results=(sample.failed(finding),), facts={})
    )
    assert len(text) < MOST_CHARACTERS + 2_000_000
    page = page_reader.read(text)
    assert "d1000-29" in page.ids
    assert "more lines are on the tape, not here" in text
