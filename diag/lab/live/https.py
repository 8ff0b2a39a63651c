"""Performing an HTTP request with h11 on our own wire: limits in octets and seconds, no redirects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from diag.model.plugin import performs
from diag.probes.https import HttpExchange, HttpsGet
from diag.tls.handshake import TlsFailure, TlsTrouble

from .live import Means
from .network import Network, Wire, WireError
from .tls import secure

if TYPE_CHECKING:
    import h11

HEAD_LIMIT = 32768
"""Octets of status line and headers."""
OVERHEAD = 65536
"""Octets received beyond head and body: chunk sizes, trailers, interim responses."""
CHUNK = 8192


@performs(HttpsGet)
async def https_get(probe: HttpsGet, means: Means) -> HttpExchange:
    """Do the request over the run's network."""
    return await get(probe, means.network, probe.timeout)


async def get(probe: HttpsGet, network: Network, within: float) -> HttpExchange:
    """One connection, one request, within so many seconds. Never raises for what the peer does."""
    attempt = _Attempt(probe)
    began = anyio.current_time()
    await attempt.run(network, began + within)
    took = round((anyio.current_time() - began) * 1000)
    return replace(attempt.exchange, body=bytes(attempt.body), took_ms=took)


@dataclass
class _Attempt:
    """What is known so far: a limit may end the attempt anywhere, and what was heard counts."""

    probe: HttpsGet
    exchange: HttpExchange = field(default_factory=HttpExchange)
    body: bytearray = field(default_factory=bytearray)

    async def run(self, network: Network, deadline: float) -> None:
        wire: Wire | None = None
        with anyio.CancelScope(deadline=deadline) as connecting:
            try:
                wire = await network.connect(self.probe.address, self.probe.port)
            except WireError as error:
                self.note(error.trouble.value, error.detail)
        if connecting.cancelled_caught:
            self.note("timed-out", "the connection was not answered")
        if wire is None:
            return
        try:
            if self.probe.scheme == "https":
                wire = await self.secured(wire, deadline)
            if not self.exchange.trouble:
                await self.converse(wire, deadline)
        finally:
            await wire.close()

    async def secured(self, wire: Wire, deadline: float) -> Wire:
        """The wire under TLS; the same wire where that failed."""
        within = max(0.0, deadline - anyio.current_time())
        made = await secure(wire, self.probe.host, within=within, alpn=("http/1.1",))
        if isinstance(made, TlsFailure):
            self.exchange = replace(self.exchange, handshake=made)
            self.note("timed-out" if made.reason is TlsTrouble.TIMED_OUT else "tls", made.detail)
            return wire
        plain, handshake = made
        self.exchange = replace(self.exchange, handshake=handshake)
        return plain

    async def converse(self, wire: Wire, deadline: float) -> None:
        with anyio.CancelScope(deadline=deadline) as scope:
            try:
                await self.request(wire)
            except WireError as error:
                self.note(error.trouble.value, error.detail)
        if scope.cancelled_caught:
            self.note("timed-out", "the response did not end in time")

    async def request(self, wire: Wire) -> None:
        import h11

        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        try:
            asked = connection.send(
                h11.Request(method="GET", target=self.probe.path, headers=_headers(self.probe))
            )
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            self.note("failed", f"this cannot be asked: {error}")
            return
        await wire.write((asked or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await self.response(wire, connection)

    async def response(self, wire: Wire, connection: h11.Connection) -> None:
        import h11

        received, over, first = 0, False, b""
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                if first and not b"HTTP/".startswith(first[:5]):
                    line = first.split(b"\n")[0][:200].decode("ascii", "backslashreplace")
                    self.note("garbage", f"this is not HTTP: {line.rstrip()}")
                elif error.error_status_hint == 431:
                    self.note("too-big", f"more than {HEAD_LIMIT} octets before the body")
                else:
                    self.note("closed" if over else "garbage", str(error))
                return
            if event is h11.NEED_DATA:
                octets = await wire.read(CHUNK)
                received, over, first = received + len(octets), not octets, first or octets
                if received > self.probe.limit + HEAD_LIMIT + OVERHEAD:
                    self.note("too-big", "too many octets beside the body")
                    return
                connection.receive_data(octets)
            elif isinstance(event, h11.Response):
                self.exchange = replace(
                    self.exchange,
                    status=event.status_code,
                    reason=event.reason.decode("latin-1"),
                    headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in event.headers),
                )
                # h11 has made sure that it is a number.
                announced = int(self.exchange.header("content-length") or 0)
                if announced > self.probe.limit:
                    self.note("too-big", f"the body has {announced} octets, over {self.probe.limit}")
                    return
            elif isinstance(event, h11.Data):
                room = self.probe.limit - len(self.body)
                self.body += event.data[:room]
                if len(event.data) > room:
                    self.note("too-big", f"the body has more than {self.probe.limit} octets")
                    return
            elif not isinstance(event, h11.InformationalResponse):
                return  # the end of the message

    def note(self, trouble: str, detail: str = "") -> None:
        """Why it ended; with a response under way, that is where its body was cut."""
        truncated = self.exchange.status != 0
        self.exchange = replace(self.exchange, trouble=trouble, detail=detail, truncated=truncated)


def _headers(probe: HttpsGet) -> list[tuple[str, str]]:
    usual = {"https": 443, "http": 80}[probe.scheme]
    host = f"[{probe.host}]" if ":" in probe.host else probe.host
    return [
        ("Host", host if probe.port == usual else f"{host}:{probe.port}"),
        ("User-Agent", "maildiag"),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ]
