"""Reading what users write for addresses, ports and networks. Raises Fault, never anything else."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diag.run.profile import Profile

from .faults import Fault

_PORT = re.compile(r"[0-9]{1,5}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
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


def helo_name(text: str, option: str = "--helo") -> str:
    """What a client calls itself: a host name, or an address in brackets."""
    _refuse_unsayable(option, text)
    if not text or not text.isascii() or " " in text:
        raise Fault(f"{option} {text!r}: expected a host name or an address in brackets")
    return text


def our_name(helo: str | None, profile: Profile) -> str:
    """What we call ourselves: as --helo says, or else the profile; empty where neither does."""
    if helo is not None:
        return helo_name(helo)
    return helo_name(profile.helo, f"{profile.place}: helo") if profile.helo else ""


def server_name(text: str) -> str:
    """The server name to send in TLS, as A-labels; empty to send none."""
    from diag.names.domain import BadDomain, domain

    _refuse_unsayable("--sni", text)
    try:
        return domain(text) if text else ""
    except BadDomain as error:
        raise Fault(f"--sni: {error}") from None


def sender(text: str) -> str:
    """What to name in MAIL, with or without angle brackets; empty for the null reverse-path."""
    return _path("--from", text)


def recipient(text: str) -> str:
    """What to name in RCPT, with or without angle brackets."""
    found = _path("--to", text)
    if not found:
        raise Fault(f"--to {text!r}: expected a mailbox such as anna@example.org")
    return found


def _path(option: str, text: str) -> str:
    """More is taken than is a mailbox, as hosts are asked for what they ought to refuse: but it is one word."""
    _refuse_unsayable(option, text)
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    # Blanks stand between double quotes only (RFC 5321 section 4.1.2, Quoted-string); brackets are never sent.
    if set("<>") & set(bare) or " " in _QUOTED.sub("", bare):
        raise Fault(f"{option} {text!r}: expected a mailbox such as anna@example.org")
    return bare


def _refuse_unsayable(option: str, text: str) -> None:
    """What --say refuses as well, in the same words."""
    from diag.wire.script import BadScript, refuse_unsayable

    try:
        refuse_unsayable(text)
    except BadScript as error:
        raise Fault(f"{option} {text[:200]!r}: {error}") from None


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
