"""The relays pass everything on, and not before its time."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from lab.delay import Place, Relay, delayed

RTT_MS = 60.0


@pytest.fixture
def echo_tcp() -> Iterator[Place]:
    """A server that sends back what it gets, and closes when the client has."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                while data := peer.recv(65536):
                    peer.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        thread.join(5)


@pytest.fixture
def echo_udp() -> Iterator[Place]:
    """A server that sends back two datagrams."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            for _ in range(2):
                data, client = server.recvfrom(65536)
                server.sendto(data, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        thread.join(5)


def free(kind: socket.SocketKind) -> Place:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        place: Place = probe.getsockname()
        return place


def test_a_tcp_relay_keeps_order_and_end_and_holds_each_octet_for_a_round_trip(echo_tcp: Place) -> None:
    near = free(socket.SOCK_STREAM)
    sent = bytes(range(256)) * 1000
    with delayed(Relay("tcp", near, echo_tcp), rtt_ms=RTT_MS), socket.create_connection(near, 5) as client:
        began = time.monotonic()

        def send() -> None:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)

        threading.Thread(target=send, daemon=True).start()
        got = b"".join(iter(lambda: client.recv(65536), b""))
        took = time.monotonic() - began
    assert got == sent
    assert took >= 2 * RTT_MS / 1000  # connecting and one exchange: never faster, whatever the machine does


def test_a_tcp_relay_closes_when_the_target_refuses() -> None:
    near, dead = free(socket.SOCK_STREAM), free(socket.SOCK_STREAM)
    with delayed(Relay("tcp", near, dead), rtt_ms=1), socket.create_connection(near, 5) as client:
        assert client.recv(1) == b""


def test_a_udp_relay_holds_each_datagram_for_a_round_trip(echo_udp: Place) -> None:
    near = free(socket.SOCK_DGRAM)
    with (
        delayed(Relay("udp", near, echo_udp), rtt_ms=RTT_MS),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.settimeout(5)
        for word in (b"one", b"two"):
            began = time.monotonic()
            client.sendto(word, near)
            assert client.recv(100) == word
            assert time.monotonic() - began >= RTT_MS / 1000


def test_a_taken_port_is_said(echo_tcp: Place) -> None:
    with pytest.raises(OSError, match="in use"), delayed(Relay("tcp", echo_tcp, echo_tcp), rtt_ms=1):
        pass
    socket.create_connection(echo_tcp, 5).close()
