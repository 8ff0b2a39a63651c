"""The clock, chance, and the way out of this machine."""

from __future__ import annotations

import random
import socket
import string
from datetime import UTC, datetime

import anyio

from diag.model.plugin import performs
from diag.probes.moment import Label, Moment, Nonce, Now, Reach, Reached, Route, Source

from .live import Means
from .network import WireError

_ELSEWHERE = {4: (socket.AF_INET, "1.1.1.1"), 6: (socket.AF_INET6, "2606:4700:4700::1111")}
_PATIENCE = 6.0
_CLIENT_FIRST = frozenset({443, 465, 993, 995})
"""Ports on which the client speaks first, by TLS: there is nothing to hear."""


@performs(Now)
async def now(probe: Now, means: Means) -> Moment:
    """The wall clock."""
    return Moment(datetime.now(UTC).replace(microsecond=0))


@performs(Nonce)
async def nonce(probe: Nonce, means: Means) -> Label:
    """Sixteen letters at random."""
    draw = random.SystemRandom()
    return Label("".join(draw.choice(string.ascii_lowercase) for _ in range(16)))


@performs(Route)
async def route(probe: Route, means: Means) -> Source:
    """The source address the kernel would choose; connecting a datagram socket sends nothing."""
    family, elsewhere = _ELSEWHERE[probe.family]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((elsewhere, 53))
            return Source(str(sock.getsockname()[0]))
    except OSError:
        return Source("")


@performs(Reach)
async def reach(probe: Reach, means: Means) -> Reached:
    """Connect, hear the first line, say QUIT."""
    began = anyio.current_time()

    def so_far() -> int:
        return round((anyio.current_time() - began) * 1000)

    line = b""
    try:
        with anyio.fail_after(_PATIENCE):
            wire = await means.network.connect(probe.address, probe.port)
    except WireError as error:
        return Reached(error.trouble.value, took_ms=so_far())
    except TimeoutError:
        return Reached("timed out", took_ms=so_far())
    try:
        with anyio.move_on_after(0 if probe.port in _CLIENT_FIRST else _PATIENCE):
            line = (await wire.read(512)).split(b"\r\n")[0]
            await wire.write(b"QUIT\r\n")
    except WireError:
        pass
    finally:
        await wire.close()
    return Reached("", line.decode("utf-8", "replace"), so_far())
