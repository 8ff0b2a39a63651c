"""What is asked while the program is being loaded is answered once, and never lost."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import anyio
import dns.rrset

from diag.lab.ahead import MOST_HOSTS, Ahead
from diag.probes.dns import DnsQuery, DnsSilence, Silent, build_answer

MX = DnsQuery("d.example", "MX")
MANY = tuple(f"{number} mx{number}.d.example." for number in range(1, 9))


class World:
    """A resolver that answers when it is let."""

    def __init__(self, *mx: str, fails: bool = False) -> None:
        self.asked: Counter[DnsQuery] = Counter()
        self.mx, self.fails = mx, fails
        self.let = threading.Event()

    async def ask(self, query: DnsQuery) -> Any:
        self.asked[query] += 1
        await anyio.to_thread.run_sync(self.let.wait)
        if self.fails:
            raise OSError("broken")
        if query != MX:
            return build_answer(query)
        if not self.mx:
            return DnsSilence(Silent.TIMED_OUT)
        return build_answer(query, (dns.rrset.from_text("d.example.", 60, "IN", "MX", *self.mx),))

    run = ask
    """As the lab below, too."""


def asked(world: World, *queries: DnsQuery) -> list[Any]:
    answers: dict[DnsQuery, Any] = {}

    async def work() -> None:
        lab = Ahead("d.example", world.ask).over(world)

        async def one(query: DnsQuery) -> None:
            answers[query] = await lab.run(query)

        async with anyio.create_task_group() as tasks:
            for query in queries:
                tasks.start_soon(one, query)
            await anyio.sleep(0.01)
            world.let.set()

    anyio.run(work)
    return [answers[query] for query in queries]


def test_the_records_and_the_addresses_they_lead_to_are_asked_once() -> None:
    world = World("10 Mx1.D.example.", "20 mx2.d.example.")
    world.let.set()
    addresses = [DnsQuery(f"mx{n}.d.example", rdtype) for n in (1, 2) for rdtype in ("A", "AAAA")]

    async def work() -> Any:
        lab = Ahead("d.example", world.ask).over(world)
        answer = await lab.run(MX)
        for query in addresses:
            await lab.run(query)
        return answer

    answer = anyio.run(work)
    assert answer.rrset("d.example", "MX") is not None
    assert world.asked == dict.fromkeys((MX, *addresses), 1)


def test_other_questions_go_their_usual_way() -> None:
    world = World("0 .")
    assert len(asked(world, DnsQuery("d.example", "TXT"))) == 1
    assert world.asked == {DnsQuery("d.example", "TXT"): 1, MX: 1}


def test_of_many_hosts_only_the_first_are_asked_for() -> None:
    world = World(*MANY)
    asked(world, MX, DnsQuery("mx8.d.example", "A"))
    assert {query.name for query in world.asked} <= {"d.example", "mx8.d.example"} | {
        f"mx{n}.d.example" for n in range(1, MOST_HOSTS + 1)
    }


def test_silence_is_an_answer_like_others() -> None:
    world = World()
    assert asked(world, MX) == [DnsSilence(Silent.TIMED_OUT)]
    assert world.asked == {MX: 1}


def test_where_asking_ahead_breaks_down_the_lab_below_is_asked() -> None:
    class Broken(World):
        async def run(self, probe: Any) -> Any:
            return "from below"

    assert asked(Broken(fails=True), MX) == ["from below"]
