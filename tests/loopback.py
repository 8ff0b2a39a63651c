"""What tests may reach: this machine, and nothing else."""

from __future__ import annotations

import ipaddress
from typing import Any

_ALLOWED = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class LeftLoopbackError(AssertionError):
    """A test tried to reach a machine other than this one."""


def guard(address: Any) -> None:
    if isinstance(address, tuple) and address and isinstance(address[0], str):
        try:
            ip = ipaddress.ip_address(address[0].partition("%")[0])
        except ValueError:
            return  # a name: resolving it asks the machine's resolver, and connecting comes back here
        if not any(ip in network for network in _ALLOWED):
            raise LeftLoopbackError(f"a test tried to reach {address[0]}")
