"""Asking while the program is still being loaded: the questions on which the rest of every run waits."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

import anyio

from diag.names.parsed import plain
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.probe import E, Lab, Probe

MOST_HOSTS = 4
"""MX hosts whose addresses are asked for ahead; further ones wait for their turn."""


class Ahead:
    """Where mail for a domain goes, asked by a thread of its own from the moment this is made.

    Loading takes longer than the two round trips that this needs. `ask` carries out one question.
    """

    def __init__(self, domain: str, ask: Callable[[DnsQuery], Awaitable[DnsEvidence]]) -> None:
        self._ask = ask
        self._mx = DnsQuery(domain, "MX")
        self._promised: dict[Probe[Any], Future[Any]] = {self._mx: Future()}
        threading.Thread(target=self._work, daemon=True).start()

    def over(self, inner: Lab) -> Lab:
        """A lab in which those questions need not be asked again."""
        return _Over(inner, self._promised)

    def _work(self) -> None:
        # Whatever goes wrong here is met again, and told, by the run itself: what was not answered it asks.
        with suppress(Exception):
            anyio.run(self._follow)
        for promise in self._promised.values():
            promise.cancel()

    async def _follow(self) -> None:
        answer = await self._ask(self._mx)
        addresses = [
            DnsQuery(host, rdtype) for host in _hosts(answer, self._mx.name) for rdtype in ("A", "AAAA")
        ]
        # Promised before whoever waits for the hosts hears of them: nothing is asked twice.
        self._promised.update({query: Future() for query in addresses})
        self._promised[self._mx].set_result(answer)
        async with anyio.create_task_group() as tasks:
            for query in addresses:
                tasks.start_soon(self._keep, query)

    async def _keep(self, query: DnsQuery) -> None:
        self._promised[query].set_result(await self._ask(query))


def _hosts(answer: DnsEvidence, domain: str) -> list[str]:
    found = answer.rrset(domain, "MX") if isinstance(answer, DnsAnswer) and answer.usable else None
    names = (plain(rdata.exchange) for rdata in (found.rdatas if found else ()))  # type: ignore[attr-defined]
    return [name for name in dict.fromkeys(names) if name.strip(".")][:MOST_HOSTS]


class _Over:
    def __init__(self, inner: Lab, promised: dict[Probe[Any], Future[Any]]) -> None:
        self._inner = inner
        self._promised = promised

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        promise = self._promised.get(probe)
        if promise is not None:
            if not promise.done():
                await anyio.to_thread.run_sync(_waited, promise, abandon_on_cancel=True)
            if not promise.cancelled():
                found: E = promise.result()
                return found
        return await self._inner.run(probe)


def _waited(promise: Future[Any]) -> None:
    with suppress(CancelledError):
        promise.exception()
