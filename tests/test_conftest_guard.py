"""The guard that keeps tests on this machine works."""

from __future__ import annotations

import socket

import pytest
from loopback import LeftLoopbackError


def test_a_connection_beyond_loopback_fails_the_test() -> None:
    with socket.socket() as sock, pytest.raises(LeftLoopbackError):
        sock.connect(("192.0.2.1", 25))


def test_a_datagram_beyond_loopback_fails_the_test() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(LeftLoopbackError):
        sock.sendto(b"x", ("192.0.2.53", 53))
