"""A world played in memory: connections are pairs of wires, hosts are tasks, and nothing leaves the process."""

from __future__ import annotations

import ipaddress
from collections import Counter
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
import anyio.lowlevel

from diag.lab.live.network import Trouble, Wire, WireError

from . import pipe
from .hosts import HostSpec, State
from .mail import Mail
from .peer import Heard, TornDown, serve
from .world import World


class MemoryNetwork:
    """The Network of a world. An async context manager: its hosts live until it is left.

    Where the world has a host at the address but not at the port, the connection is refused; an address
    that it does not know is unreachable. A filtered connection never comes about: end it by a cancel scope.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._addresses = {address for address, _ in world.hosts}
        self._connections: Counter[tuple[str, int]] = Counter()
        self._tasks: anyio.abc.TaskGroup | None = None
        self._wires: list[Wire] = []
        self.mail = Mail()
        """What has been delivered."""
        self.heard: list[Heard] = []
        """What the hosts heard, a connection an item, in the order in which they were opened."""

    async def __aenter__(self) -> Self:
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        for wire in self._wires:
            await wire.close()
        return await self._tasks.__aexit__(kind, error, trace)

    async def connect(self, address: str, port: int) -> Wire:
        """See Network."""
        assert self._tasks is not None, "the network is used outside its context"
        await anyio.lowlevel.checkpoint()
        address = str(ipaddress.ip_address(address))
        host = self._world.hosts.get((address, port))
        nobody = State.REFUSED if address in self._addresses else State.UNREACHABLE
        there = host.state if host is not None else nobody
        at_our_end = self._world.vantage.meets(address, port)
        match there if at_our_end is State.OPEN else at_our_end:
            case State.REFUSED:
                raise WireError(Trouble.REFUSED)
            case State.UNREACHABLE:
                raise WireError(Trouble.UNREACHABLE)
            case State.FILTERED:
                await anyio.sleep_forever()
            case State.OPEN:
                pass
        assert host is not None
        near, far = pipe.pair()
        client = _ClientEnd(near)
        self._wires += (near, far)
        heard = Heard(address, port)
        self.heard.append(heard)
        host = host.turn(self._connections[host.endpoint])
        self._connections[host.endpoint] += 1
        self._tasks.start_soon(self._play, host, far, client, heard)
        return client

    async def _play(self, host: HostSpec, wire: Wire, client: _ClientEnd, heard: Heard) -> None:
        try:
            await serve(host, wire, self._world.certificates, heard, self.mail)
        except TornDown:
            client.torn = True
        finally:
            await wire.close()


class _ClientEnd:
    """The client's wire, on which a reset by the peer shows as one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.torn = False

    async def read(self, most: int) -> bytes:
        """See Wire."""
        octets = await self._wire.read(most)
        if not octets and self.torn:
            raise WireError(Trouble.RESET)
        return octets

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        await self._wire.write(octets)

    async def close(self) -> None:
        """See Wire."""
        await self._wire.close()
