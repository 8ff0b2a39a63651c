"""Ask nothing twice; spend nobody's patience."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
import trio.testing

from diag.lab.gate import Gate
from diag.lab.limited import Limited, Limits
from diag.lab.once import Once
from diag.lab.reroute import Reroute
from diag.probes.dns import DnsQuery
from diag.probes.moment import Reach, Reached, Route, Source
from diag.probes.talks import ImapTalk
from diag.probes.tls_offer import TlsOffer
from diag.tls.offers import old
from diag.wire.reach import Reached as HowFar
from diag.wire.reading import read_imap
from diag.wire.transcript import Closed, Ending, Said, Transcript, Who


def on_a_jumping_clock(work: Any, *args: Any) -> Any:
    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(work, *args, backend="trio", backend_options={"clock": clock})


@dataclass(frozen=True)
class Heard:
    throttled: bool


class Slow:
    """A world in which everything takes a second; it counts who is there at the same time."""

    def __init__(self, throttled: bool = False) -> None:
        self.asked: Counter[Any] = Counter()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.began: list[float] = []
        self.throttled = throttled

    async def run(self, probe: Any) -> Any:
        self.asked[probe] += 1
        self.began.append(anyio.current_time())
        keys = (f"{probe.peer}#{getattr(probe, 'port', '')}", str(probe.peer))
        for key in keys:
            self.now[key] += 1
            self.most[key] = max(self.most[key], self.now[key])
        await anyio.sleep(1)
        for key in keys:
            self.now[key] -= 1
        return Heard(self.throttled)


def reach(last: int = 1, port: int = 25, host: str = "h") -> Reach:
    return Reach(host, f"192.0.2.{last}", port)


async def all_at_once(lab: Any, probes: list[Any]) -> None:
    async with anyio.create_task_group() as tasks:
        for probe in probes:
            tasks.start_soon(lab.run, probe)


def test_the_same_question_is_asked_once_even_at_the_same_time() -> None:
    world = Slow()
    lab = Once(world)
    on_a_jumping_clock(all_at_once, lab, [reach(), reach(), reach(2)])
    assert world.asked == {reach(): 1, reach(2): 1}
    assert set(lab.seen) == {reach(), reach(2)}


def test_who_waits_for_a_cancelled_asker_asks_himself() -> None:
    world = Slow()

    async def work() -> Any:
        lab = Once(world)

        async def impatient() -> None:
            with anyio.move_on_after(0.5):
                await lab.run(reach())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(impatient)
            await anyio.sleep(0.1)
            return await lab.run(reach())

    assert on_a_jumping_clock(work) == Heard(False)
    assert world.asked[reach()] == 2


def test_a_bounded_memory_forgets_the_oldest() -> None:
    world = Slow()

    async def work() -> None:
        lab = Once(world, most=2)
        for last in (1, 2, 3, 1):
            await lab.run(reach(last))

    on_a_jumping_clock(work)
    assert world.asked[reach(1)] == 2
    assert world.asked[reach(3)] == 1


def test_no_service_sees_more_than_three_connections_and_no_network_more_than_twelve() -> None:
    world = Slow()
    same_service = [reach(1, 25, f"h{n}") for n in range(6)]
    same_network = [reach(n, port) for n in range(2, 16) for port in (25, 100 + n)]
    on_a_jumping_clock(all_at_once, Limited(world), same_service + same_network)
    assert world.most["192.0.2.1#25"] == 3
    assert max(sum(1 for other in world.began if begun <= other < begun + 1) for begun in world.began) == 12


def offered(number: int, port: int) -> TlsOffer:
    return TlsOffer("192.0.2.1", port, f"h{number}.example", "smtp", "starttls", "me", old())


SMTP_PORTS = (25, 587, 465, 2525)


def test_a_handshake_that_is_broken_off_keeps_its_place_at_the_mail_server_for_half_a_second() -> None:
    """Exim's process lives on for so long, and it takes 20 connections in all: from us no more than 12 at a time."""
    world = Slow()
    on_a_jumping_clock(all_at_once, Limited(world), [offered(n, SMTP_PORTS[n % 4]) for n in range(48)])
    assert len(world.began) == 48
    for begun in world.began:
        assert sum(begun - 1.5 < other <= begun for other in world.began) <= 12
    assert max(world.began) < 12, "they wait no longer than they must"


def test_a_conversation_that_ends_in_order_gives_its_place_back_at_once() -> None:
    world = Slow()
    talks = [reach(1, SMTP_PORTS[n % 4], f"h{n}.example") for n in range(48)]
    on_a_jumping_clock(all_at_once, Limited(world), talks)
    assert {begun % 1 for begun in world.began} == {world.began[0] % 1}


def test_who_waits_for_a_lingering_place_and_is_cancelled_leaves_it_to_others() -> None:
    async def work() -> float:
        gate = Gate(1, lingers=0.5)
        await gate.enter()
        gate.leave(lingers=True)
        began = anyio.current_time()
        with anyio.move_on_after(0.2):
            await gate.enter()
        assert gate.idle
        await gate.enter()
        return anyio.current_time() - began

    assert on_a_jumping_clock(work) == pytest.approx(0.5)


def test_questions_to_one_server_stay_below_their_limit() -> None:
    world = Slow()
    questions = [
        DnsQuery(f"n{n}.example", "A", server) for n in range(120) for server in (None, "192.0.2.53")
    ]
    on_a_jumping_clock(all_at_once, Limited(world), questions)
    assert (world.most["dns:resolver"], world.most["dns:192.0.2.53"]) == (100, 50)


def test_mx_hosts_are_let_in_before_the_ports_that_nothing_waits_for() -> None:
    began: list[int] = []

    class Noting(Slow):
        async def run(self, probe: Any) -> Any:
            began.append(probe.port)
            return await super().run(probe)

    async def work() -> None:
        lab = Limited(Noting(), Limits(connections_per_network=1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_at_once, lab, [reach(1, port) for port in range(100, 104)])
            await anyio.sleep(0.5)
            tasks.start_soon(lab.run, reach(2, 25))

    on_a_jumping_clock(work)
    assert (began.index(25), len(began)) == (1, 5)


@pytest.mark.parametrize("cancelled_at", [0.5, 1.0])
def test_who_stops_waiting_leaves_no_place_empty(cancelled_at: float) -> None:
    world = Slow()

    async def work() -> None:
        lab = Limited(world, Limits(connections_per_service=1))

        async def impatient() -> None:
            with anyio.move_on_after(cancelled_at):
                await lab.run(reach(1, 25, "impatient"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lab.run, reach(1, 25, "first"))
            await anyio.sleep(0)
            tasks.start_soon(impatient)
            await anyio.sleep(0.1)
            tasks.start_soon(lab.run, reach(1, 25, "last"))

    on_a_jumping_clock(work)
    assert [probe.host for probe in world.asked][-1] == "last"
    assert world.most["192.0.2.1#25"] == 1


def test_after_a_421_the_next_connection_to_that_service_waits() -> None:
    world = Slow(throttled=True)

    async def work() -> None:
        lab = Limited(world, Limits(pause_after_421=5), chance=lambda: 0.4)
        for probe in (reach(1, 25, "a"), reach(1, 25, "b"), reach(1, 25, "c"), reach(1, 587)):
            await lab.run(probe)

    on_a_jumping_clock(work)
    gaps = [later - earlier for earlier, later in zip(world.began, world.began[1:], strict=False)]
    assert gaps == pytest.approx(
        [1 + 5 * 1.2, 1 + 10 * 1.2, 1]
    )  # each pause is twice the last, and a chance longer


def test_pauses_end_at_eighty_seconds() -> None:
    world = Slow(throttled=True)

    async def work() -> None:
        lab = Limited(world, Limits(pause_after_421=5), chance=lambda: 0.0)
        for number in range(8):
            await lab.run(reach(1, 25, f"h{number}"))

    on_a_jumping_clock(work)
    assert world.began[-1] - world.began[-2] == 81


def test_hosts_of_one_registered_domain_are_one_operator_wherever_they_lie() -> None:
    world = Slow()
    probes = [ImapTalk(f"192.0.{net}.1", 993, f"mx{net}.mail.example.co.uk") for net in range(40)]
    others = [ImapTalk(f"192.0.{net}.1", 993, f"mx.example{net}.co.uk") for net in range(40, 80)]
    on_a_jumping_clock(all_at_once, Limited(world, Limits(connections_per_operator=4)), probes)
    assert world.began.count(world.began[0]) == 3  # one of the four places is for MX hosts
    world.began.clear()
    on_a_jumping_clock(all_at_once, Limited(world, Limits(connections_per_operator=4)), others)
    assert world.began.count(world.began[0]) == 40


def test_a_service_that_was_asked_as_often_as_a_run_may_is_asked_no_more() -> None:
    world = Slow()
    talks = [ImapTalk("192.0.2.1", 993, f"h{number}.example", "implicit") for number in range(5)]
    elsewhere = ImapTalk("192.0.2.1", 143, "h.example")

    async def work() -> list[Any]:
        lab = Limited(world, Limits(connections_in_all=3))
        return [await lab.run(talk) for talk in (*talks, elsewhere)]

    heard = on_a_jumping_clock(work)
    assert sum(world.asked.values()) == 4
    assert [read_imap(each).state for each in heard[3:5]] == [HowFar.HELD_BACK] * 2
    assert "3 connections" in heard[3].closed.detail
    assert heard[5] == Heard(False)


class Recorder:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def run(self, probe: Any) -> Any:
        self.asked.append(probe)
        return Source("") if isinstance(probe, Route) else Reached("")


@pytest.mark.parametrize(
    ("only", "probe", "went"),
    [
        (False, Reach("mx.example", "198.51.100.1", 25), ("127.0.0.1", 4025)),
        (False, Reach("other.example", "198.51.100.9", 25), ("127.0.0.1", 4026)),
        (False, Reach("x.example", "198.51.100.8", 25), ("198.51.100.8", 25)),
        (True, Reach("x.example", "198.51.100.8", 25), ("127.0.0.1", 1)),
    ],
)
def test_connections_go_where_the_routes_say_and_nowhere_else_if_told(
    only: bool, probe: Reach, went: tuple[str, int]
) -> None:
    below = Recorder()
    routes = {("mx.example", 25): ("127.0.0.1", 4025), ("198.51.100.9", 25): ("127.0.0.1", 4026)}
    anyio.run(Reroute(routes, below, only=only).run, probe)
    assert [(p.address, p.port, p.host) for p in below.asked] == [(*went, probe.host)]


def test_rerouted_families_count_as_reachable_on_a_machine_without_a_way_out() -> None:
    routes = {("198.51.100.9", 25): ("127.0.0.1", 4026)}
    assert anyio.run(Reroute(routes, Recorder()).run, Route(6)) == Source("::1")
    assert anyio.run(Reroute({}, Recorder()).run, Route(6)) == Source("")


def test_two_of_eight_places_are_kept_for_mx_hosts() -> None:
    world = Slow()

    async def work() -> None:
        lab = Limited(world, Limits(connections_per_network=8))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_at_once, lab, [reach(1, port) for port in range(100, 110)])
            await anyio.sleep(0.5)
            tasks.start_soon(all_at_once, lab, [reach(2, 25), reach(3, 25)])

    on_a_jumping_clock(work)
    assert world.began == [0] * 6 + [0.5] * 2 + [1] * 4


def test_a_web_server_takes_as_many_as_a_browser_opens() -> None:
    world = Slow()

    async def work() -> None:
        await all_at_once(Limited(world), [reach(1, 443, f"h{number}") for number in range(10)])

    on_a_jumping_clock(work)
    assert world.most["192.0.2.1#443"] == 6


def test_mx_hosts_inside_take_no_place_from_others() -> None:
    world = Slow()

    async def work() -> None:
        lab = Limited(world, Limits(connections_per_network=8))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(all_at_once, lab, [reach(2, 25), reach(3, 25)])
            await anyio.sleep(0.5)
            tasks.start_soon(all_at_once, lab, [reach(1, port) for port in range(100, 107)])

    on_a_jumping_clock(work)
    assert world.began == [0] * 2 + [0.5] * 6 + [1.5]


def test_ports_with_starttls_go_before_those_where_tls_begins_at_once() -> None:
    world = Slow()

    async def work() -> None:
        lab = Limited(world, Limits(connections_per_network=1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lab.run, reach(1, 25))
            await anyio.sleep(0.5)
            tasks.start_soon(lab.run, ImapTalk("192.0.2.1", 993, "mx.example", "implicit"))
            await anyio.sleep(0.1)
            tasks.start_soon(lab.run, ImapTalk("192.0.2.1", 143, "mx.example", "starttls"))

    on_a_jumping_clock(work)
    assert [probe.port for probe in world.asked] == [25, 143, 993]


def said(*lines: bytes) -> Transcript:
    """A conversation in which the peer said these lines, after the first of which we said something."""
    ours = Said(1, Who.US, b"EHLO h.example\r\n", secure=False)
    first, *others = [Said(0, Who.PEER, line, secure=False) for line in lines]
    return Transcript((first, ours, *others, Closed(2, Ending.BY_US, "")))


@pytest.mark.parametrize(
    ("lines", "later"),
    [
        ((b"421 4.7.0 mx.example busy\r\n",), True),
        ((b"220 mx.example\r\n", b"250 ok\r\n", b"421 4.3.2 shutting down\r\n"), True),
        ((b"220 mx.example\r\n", b"450 4.7.1 Too many connections from you\r\n"), True),
        ((b"554 Connection rate limit exceeded\r\n",), True),
        ((b"* BYE Autologout\r\n",), True),
        ((b"-ERR [IN-USE] Too many connections\r\n",), True),
        ((b"* OK ready\r\n", b"* BYE see you\r\n"), False),
        ((b"220 mx.example\r\n", b"450 4.2.0 Greylisted\r\n"), False),
        ((b"220 mx.example\r\n", b"250 too many is never enough\r\n"), False),
    ],
)
def test_conversations_that_ask_us_to_come_later_are_known(lines: tuple[bytes, ...], later: bool) -> None:
    assert said(*lines).throttled is later


def test_a_421_that_was_heard_in_a_conversation_is_heeded() -> None:
    class Busy(Slow):
        async def run(self, probe: Any) -> Any:
            await super().run(probe)
            return said(b"421 busy\r\n")

    world = Busy()

    async def work() -> None:
        lab = Limited(world, Limits(pause_after_421=5), chance=lambda: 0.0)
        for host in ("a", "b"):
            await lab.run(ImapTalk("192.0.2.1", 143, f"{host}.example"))

    on_a_jumping_clock(work)
    assert world.began[1] - world.began[0] == 6
