"""The critical path: what waited for what, counted while a run asks."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import anyio
import pytest

from diag import together
from diag.gather.dns import look_up
from diag.lab.followed import Followed
from diag.lab.once import Once
from diag.probes.dns import DnsQuery, DnsSilence, Silent, build_answer
from diag.probes.https import HttpExchange
from diag.probes.moment import Nonce
from diag.probes.probe import Probe
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.together import all_of, task_group
from diag.wire.transcript import Opened, Said, Secured, Transcript, Who


class Answers:
    """Answers everything; counts."""

    def __init__(self) -> None:
        self.asked: list[Probe[Any]] = []

    async def run(self, probe: Probe[Any]) -> Any:
        self.asked.append(probe)
        await anyio.sleep(0)
        return build_answer(probe) if isinstance(probe, DnsQuery) else object()


def question(name: str) -> DnsQuery:
    return DnsQuery(f"{name}.example", "TXT")


async def _one_after_another(lab: Followed) -> None:
    for name in "abc":
        await lab.run(question(name))


async def _at_the_same_time(lab: Followed) -> None:
    await all_of(lambda name: lab.run(question(name)), "abc")


async def _together_then_one(lab: Followed) -> None:
    await all_of(lambda name: _both(lab, name) if name == "b" else lab.run(question(name)), "abc")
    await lab.run(question("z"))


async def _both(lab: Followed, name: str) -> None:
    await lab.run(question(name))
    await lab.run(question(f"{name}{name}"))


async def _from_within(lab: Followed) -> None:
    async with task_group() as group:

        async def first() -> None:
            await lab.run(question("a"))
            group.start_soon(lab.run, question("b"))

        group.start_soon(first)
    await lab.run(question("c"))


async def _known_already(lab: Followed) -> None:
    await _both(lab, "a")
    await all_of(lambda _: lab.run(question("aa")), "xy")
    await lab.run(question("c"))


async def _looked_up_again(lab: Followed) -> None:
    await lab.run(question("z"))
    await look_up(lab, "a.example", "TXT")

    async def elsewhere() -> None:
        await look_up(lab, "a.example", "TXT")
        await lab.run(question("b"))

    async with task_group() as group:
        group.start_soon(elsewhere)


async def _known_beside_new(lab: Followed) -> None:
    async def elsewhere() -> None:
        await lab.run(question("y"))
        await look_up(lab, "a.example", "TXT")

    await asyncio.gather(asyncio.create_task(elsewhere()))
    await all_of(lambda name: look_up(lab, f"{name}.example", "TXT"), ("a", "b"))
    assert lab.round_trips == 2, "what is asked beside it did not wait for what is known"
    await lab.run(question("c"))


async def _costs_nothing(lab: Followed) -> None:
    await lab.run(Nonce())
    await lab.run(question("a"))


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (_one_after_another, 3),
        (_at_the_same_time, 1),
        (_together_then_one, 3),
        (_from_within, 3),
        (_known_already, 3),
        (_looked_up_again, 3),
        (_known_beside_new, 3),
        (_costs_nothing, 1),
    ],
)
def test_the_longest_chain_is_counted(work: Any, expected: int) -> None:
    lab = Followed(Answers())
    anyio.run(work, lab)
    assert lab.round_trips == expected


def test_what_another_run_waited_for_is_not_counted() -> None:
    shared = Once(Answers())

    first = Followed(shared)
    anyio.run(_one_after_another, first)
    second = Followed(shared)
    anyio.run(second.run, question("c"))
    assert (first.round_trips, second.round_trips) == (3, 1)


def test_a_look_up_made_again_asks_nothing() -> None:
    answers = Answers()
    lab = Followed(answers)

    async def work() -> tuple[Any, Any]:
        return await look_up(lab, "a.example", "TXT"), await look_up(lab, "a.example", "TXT")

    first, second = anyio.run(work)
    assert first is second
    assert len(answers.asked) == 1


def test_for_what_is_known_no_task_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Followed(Answers())

    async def work() -> list[str]:
        def ask(name: str) -> Any:
            return look_up(lab, f"{name}.example", "TXT")

        first = await all_of(ask, "abc")
        monkeypatch.setattr(together, "task_group", None)
        assert await all_of(ask, "cab") == first
        return list(await all_of(ask, "dcab"))

    assert anyio.run(work) == ["d", "c", "a", "b"]


def test_what_is_known_is_a_coroutine_like_any_other() -> None:
    async def work() -> tuple[int, int]:
        asked = asyncio.create_task(together.Known(7, 0))
        return await asked, await together.Known(8, 0)

    assert anyio.run(work) == (7, 8)


def test_where_not_all_can_be_asked_none_is_left_behind() -> None:
    lab = Followed(Answers())

    def ask(name: str) -> Any:
        return lab.run(question(name)) if name == "a" else {}["b"]

    with pytest.raises(KeyError):
        anyio.run(all_of, ask, "ab")
    gc.collect()  # a coroutine that was never awaited would be complained of here
    assert not lab.seen


HANDSHAKE = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384")
OLD = Handshake("TLSv1.2", "ECDHE-RSA-AES128-SHA")


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (build_answer(question("a")), 1),
        (DnsSilence(Silent.TIMED_OUT), 0),
        (HttpExchange(200, handshake=HANDSHAKE), 3),
        (HttpExchange(200, handshake=OLD), 4),
        (HttpExchange(0, handshake=TlsFailure(TlsTrouble.NOT_TLS)), 2),
        (HttpExchange(0, trouble="refused"), 1),
        (
            Transcript(
                (
                    Opened(0, "192.0.2.1", 25),
                    Said(0, Who.PEER, b"220\r\n", False),
                    Said(0, Who.US, b"EHLO\r\n", False),
                    Said(0, Who.PEER, b"250-a\r\n", False),
                    Said(0, Who.PEER, b"250 b\r\n", False),
                    Said(0, Who.US, b"STARTTLS\r\n", False),
                    Said(0, Who.PEER, b"220\r\n", False),
                    Secured(0, HANDSHAKE, b""),
                    Said(0, Who.US, b"QUIT\r\n", True),
                )
            ),
            5,
        ),
        (
            Transcript(
                (
                    Opened(0, "192.0.2.1", 993),
                    Secured(0, HANDSHAKE, b""),
                    Said(0, Who.PEER, b"* OK\r\n", True),
                )
            ),
            3,
        ),
    ],
)
def test_evidence_says_what_it_cost(evidence: Any, expected: int) -> None:
    assert getattr(evidence, "round_trips", 0) == expected


async def _text(lab: Followed, name: str) -> Any:
    return await look_up(lab, f"{name}.example", "TXT")


def test_what_one_run_looked_up_another_one_takes_over_with_its_exchanges() -> None:
    answers = Answers()
    shared = Once(answers)
    first, second = Followed(shared, shared), Followed(shared, shared)
    looked = anyio.run(_text, first, "a")
    anyio.run(second.run, question("b"))
    assert anyio.run(_text, second, "a") is looked
    assert answers.asked == [question("a"), question("b")]
    assert second.seen[question("a")] is first.seen[question("a")]
    assert second.round_trips == 1, "the two runs of the loop have not waited for one another"


def test_what_is_taken_over_counts_behind_what_was_waited_for() -> None:
    shared = Once(Answers())

    async def one_behind_the_other(lab: Followed) -> None:
        await lab.run(question("b"))
        await _text(lab, "a")
        await lab.run(question("c"))

    anyio.run(_text, Followed(shared, shared), "a")
    second = Followed(shared, shared)
    anyio.run(one_behind_the_other, second)
    assert second.round_trips == 3


def test_nothing_is_taken_over_where_this_run_has_heard_otherwise() -> None:
    shared = Once(Answers(), most=1)
    first, second = Followed(shared, shared), Followed(shared, shared)
    looked = anyio.run(_text, first, "a")
    anyio.run(first.run, question("b"))  # and what was heard of a is forgotten, not what it led to
    heard = anyio.run(second.run, question("a"))
    assert anyio.run(_text, second, "a") is not looked
    assert second.seen[question("a")] is heard


def test_nothing_is_taken_over_while_this_run_asks_the_same() -> None:
    shared = Once(Answers(), most=1)
    first, second = Followed(shared, shared), Followed(shared, shared)
    looked = anyio.run(_text, first, "a")
    anyio.run(first.run, question("b"))

    async def beside_itself() -> Any:
        found: list[Any] = []

        async def later() -> None:
            found.append(await _text(second, "a"))

        async with task_group() as group:
            group.start_soon(second.run, question("a"))
            group.start_soon(later)
        return found[0]

    assert anyio.run(beside_itself) is not looked


def test_of_what_was_looked_up_the_oldest_is_forgotten() -> None:
    shared = Once(Answers(), most=2)
    for name in "abac":
        anyio.run(_text, Followed(shared, shared), name)
    kept = [
        name for name in "abc" if Followed(shared, shared).recall((look_up, f"{name}.example", "TXT", None))
    ]
    assert kept == ["a", "c"]
