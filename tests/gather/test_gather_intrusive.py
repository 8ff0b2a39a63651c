"""Whom the trial of relaying is spared, and what it starts from."""

from __future__ import annotations

from typing import Any

import anyio

from diag.facts.inbound import InboundSurvey, Look
from diag.facts.intrusive import InboundRelay
from diag.gather.intrusive import inbound_relays
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.moment import Label, Nonce, Route, Source
from diag.probes.relay import RelayTalk
from diag.probes.talks import SmtpTalk
from diag.wire.relay import Taken
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

WISH = Target("d.example", public=("203.0.113.0/24",), intrusive=True)


def talk(*lines: str) -> Transcript:
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for line in lines:
        who = Who.US if line.startswith("> ") else Who.PEER
        events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, Ending.BY_US, "")))


GREETED = talk("220 mx", "> EHLO me", "250-mx", "250 8BITMIME", "> QUIT", "221 Bye")
THROTTLED = talk("220 mx", "> EHLO me", "421 4.7.0 too many connections")
REFUSES = talk("220 mx", "> EHLO me", "250 mx", "> MAIL FROM:<>", "250 Ok", "> RCPT TO:<n@x>", "554 no relay")


def survey(host: str, address: str, said: Transcript = GREETED) -> tuple[str, InboundSurvey]:
    endpoint = Endpoint(host, address, 25)
    look = Look(SmtpTalk(address, 25, host, "me"), said, read_smtp(said))
    return str(endpoint), InboundSurvey(endpoint, look, None, Certainty.LIKELY)


class World:
    """A machine at one address, and hosts that refuse."""

    def __init__(self, ours: str) -> None:
        self.ours = ours
        self.tried: list[RelayTalk] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case Route():
                return Source(self.ours)
            case Nonce():
                return Label("nonce")
            case RelayTalk():
                self.tried.append(probe)
                return REFUSES
        raise AssertionError(probe)


def relays(
    *surveys: tuple[str, InboundSurvey], ours: str = "203.0.113.5", target: Target = WISH
) -> tuple[Many[InboundRelay] | Absent, World]:
    world = World(ours)

    async def run() -> Many[InboundRelay] | Absent:
        found: Many[InboundRelay] | Absent = await inbound_relays.function(target, Many(dict(surveys)), world)
        return found

    return anyio.run(run), world


def test_unless_the_user_asks_nothing_is_tried() -> None:
    found, world = relays(survey("mx1", "192.0.2.1"), target=Target("d.example"))
    assert isinstance(found, Absent)
    assert "--intrusive" in found.because
    assert world.tried == []


def test_two_names_of_one_address_are_tried_once() -> None:
    found, world = relays(survey("mx1", "192.0.2.1"), survey("mx2", "192.0.2.1"), survey("mx3", "192.0.2.9"))
    assert [(probe.host, probe.address) for probe in world.tried] == [
        ("mx1", "192.0.2.1"),
        ("mx3", "192.0.2.9"),
    ]
    assert isinstance(found, Many)
    assert [relay.taken for relay in found.values()] == [Taken.NO, Taken.NO]


def test_a_neighbour_of_ours_is_left_alone_as_it_may_trust_us() -> None:
    found, world = relays(survey("mx1", "203.0.113.77"), survey("mx2", "203.0.114.77"))
    assert [probe.address for probe in world.tried] == ["203.0.114.77"]
    assert isinstance(found, Many)
    ((subject, unknown),) = found.unknown()
    assert subject == "mx1 [203.0.113.77]:25"
    assert "same network" in unknown.because


def test_neighbours_in_ipv6_share_a_48() -> None:
    _, world = relays(
        survey("mx1", "2001:db8:1:9::1"), survey("mx2", "2001:db8:2::1"), ours="2001:db8:1:2::1"
    )
    assert [probe.address for probe in world.tried] == ["2001:db8:2::1"]


def test_whoever_turned_us_away_is_not_tried() -> None:
    found, world = relays(survey("mx1", "192.0.2.1", THROTTLED))
    assert world.tried == []
    assert isinstance(found, Many)
    assert [type(value) for value in found.items.values()] == [Unavailable]


def test_what_was_not_known_stays_unknown() -> None:
    found, world = relays(("mx1 [192.0.2.1]:25", Unavailable("silence")))  # type: ignore[arg-type]
    assert isinstance(found, Many)
    assert dict(found.items) == {"mx1 [192.0.2.1]:25": Unavailable("silence")}
    assert world.tried == []
