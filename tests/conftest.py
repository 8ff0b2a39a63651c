"""For every test: nothing leaves loopback."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

_ALLOWED = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class LeftLoopbackError(AssertionError):
    """A test tried to reach a machine other than this one."""


def _guard(address: Any) -> None:
    if isinstance(address, tuple) and address and isinstance(address[0], str):
        try:
            ip = ipaddress.ip_address(address[0].partition("%")[0])
        except ValueError:
            return  # a name: resolving it asks the machine's resolver, and connecting comes back here
        if not any(ip in network for network in _ALLOWED):
            raise LeftLoopbackError(f"a test tried to reach {address[0]}")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting a stream beyond loopback fails the test; a datagram socket may be connected, not used."""

    def guarded(method: Any) -> Any:
        def call(self: socket.socket, address: Any, *rest: Any) -> Any:
            if self.type & socket.SOCK_STREAM:
                _guard(address)
            return method(self, address, *rest)

        return call

    def guarded_send(self: socket.socket, *rest: Any) -> Any:
        _guard(rest[-1])
        return original_sendto(self, *rest)

    original_sendto = socket.socket.sendto
    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket.socket, "sendto", guarded_send)
    return
