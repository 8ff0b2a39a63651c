"""What a run asked of others, counted as they saw it."""

from __future__ import annotations

import dataclasses

from sample import broken

from diag.probes.talks import ImapTalk
from diag.wire.transcript import Closed, Ending, Opened, Transcript
from reports.cost import by_host, connections, told


def talked(*how: Ending) -> dict[ImapTalk, Transcript]:
    """One talk for each ending, at two hosts in turn."""
    return {
        ImapTalk("192.0.2.1", 143 + at, f"h{at % 2}.example"): Transcript(
            (Opened(0, "192.0.2.1", 143), Closed(1, each, ""))
        )
        for at, each in enumerate(how)
    }


def test_every_connection_is_counted_for_the_host_that_saw_it_and_none_that_was_held_back() -> None:
    report = dataclasses.replace(
        broken(), evidence=talked(Ending.BY_US, Ending.REFUSED, Ending.BY_PEER, Ending.HELD_BACK), seconds=2.0
    )
    assert connections(report.evidence) == {"h0.example": 2, "h1.example": 1}
    assert by_host(report) == "h0.example 2, h1.example 1"
    assert by_host(report, most=1) == "h0.example 2, and 1 more"
    assert told(report) == "0 questions, 3 connections to 2 hosts (at most 2 to one), 2.0 s"


def test_one_host_needs_no_comparison() -> None:
    report = dataclasses.replace(broken(), evidence=talked(Ending.BY_US), seconds=2.0)
    assert told(report) == "0 questions, 1 connection to 1 host, 2.0 s"


def test_without_a_connection_no_host_is_named() -> None:
    report = dataclasses.replace(broken(), evidence={}, seconds=2.0)
    assert told(report) == "0 questions, 0 connections, 2.0 s"
    assert by_host(report) == ""
