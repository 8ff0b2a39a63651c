"""What is tried on request: how often, where, and what keeps us from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import anyio

from diag.facts.inbound import InboundSurvey, Look
from diag.facts.intrusive import CollectedMessages, InboundChunking, InboundEndOfData, SentMessage
from diag.facts.moment import RunMoment
from diag.gather.access import inbound_dots
from diag.gather.chunking import inbound_chunkings
from diag.gather.end_of_data import inbound_ends_of_data
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.intrusive import ChunkTalk, MessageTalk
from diag.probes.moment import Label, Nonce, Route, Source
from diag.probes.talks import SmtpTalk
from diag.sandbox.world import MOMENT
from diag.wire.end_of_data import ENDINGS
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

WISH = Target("d.example", public=("203.0.113.0/24",), intrusive=True, mailbox="anna@d.example")
NOW = RunMoment(MOMENT)


def talk(*lines: str | bytes, how: Ending = Ending.BY_US) -> Transcript:
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for line in lines:
        if isinstance(line, bytes):
            events.append(Said(1, Who.US, line, False, content=True))
        else:
            who = Who.US if line.startswith("> ") else Who.PEER
            events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, how, "")))


GREETED = talk("220 mx", "> EHLO me", "250-mx", "250 CHUNKING", "> QUIT", "221 Bye")
TO_BDAT = (
    "220 mx",
    "> EHLO me",
    "250 CHUNKING",
    "> MAIL FROM:<>",
    "250 Ok",
    "> RCPT TO:<a@d>",
    "250 Ok",
    "> BDAT 2",
)
TAKEN = talk(*TO_BDAT, b"\r\n", "250 Ok", "> RSET", "250 Ok", "> QUIT", "221 Bye")
REFUSED = talk(*TO_BDAT, b"\r\n", "502 what?", "> QUIT", "221 Bye")
DROPPED = talk(*TO_BDAT, b"\r\n", how=Ending.BY_PEER)
RIGHT = talk("220 mx", "> DATA", "354 go", b"x\n", b"NOOP\r\n", b".\r\n", "250 Ok", "> QUIT", "221 Bye")
EARLY = talk("220 mx", "> DATA", "354 go", b"x\n", "250 Ok", "> QUIT", "221 Bye")
LATER = talk("220 mx", "> MAIL FROM:<>", "450 4.7.1 greylisted", "> QUIT", "221 Bye")


def survey(host: str, address: str, said: Transcript = GREETED) -> tuple[str, InboundSurvey]:
    endpoint = Endpoint(host, address, 25)
    look = Look(SmtpTalk(address, 25, host, "me"), said, read_smtp(said))
    return str(endpoint), InboundSurvey(endpoint, look, None, Certainty.LIKELY)


class World:
    """Answers talks as it is told to."""

    def __init__(self, ours: str, answer: Callable[[Any, int], Transcript]) -> None:
        self.ours = ours
        self.answer = answer
        self.tried: list[Any] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case Route():
                return Source(self.ours)
            case Nonce():
                return Label("nonce")
            case ChunkTalk() | MessageTalk():
                self.tried.append(probe)
                return self.answer(probe, len(self.tried))
        raise AssertionError(probe)


def chunkings(
    answer: Callable[[Any, int], Transcript], *surveys: tuple[str, InboundSurvey], target: Target = WISH
) -> tuple[Many[InboundChunking] | Absent, World]:
    world = World("203.0.113.5", answer)

    async def run() -> Many[InboundChunking] | Absent:
        found: Many[InboundChunking] | Absent = await inbound_chunkings.function(
            target, Many(dict(surveys)), world
        )
        return found

    return anyio.run(run), world


def only(found: Any) -> Any:
    (value,) = found.items.values()
    return value


MX = survey("mx1", "192.0.2.1")


def test_a_chunk_that_is_taken_is_tried_once() -> None:
    found, world = chunkings(lambda probe, n: TAKEN, MX)
    assert only(found).works
    assert len(world.tried) == 1
    assert world.tried[0].recipient == "anna@d.example"


def test_a_refusal_and_a_drop_are_tried_again_once() -> None:
    for first, second, works in (
        (REFUSED, REFUSED, False),
        (DROPPED, TAKEN, True),
        (REFUSED, TAKEN, True),
        (DROPPED, REFUSED, False),
    ):
        found, world = chunkings(lambda probe, n, both=(first, second): both[n - 1], MX)  # type: ignore[misc]
        assert only(found).works is works
        assert [probe.look for probe in world.tried] == [1, 2]
        assert len(only(found).cites) == 2


def test_two_drops_decide_nothing() -> None:
    found, world = chunkings(lambda probe, n: DROPPED, MX)
    assert isinstance(only(found), Unavailable)
    assert len(world.tried) == 2


def test_chunks_are_not_tried_unasked_nor_where_they_are_not_offered() -> None:
    found, world = chunkings(lambda probe, n: TAKEN, MX, target=Target("d.example"))
    assert isinstance(found, Absent)
    bare = survey("mx1", "192.0.2.1", talk("220 mx", "> EHLO me", "250 mx", "> QUIT", "221 Bye"))
    found, world = chunkings(lambda probe, n: TAKEN, bare)
    assert isinstance(only(found), Absent)
    assert world.tried == []


def test_without_a_mailbox_that_ascii_can_name_the_postmaster_gets_the_chunk() -> None:
    for mailbox in ("", "änne@d.example", "anna@elsewhere.example"):
        _, world = chunkings(lambda p, n: TAKEN, MX, target=dataclasses.replace(WISH, mailbox=mailbox))
        assert world.tried[0].recipient == "postmaster@d.example"


def ends(
    answer: Callable[[Any, int], Transcript], *surveys: tuple[str, InboundSurvey], ours: str = "203.0.113.5"
) -> tuple[Many[InboundEndOfData] | Absent, World]:
    world = World(ours, answer)

    async def run() -> Many[InboundEndOfData] | Absent:
        found: Many[InboundEndOfData] | Absent = await inbound_ends_of_data.function(
            WISH, Many(dict(surveys)), NOW, world
        )
        return found

    return anyio.run(run), world


def test_every_sequence_is_tried_on_a_connection_of_its_own() -> None:
    found, world = ends(lambda probe, n: RIGHT, MX)
    assert only(found).accepts == ""
    assert [probe.ending for probe in world.tried] == list(ENDINGS)
    ids = {line for probe in world.tried for line in probe.lines if line.startswith("Message-ID:")}
    assert len(ids) == len(ENDINGS)


def test_the_first_proof_is_enough() -> None:
    found, world = ends(lambda probe, n: EARLY if n == 2 else RIGHT, MX)
    assert only(found).accepts == "LF.CRLF"
    assert len(world.tried) == 2
    assert [cite.probe for cite in only(found).cites] == [world.tried[1]]


def test_a_host_that_puts_us_off_is_left_alone() -> None:
    found, world = ends(lambda probe, n: LATER, MX)
    assert '"450 4.7.1 greylisted"' in only(found).because
    assert len(world.tried) == 1


def test_a_host_in_our_network_is_spared_for_it_may_spare_us_its_guard() -> None:
    found, world = ends(lambda probe, n: EARLY, MX, ours="192.0.2.200")
    assert isinstance(only(found), Unavailable)
    assert world.tried == []


def test_a_host_with_two_addresses_is_tried_at_the_first() -> None:
    found, _ = ends(lambda probe, n: RIGHT, MX, survey("mx1", "192.0.2.2"), survey("mx2", "192.0.2.3"))
    assert isinstance(found, Many)
    assert list(found.items) == ["mx1 [192.0.2.1]:25", "mx2 [192.0.2.3]:25"]


def test_what_became_of_the_dot() -> None:
    message = SentMessage(
        endpoint=MX[1].endpoint, message_id="n", marked=".dot", look=MX[1].look, cite=Cite("sent")
    )

    def read(*body: str) -> Any:
        collected = CollectedMessages(bodies={"n": body}, cites={"n": Cite("read")}, cite=Cite("all"))
        return only(anyio.run(inbound_dots.function, Many({"x": message}), collected))

    assert read("text", ".dot").doubled is False
    assert read("text", "..dot").doubled is True
    assert isinstance(read("text", "dot"), Unavailable), "taken off altogether, or rewritten"
    lost = CollectedMessages(bodies={}, cites={}, cite=Cite("all"))
    assert "did not show up" in only(anyio.run(inbound_dots.function, Many({"x": message}), lost)).because
