"""How a transcript of commands sent together is read, and when they are sent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.wire.actions import Outcome, Say
from diag.wire.pipelining import Pipelines, pipelining_dialogue, read_pipelining
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

TOGETHER = ("> RSET", "> RSET", "> NOOP")
BEGUN = ("220 mx", "> EHLO me", "250-mx", "250 PIPELINING", "> NOOP", "250 Ok", *TOGETHER)


def talk(*lines: str, ends: Ending = Ending.BY_US) -> Transcript:
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for line in lines:
        who = Who.US if line.startswith("> ") else Who.PEER
        events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, ends, "")))


OK = "250 Ok"
READINGS = {
    "all answered": (talk(*BEGUN, OK, OK, OK, "> QUIT", "221 Bye"), Pipelines.WELL, 3),
    "one": (talk(*BEGUN, OK, ends=Ending.SILENT), Pipelines.BADLY, 1),
    "none": (talk(*BEGUN, ends=Ending.SILENT), Pipelines.BADLY, 0),
    "hung up": (talk(*BEGUN, OK, OK, ends=Ending.BY_PEER), Pipelines.BADLY, 2),
    "torn down": (talk(*BEGUN, ends=Ending.RESET), Pipelines.BADLY, 0),
    "turned away": (talk(*BEGUN, OK, "421 too many", ends=Ending.BY_PEER), Pipelines.UNKNOWN, 2),
    "too many errors": (talk(*BEGUN, "554 too many errors", ends=Ending.BY_PEER), Pipelines.UNKNOWN, 1),
    "refused, each": (talk(*BEGUN, "530 TLS", "530 TLS", OK), Pipelines.WELL, 3),
    "time up": (talk(*BEGUN, OK, ends=Ending.TIME_UP), Pipelines.UNKNOWN, 1),
    "silent before": (talk(*BEGUN[:5], ends=Ending.SILENT), Pipelines.UNKNOWN, 0),
    "nothing": (Transcript(()), Pipelines.UNKNOWN, 0),
}


@pytest.mark.parametrize(("transcript", "outcome", "answered"), READINGS.values(), ids=READINGS)
def test_readings(transcript: Transcript, outcome: Pipelines, answered: int) -> None:
    read = read_pipelining(transcript)
    assert (read.outcome, read.answered) == (outcome, answered)
    assert bool(read.because) is (outcome is Pipelines.UNKNOWN)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(["> RSET", "> NOOP", OK, "250-", "421"]), st.text())))
def test_nothing_raises(lines: list[str]) -> None:
    read_pipelining(talk(*lines))


def said(*replies: str) -> list[bytes]:
    steps = pipelining_dialogue("mx", "me", timeout=60).steps
    waiting, lines = list(replies), list[bytes]()
    outcome: Outcome = None
    try:
        while True:
            action = steps.send(outcome)
            outcome = None
            if isinstance(action, Say):
                lines.append(action.octets)
            elif not waiting:
                return lines
            else:
                outcome = (waiting.pop(0).encode() + b"\r\n",)
    except StopIteration:
        return lines


GROUP = b"RSET\r\nRSET\r\nNOOP\r\n"


def test_where_it_is_not_offered_nothing_goes_together() -> None:
    # The one line of such a reply to EHLO is the host's name, and offers nothing.
    lines = said("220 mx", "250 PIPELINING", "221 Bye")
    assert lines == [b"EHLO me\r\n", b"QUIT\r\n"]


def test_nothing_goes_together_where_a_single_command_is_refused() -> None:
    steps = pipelining_dialogue("mx", "me", timeout=60).steps
    next(steps)
    steps.send((b"220 mx\r\n",))
    steps.send(None)
    assert steps.send((b"250-mx\r\n", b"250 PIPELINING\r\n")) == Say(b"NOOP\r\n")
    steps.send(None)
    assert steps.send((b"500 what\r\n",)) == Say(b"QUIT\r\n")


def test_three_go_together_where_it_is_answered() -> None:
    steps = pipelining_dialogue("mx", "me", timeout=60).steps
    next(steps)
    steps.send((b"220 mx\r\n",))
    steps.send(None)
    steps.send((b"250-mx\r\n", b"250 PIPELINING\r\n"))
    steps.send(None)
    assert steps.send((b"250 Ok\r\n",)) == Say(GROUP)
