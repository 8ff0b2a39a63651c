"""Distance on one machine: relays that hold every octet and every datagram for half a round trip each way.

    python -m lab.delay --rtt 50 --for 60 tcp 127.0.0.1:2500 127.25.0.21:25 udp 127.0.0.1:5300 127.25.0.54:53

The kernel finishes TCP handshakes at once, so a TCP relay adds their time before it reaches the server.
"""

import argparse
import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

Place = tuple[str, int]


@dataclass(frozen=True)
class Relay:
    """One relay; addresses are (dotted quad, port)."""

    kind: Literal["tcp", "udp"]
    listen: Place
    target: Place


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, half_s: float) -> None:
    """Pass on what `reader` gives, each piece `half_s` after it came; then its end."""
    loop = asyncio.get_running_loop()
    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            held.put_nowait((loop.time() + half_s, data))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, data = await held.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass  # the far side has gone: there is nobody to pass on to
    finally:
        taking.cancel()


def _tcp(
    target: Place, half_s: float
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(2 * half_s)  # SYN and SYN-ACK, which the kernel finished for us at once
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_pipe(reader, far_writer, half_s), _pipe(far_reader, writer, half_s))
        finally:
            far_writer.close()
            writer.close()

    return serve


class _Back(asyncio.DatagramProtocol):
    """The side of a UDP relay that faces the target, one for each client."""

    def __init__(self, relay: "_Udp", client: Place) -> None:
        self.relay, self.client = relay, client

    def datagram_received(self, data: bytes, addr: Place) -> None:
        self.relay.later(self.relay.front, data, self.client)


class _Udp(asyncio.DatagramProtocol):
    """The side of a UDP relay that faces clients."""

    front: asyncio.DatagramTransport

    def __init__(self, target: Place, half_s: float) -> None:
        self.target, self.half_s = target, half_s
        self.backs: dict[Place, asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.front = transport

    def datagram_received(self, data: bytes, addr: Place) -> None:
        if addr not in self.backs:
            self.backs[addr] = asyncio.create_task(self._open(addr))
        self.backs[addr].add_done_callback(lambda opened: self.later(opened.result(), data, None))

    async def _open(self, client: Place) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        back, _ = await loop.create_datagram_endpoint(lambda: _Back(self, client), remote_addr=self.target)
        return back

    def later(self, transport: asyncio.DatagramTransport, data: bytes, to: Place | None) -> None:
        """Send `data` after half a round trip."""
        asyncio.get_running_loop().call_later(self.half_s, transport.sendto, data, to)

    def close(self) -> None:
        """Give back every socket."""
        self.front.close()
        for opened in self.backs.values():
            if opened.done() and not opened.cancelled() and opened.exception() is None:
                opened.result().close()


async def relay(
    relays: Sequence[Relay], rtt_ms: float, until: Callable[[], Awaitable[object]], ready: Callable[[], None]
) -> None:
    """Run the relays until `until()` is done; `ready` is called once all of them listen."""
    half_s = rtt_ms / 2000
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for one in relays:
            if one.kind == "tcp":
                await stack.enter_async_context(
                    await asyncio.start_server(_tcp(one.target, half_s), *one.listen)
                )
            else:
                protocol = _Udp(one.target, half_s)
                await loop.create_datagram_endpoint(lambda made=protocol: made, local_addr=one.listen)  # type: ignore[misc]
                stack.callback(protocol.close)
        ready()
        await until()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextlib.contextmanager
def delayed(*relays: Relay, rtt_ms: float) -> Iterator[None]:
    """Run the relays in a thread for as long as the `with` block lasts; OSError when a port is taken."""
    stop = threading.Event()
    listening: Future[None] = Future()

    def work() -> None:
        try:
            asyncio.run(relay(relays, rtt_ms, lambda: _until(stop), lambda: listening.set_result(None)))
        except OSError as refused:
            listening.set_exception(refused)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        listening.result(5)
        yield
    finally:
        stop.set()
        thread.join(5)


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.01)


def _place(text: str) -> Place:
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main() -> None:
    """Run relays from the command line, for a bounded time."""
    parser = argparse.ArgumentParser(prog="python -m lab.delay", description="Relays with a round-trip time.")
    parser.add_argument("--rtt", type=float, default=50, metavar="MS", help="round-trip time in milliseconds")
    parser.add_argument(
        "--for", type=float, default=60, metavar="S", dest="life", help="end after so many seconds"
    )
    parser.add_argument("relays", nargs="+", metavar="tcp|udp LISTEN:PORT TARGET:PORT")
    given = parser.parse_args()
    words = given.relays
    if len(words) % 3 or not set(words[::3]) <= {"tcp", "udp"}:
        parser.error("say tcp or udp, where to listen, and where to relay to")
    relays = [
        Relay(kind, _place(near), _place(far)) for kind, near, far in zip(*[iter(words)] * 3, strict=True)
    ]

    async def run() -> None:
        await relay(relays, given.rtt, lambda: asyncio.sleep(given.life), lambda: print("ready", flush=True))

    asyncio.run(run())


if __name__ == "__main__":
    main()
