"""Asking the DNS: UDP first, TCP where the answer does not fit, the next server where one is silent."""

from __future__ import annotations

import asyncio
import errno
import os
import struct
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from time import monotonic

import dns.rdatatype

from diag.model.plugin import performs
from diag.names.parsed import is_plain, parsed_name
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent

from .live import Means
from .network import WireError

PAYLOAD = 1232
"""Octets we take over UDP (RFC 9715 appendix A)."""
PATIENCE = (1.5, 2.5, 4.0)
"""Seconds for each round of asking; a lost packet costs the first."""
ROUNDS_OF_STRANGERS = 2
"""Rounds for a server that is no resolver of ours: twice, as a packet may be lost."""
RESOLV_CONF = Path("/etc/resolv.conf")

_RD, _AD, _CD, _DO = 0x0100, 0x0020, 0x0010, 0x8000
_IN, _OPT = 1, 41


@performs(DnsQuery)
async def ask(query: DnsQuery, means: Means) -> DnsEvidence:
    """Put one question to the resolver, or to the server it names. Never raises."""
    began = monotonic()
    servers = (query.server,) if query.server else means.nameservers or system_nameservers()
    if not servers:
        return DnsSilence(Silent.NO_SERVER)
    tried: list[str] = []
    why, last = Silent.TIMED_OUT, None
    for patience in PATIENCE[:ROUNDS_OF_STRANGERS] if query.server else PATIENCE:
        for server in servers:
            tried.append(server)
            outcome = await _ask_one(query, server, patience, means)
            if isinstance(outcome, Silent):
                why = outcome
                continue
            wire, transport = outcome
            answer = DnsAnswer(
                b"\0\0" + wire[2:], server, round((monotonic() - began) * 1000), transport, len(wire)
            )
            if len(servers) == 1 or answer.usable:
                return answer
            last = answer  # SERVFAIL, REFUSED: another resolver may know
        if last is not None:
            return last
        if why is Silent.REFUSED and len(set(tried)) == len(servers):
            break
    return DnsSilence(why, tuple(tried), round((monotonic() - began) * 1000))


async def _ask_one(query: DnsQuery, server: str, patience: float, means: Means) -> tuple[bytes, str] | Silent:
    try:
        if query.transport == "tcp":
            return await _over_tcp(_question(query, edns=True), server, means, patience), "tcp"
        for edns in (True, False) if query.transport != "plain" else (False,):
            wire = _question(query, edns=edns)
            reply = await means.datagrams.ask(wire, *_split(server), patience)
            if len(reply) > 2 and reply[2] & 0x02:
                # TC: the records are to be had over TCP (RFC 7766 section 5)
                return await _over_tcp(wire, server, means, patience), "tcp"
            if edns and len(reply) > 3 and reply[3] & 0x0F == 1:  # FORMERR: a server older than EDNS
                continue
            return reply, "udp" if edns else "plain"
    except TimeoutError:
        pass
    except WireError as error:
        return Silent.REFUSED if error.trouble.value == "refused" else Silent.UNREACHABLE
    except OSError as error:
        return Silent.REFUSED if _number(error) == errno.ECONNREFUSED else Silent.UNREACHABLE
    return Silent.TIMED_OUT


def _question(query: DnsQuery, *, edns: bool) -> bytes:
    """The message as octets (RFC 1035 section 4.1, RFC 6891 section 6.1): written by hand, thousands a minute."""
    desired = _AD | (_RD if query.server is None else 0) | (_CD if query.unchecked else 0)
    frame = _frame(query.rdtype, desired, query.dnssec, edns)
    return os.urandom(2) + frame[0] + _on_the_wire(query.name) + frame[1]


@lru_cache(maxsize=256)
def _frame(rdtype: str, flags: int, dnssec: bool, edns: bool) -> tuple[bytes, bytes]:
    """What stands before and behind the name, but for the id."""
    head = struct.pack("!5H", flags, 1, 0, 0, int(edns))
    options = struct.pack("!B2HIH", 0, _OPT, PAYLOAD, _DO if dnssec else 0, 0) if edns else b""
    return head, struct.pack("!2H", dns.rdatatype.from_text(rdtype), _IN) + options


def _on_the_wire(name: str) -> bytes:
    if is_plain(name):
        return _labels(name)
    octets = parsed_name(name).to_wire()
    assert octets is not None
    return octets


@lru_cache(maxsize=4096)
def _labels(name: str) -> bytes:
    """A plain name; what it lies in is known already where many names of one domain are asked for."""
    label, dot, rest = name.partition(".")
    return bytes((len(label),)) + label.encode("ascii") + (_labels(rest) if dot else b"\0")


async def _over_tcp(wire: bytes, server: str, means: Means, patience: float) -> bytes:
    host, port = _split(server)
    async with asyncio.timeout(patience):
        stream = await means.network.connect(host, port)
        try:
            await stream.write(struct.pack("!H", len(wire)) + wire)
            heard = b""
            while len(heard) < 2 or len(heard) < 2 + struct.unpack("!H", heard[:2])[0]:
                more = await stream.read(65535)
                if not more:
                    raise OSError(errno.ECONNRESET, "closed before the answer was whole")
                heard += more
            return heard[2 : 2 + struct.unpack("!H", heard[:2])[0]]
        finally:
            await stream.close()


@lru_cache(maxsize=256)
def _split(server: str) -> tuple[str, int]:
    host, _, port = server.partition("#")
    return host, int(port or 53)


def _number(error: BaseException | None) -> int | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None


@cache
def system_nameservers() -> tuple[str, ...]:
    """The resolvers in resolv.conf; its search list is never used (every name is absolute)."""
    try:
        lines = RESOLV_CONF.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(_nameservers(lines))


def _nameservers(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            yield words[1]
