"""A list of domains spread over processes, as one of them takes no more than one core.

The session stays where it is, and with it the order, the window, the deadline and Ctrl-C: a domain that it begins
is looked at by the worker with the fewest in hand, and what comes back is what is told, no report and no evidence.
Workers are forked before there is an event loop or a thread: they have all that was loaded, and nothing is passed
to them but names.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pickle
import signal
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, NoReturn, Self, TypeVar

import anyio

from diag.lab.files import drop_unfinished
from diag.lab.limited import Limits
from diag.model.target import Target

from .faults import Crash, Fault, reason, said
from .session import Running

R = TypeVar("R")

LEAST = 32
"""Domains that a worker must have before it: for fewer, starting it takes longer than it saves."""
_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_LENGTH = struct.Struct("!I")
_QUESTIONS = ("questions_per_server",)
_CONNECTIONS = ("connections_per_service", "connections_per_web_service", "connections_per_network")


def number(domains: int, target: Target, limits: Limits, *, most: int | None, at_a_time: int | None) -> int:
    """How many processes look at so many domains; 1 is this one alone.

    `most` is what the user wants at most; unasked it is one for each core we may use, of LEAST domains at least.
    With mail hosts there is one: what a host is asked for at a time, and when again, is known in one place. For
    the rest every process gets a share of the limits, so there are no more than the least of them has shares.
    """
    if target.dialogues or target.intrusive or not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    concerned = _QUESTIONS if target.dns_only else _QUESTIONS + _CONNECTIONS
    shares: int = min(getattr(limits, name) for name in concerned)
    return max(1, min(most or min(_cores(), domains // LEAST), domains, at_a_time or domains, shares))


def share(limits: Limits, processes: int) -> Limits:
    """What each of them may ask of a server at a time, so that all together keep the limits."""
    counted = {name: max(1, getattr(limits, name) // processes) for name in _QUESTIONS + _CONNECTIONS}
    return dataclasses.replace(limits, **counted)


def _cores() -> int:
    """The cores we may use. Where the system does not say, it is one that minds being forked, too (macOS)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


class Workers(Generic[R]):
    """Processes that look at domains, while the context lasts; `begin` is called in them, on a loop with these options.

    They end with their connection to us: however we end, none is left behind.
    """

    def __init__(
        self, count: int, begin: Callable[[str], Running[R]], loop: dict[str, Any] | None = None
    ) -> None:
        self._count = count
        self._begin = begin
        self._loop = loop or {}
        self._workers: list[_Worker[R]] = []

    def __enter__(self) -> Self:
        """Fork. Raises Fault where the system has no room for another process."""
        # Whoever presses Ctrl-C now means us, before and after.
        usual = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
        try:
            for _ in range(self._count):
                self._workers.append(self._fork(usual))
        except OSError as error:
            self.__exit__()
            raise Fault(f"no process can be started: {reason(error)}; --processes 1 needs none") from None
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.ended()

    def _fork(self, usual: Iterable[int]) -> _Worker[R]:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for one in (ours, *(worker.connection for worker in self._workers)):
                one.close()
            for ending in _ENDINGS:  # they reach the whole group at a terminal; we are told what to do
                signal.signal(ending, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, usual)
            _work(theirs, self._begin, self._loop)
        theirs.close()
        return _Worker(pid, ours)

    async def attended(self, session: Callable[[], Awaitable[None]]) -> None:
        """Run a session that begins domains here. Raises Crash where a worker ends before it."""
        try:
            async with anyio.create_task_group() as tasks:
                for worker in self._workers:
                    await worker.open()
                    tasks.start_soon(worker.listen)
                await session()
                tasks.cancel_scope.cancel()
        finally:
            for worker in self._workers:
                worker.leave()

    def begin(self, name: str) -> Running[R]:
        """Hand a domain to a worker that has time for it."""
        return _Handed(min(self._workers, key=lambda worker: len(worker.looking)), name)


class _Handed(Generic[R]):
    """A domain in the hands of a worker."""

    def __init__(self, worker: _Worker[R], name: str) -> None:
        self._worker = worker
        self._name = name

    async def run(self) -> R | None:
        """See Running."""
        return await self._worker.look(self._name)

    def stop(self, reason: str) -> None:
        """See Running."""
        self._worker.say(self._name, reason)


class _Worker(Generic[R]):
    """A worker as its parent sees it."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.connection = connection
        self.looking: dict[str, asyncio.Future[R | None]] = {}
        self._pid: int | None = pid
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        self._streams = await asyncio.open_connection(sock=self.connection)

    def say(self, name: str, stop: str = "") -> None:
        """Have a domain looked at; or no longer, and why."""
        assert self._streams is not None
        self._streams[1].write(_framed((name, stop)))

    async def look(self, name: str) -> R | None:
        done = self.looking[name] = asyncio.get_running_loop().create_future()
        self.say(name)
        try:
            found: R | None = await done
            return found
        finally:
            del self.looking[name]

    async def listen(self) -> None:
        """Hand on what comes back. Raises Crash where the worker, or what it looked with, is at its end."""
        assert self._streams is not None
        while (heard := await _heard(self._streams[0])) is not None:
            name, found = heard
            if isinstance(found, Crash):
                raise found
            done = self.looking.get(name)
            if done is not None and not done.done():  # it may have been given up a moment ago
                done.set_result(found)
        first, *others = self.looking or ("no domain",)
        and_more = f" and {len(others)} more" if others else ""
        raise Crash(f"a process of this run {self.ended()} while it looked at {first}{and_more}")

    def leave(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()

    def ended(self) -> str:
        """Wait until it has, and say how."""
        if self._pid is None:
            return "ended"
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._pid = None
        return (
            f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with {code}"
        )


def _work(connection: socket.socket, begin: Callable[[str], Running[Any]], loop: dict[str, Any]) -> NoReturn:
    """What a worker is there for. It never comes back to what its parent was doing."""
    try:
        anyio.run(_serve, connection, begin, backend_options=loop)
    finally:
        drop_unfinished()
        os._exit(1)


async def _serve(connection: socket.socket, begin: Callable[[str], Running[Any]]) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    running: dict[str, Running[Any]] = {}

    async def look(name: str) -> None:
        try:
            found = await running[name].run()
        except Exception as error:
            found = Crash(f"this is a bug of ours: {said(error)}")
        del running[name]
        writer.write(_framed((name, found)))

    async with anyio.create_task_group() as tasks:
        while (heard := await _heard(reader)) is not None:
            name, stop = heard
            if not stop:
                running[name] = begin(name)
                tasks.start_soon(look, name)
            elif name in running:
                running[name].stop(stop)
        drop_unfinished()
        os._exit(0)  # nobody waits for what is under way


def _framed(said: object) -> bytes:
    octets = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(octets)) + octets


async def _heard(reader: asyncio.StreamReader) -> Any:
    """What the other end says next; None where it is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from ourselves
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
