"""For every test: nothing leaves loopback, and no value is changed."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from loopback import guard

from diag.model import frozen

frozen.GUARDED = True
"""Before any value is declared: who changes one fails."""


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting a stream beyond loopback fails the test; a datagram socket may be connected, not used."""

    def guarded(method: Any) -> Any:
        def call(self: socket.socket, address: Any, *rest: Any) -> Any:
            if self.type & socket.SOCK_STREAM:
                guard(address)
            return method(self, address, *rest)

        return call

    def guarded_send(self: socket.socket, *rest: Any) -> Any:
        guard(rest[-1])
        return original_sendto(self, *rest)

    original_sendto = socket.socket.sendto
    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket.socket, "sendto", guarded_send)
    return
