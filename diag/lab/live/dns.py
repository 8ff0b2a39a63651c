"""Asking the DNS: UDP first, TCP where the answer does not fit, the next server where one is silent."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from time import monotonic

import dns.rdatatype

from diag.model.plugin import performs
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent, parsed_name

from .live import Means
from .network import WireError

PAYLOAD = 1232
"""Octets we take over UDP (RFC 9715 section 3)."""
PATIENCE = (1.5, 2.5, 4.0)
"""Seconds for each round of asking; a lost packet costs the first."""
ROUNDS_OF_STRANGERS = 2
"""Rounds for a server that is no resolver of ours: twice, as a packet may be lost."""
RESOLV_CONF = Path("/etc/resolv.conf")

_draw = random.SystemRandom()
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
            if answer.usable or len(servers) == 1:
                return answer
            last = answer  # SERVFAIL, REFUSED: another resolver may know
        if last is not None:
            return last
        if why is Silent.REFUSED and len(set(tried)) == len(servers):
            break
    return DnsSilence(why, tuple(tried), round((monotonic() - began) * 1000))


async def _ask_one(query: DnsQuery, server: str, patience: float, means: Means) -> tuple[bytes, str] | Silent:
    try:
        async with asyncio.timeout(patience):
            if query.transport == "tcp":
                return await _over_tcp(_question(query, edns=True), server, means), "tcp"
            for edns in (True, False) if query.transport != "plain" else (False,):
                wire = _question(query, edns=edns)
                reply = await _over_udp(wire, server)
                if (
                    len(reply) > 2 and reply[2] & 0x02
                ):  # TC: the records are to be had over TCP (RFC 7766 section 5)
                    return await _over_tcp(wire, server, means), "tcp"
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
    name = parsed_name(query.name).to_wire()
    assert name is not None
    head = struct.pack("!6H", _draw.randrange(65536), desired, 1, 0, 0, int(edns))
    question = struct.pack("!2H", dns.rdatatype.from_text(query.rdtype), _IN)
    options = struct.pack("!B2HIH", 0, _OPT, PAYLOAD, _DO if query.dnssec else 0, 0) if edns else b""
    return head + name + question + options


async def _over_udp(wire: bytes, server: str) -> bytes:
    """Send and wait for the answer to this very question; a socket of its own gives it a port of its own.

    A bare socket and not one of anyio's: that one never hears that a port is closed. Raises OSError.
    """
    host, port = _split(server)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as bare:
        bare.setblocking(False)
        bare.connect((host, port))
        bare.send(wire)
        return await _answer(bare, wire)


async def _answer(bare: socket.socket, wire: bytes) -> bytes:
    """The first datagram that answers this question. On asyncio itself: thousands of these are awaited a minute."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    def heard() -> None:
        if answer.done():
            return
        try:
            reply = bare.recv(65535)
        except BlockingIOError:
            return
        except OSError as error:
            answer.set_exception(error)
            return
        if answers(wire, reply):
            answer.set_result(reply)

    loop.add_reader(bare, heard)
    try:
        return await answer
    finally:
        loop.remove_reader(bare)


async def _over_tcp(wire: bytes, server: str, means: Means) -> bytes:
    host, port = _split(server)
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


def answers(question: bytes, reply: bytes) -> bool:
    """Whether a datagram answers this question: same id, a response, and the same question section.

    A server that repeats no question at all is believed only where it refuses (RFC 5452 section 9.1).
    """
    if len(reply) < 12 or reply[:2] != question[:2] or not reply[2] & 0x80:
        return False
    asked, said = _question_section(question), _question_section(reply)
    if said is None:
        return struct.unpack("!H", reply[4:6])[0] == 0 and reply[3] & 0x0F != 0
    return asked == said


def _question_section(message: bytes) -> tuple[bytes, bytes] | None:
    """Name in lower case, type and class of the one question; None where there is none to read."""
    if len(message) < 17 or struct.unpack("!H", message[4:6])[0] != 1:
        return None
    at = 12
    while at < len(message) and message[at]:
        if message[at] > 63:
            return None
        at += 1 + message[at]
    return message[12:at].lower(), message[at + 1 : at + 5]


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
