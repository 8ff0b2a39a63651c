"""Reading what users write for addresses, ports and networks. Raises Fault, never anything else."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from .faults import Fault

_PORT = re.compile(r"[0-9]{1,5}")
_BRACKETED = re.compile(r"\[([^\]]*)\](?::([0-9]+))?")


def nameserver(text: str, option: str = "--nameserver") -> str:
    """`ADDR`, `ADDR:PORT` or `[V6]:PORT` as performers name servers: `addr` or `addr#port`."""
    expected = "expected ADDR or ADDR:PORT, IPv6 in brackets before a port"
    host, port = _divided(text, expected, option)
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        raise Fault(f"{option} {text!r}: {host!r} is no IP address; {expected}") from None
    return address if port in (None, 53) else f"{address}#{port}"


def port_map(text: str) -> tuple[tuple[str, int], tuple[str, int]]:
    """`HOST:PORT=ADDR:PORT`: from whom a connection is meant for, to where it goes."""
    option = "--port-map"
    expected = "expected HOST:PORT=ADDR:PORT, IPv6 in brackets"
    left, equals, right = text.partition("=")
    if not equals:
        raise Fault(f"{option} {text!r}: {expected}")
    host, port = _divided(left, expected, option)
    to, to_port = _divided(right, expected, option)
    if port is None or to_port is None:
        raise Fault(f"{option} {text!r}: a port is missing; {expected}")
    try:
        address = str(ipaddress.ip_address(to))
    except ValueError:
        raise Fault(f"{option} {text!r}: {to!r} is no IP address; {expected}") from None
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        host = host.lower().removesuffix(".")
    return (host, port), (address, to_port)


def networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Networks in CIDR notation, in their usual spelling."""
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            raise Fault(f"--public {text!r}: expected a network such as 10.0.0.0/8") from None
    return tuple(found)


def helo_name(text: str) -> str:
    """What a client calls itself: a host name, or an address in brackets."""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Fault(f"--helo {text!r}: expected a host name or an address in brackets")
    return text


def _divided(text: str, expected: str, option: str) -> tuple[str, int | None]:
    """Host and port; a bare IPv6 address has no port."""
    if bracketed := _BRACKETED.fullmatch(text):
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") > 1:
        host, port = text, None
    else:
        host, _, after = text.partition(":")
        port = after if ":" in text else None
    if not host:
        raise Fault(f"{option} {text!r}: {expected}")
    if port is None:
        return host, None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise Fault(f"{option} {text!r}: {port!r} is no port; {expected}")
    return host, int(port)
