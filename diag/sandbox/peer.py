"""Scripted hosts on a wire: the same conversation in memory and on sockets, with all that can go wrong in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel

from diag.lab.live.network import Trouble, Wire, WireError
from diag.lab.live.tls import TlsWire
from diag.wire.end_of_data import ENDINGS

from .certificates import Certificates
from .hosts import Handshake, HostSpec, Kind, Tls
from .imap_peer import ImapSpeaker
from .mail import Mail
from .pop3_peer import Pop3Speaker
from .sieve_peer import SieveSpeaker
from .smtp_peer import SmtpSpeaker
from .speaker import Reply, Speaker, Then
from .tls_script import TlsScript, answer, is_offer
from .tls_server import TlsServer

GREETING = "GREETING"
"""The word for the moment of the greeting among the verbs of quirks."""

LONGEST_LINE = 64 * 1024
"""Octets of a command, after which a peer hangs up."""

_CHUNK = 16 * 1024
_FLOOD = b"x" * 4096
_ALERT = bytes.fromhex("150303000202")
"""A TLS record: alert, fatal, handshake_failure (RFC 8446 section 6)."""

_OFFERS_TLS13 = re.compile(rb"\x00\x2b\x00.[\x02-\x20](?:..){0,15}?\x03\x04", re.DOTALL)
"""The extension supported_versions of a ClientHello with TLS 1.3 in it (RFC 8446 section 4.2.1)."""


class TornDown(Exception):
    """The peer wants its connection reset; whoever plays it does that in its own manner."""


@dataclass
class Heard:
    """What a peer heard on one connection."""

    address: str
    port: int
    lines: list[bytes] = field(default_factory=list)
    """Every line, without its line end, in order."""
    in_clear: int | None = None
    """How many of them came before TLS; None where there was no TLS."""

    @property
    def verbs(self) -> list[str]:
        """The first word of every line, upper case."""
        return [line.split(b" ")[0].upper().decode("latin-1") for line in self.lines]


_SPEAKERS: dict[Kind, Callable[[HostSpec, Mail], Speaker]] = {
    Kind.SMTP: SmtpSpeaker,
    Kind.IMAP: ImapSpeaker,
    Kind.POP3: Pop3Speaker,
    Kind.SIEVE: SieveSpeaker,
}


async def serve(host: HostSpec, wire: Wire, certificates: Certificates, heard: Heard, mail: Mail) -> None:
    """Hold one conversation and close the wire. Raises TornDown where the wire is to be reset; nothing else."""
    session = Session(host, wire, certificates, heard)
    try:
        if host.protocol is Kind.HTTPS:
            from .https_peer import exchange

            await exchange(session)
        else:
            await _converse(session, _SPEAKERS[host.protocol](host, mail))
    except WireError:
        pass  # the client has gone; that is its right
    await (session.below if host.quirks.truncates else session.wire).close()


async def _converse(session: Session, speaker: Speaker) -> None:
    if session.host.tls is Tls.IMPLICIT:
        await session.secure()
        _bind(speaker, session)
    await anyio.sleep(session.host.quirks.greeting_delay_ms / 1000)
    said = speaker.greeting()
    await session.say(GREETING, said)
    while said.then is not Then.CLOSE:
        line = await (session.content() if said.then is Then.CONTENT else session.line())
        if line is None:
            return
        verb = speaker.verb(line)
        script = session.script(verb)
        said = speaker.hear(line) if script is None else speaker.scripted(line, script)
        if said.then is Then.SECURE and session.crowded:
            said = Reply(("554 5.5.1 Error: SMTP protocol synchronization",), Then.CLOSE)
        await session.say(verb, said)
        await session.skip(said.octets)
        if said.then is Then.SECURE:
            await session.secure()
            speaker.secured()
            _bind(speaker, session)
            if isinstance(speaker, SieveSpeaker):
                script = session.script(GREETING)
                await session.say(GREETING, speaker.again() if script is None else Reply(script))


def _bind(speaker: Speaker, session: Session) -> None:
    """Tell those who take logins what ties them to this connection."""
    if isinstance(speaker, SmtpSpeaker | ImapSpeaker | Pop3Speaker):
        speaker.binding = session.binding()


class Session:
    """One connection of a scripted host: lines in, replies out, quirks applied."""

    def __init__(self, host: HostSpec, wire: Wire, certificates: Certificates, heard: Heard) -> None:
        self.host = host
        self.wire = wire
        self.below = wire
        """The same without TLS."""
        self.heard = heard
        self._quirks = host.quirks
        self.certificates = certificates
        self._buffer = bytearray()
        self._replies = 0

    def script(self, verb: str) -> tuple[str, ...] | None:
        """The description's own lines for a command: the longest beginning that fits wins."""
        under_tls = self.heard.in_clear is not None
        for replies in (self.host.replies_tls if under_tls else {}, self.host.replies):
            fitting = [start for start in replies if verb.startswith(start)]
            if fitting:
                return replies[max(fitting, key=len)]
        return None

    async def line(self) -> str | None:
        """The next line without its end; None once the client has closed. Octets are kept as Latin-1."""
        mark = b"\n" if self._quirks.takes_bare_lf else b"\r\n"
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > LONGEST_LINE or not await self._more():
                return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + len(mark)]
        self.heard.lines.append(line)
        return line.decode("latin-1")

    async def content(self) -> str | None:
        """A message up to what ends it here (RFC 5321 section 4.1.1.4), kept as Latin-1; None as for a line."""
        ends = (b"\r\n.\r\n", *(ENDINGS[name] for name in self.host.ends_data))
        while True:
            # A message may be empty: the line of DATA is over, and the first one may be the dot.
            held = b"\r\n" + self._buffer
            found = [(at + len(end), at) for end in ends if (at := held.find(end)) >= 0]
            if found:
                ended, at = min(found)
                message = bytes(held[2:at])
                del self._buffer[: ended - 2]
                self.heard.lines += message.split(b"\r\n")
                return message.decode("latin-1")
            if len(self._buffer) > LONGEST_LINE or not await self._more():
                return None

    @property
    def crowded(self) -> bool:
        """Whether more came with the last command, at a host that minds that."""
        return self._quirks.tls_alone and bool(self._buffer)

    async def octets(self) -> bytes:
        """What has come, as soon as anything has; b"" once the client has closed."""
        if not self._buffer:
            await self._more()
        octets = bytes(self._buffer)
        self._buffer.clear()
        return octets

    async def skip(self, octets: int) -> None:
        """Take so many octets that are no commands, and keep none of them."""
        while octets > 0:
            if not self._buffer and not await self._more():
                return
            taken = min(octets, len(self._buffer))
            del self._buffer[:taken]
            octets -= taken

    async def _more(self) -> bool:
        octets = await self.wire.read(_CHUNK)
        self._buffer += octets
        return bool(octets)

    async def say(self, verb: str, reply: Reply) -> None:
        """Send a reply to a verb, as far as the quirks let it. Raises TornDown, WireError."""
        quirks = self._quirks
        if not reply.lines:
            return
        if quirks.silent_after is not None and self._replies >= quirks.silent_after:
            await self._listen_only()
        self._replies += 1
        await anyio.sleep(quirks.delay_ms / 1000)
        if _meant(quirks.reset_on, verb):
            raise TornDown
        if _meant(quirks.close_on, verb):
            await self.hang_up()
        if _meant(quirks.endless_line, verb):
            await self.flood(reply.lines[0].encode(), _FLOOD)
        if _meant(quirks.endless_reply, verb):
            await self.flood(b"", self._again(reply.lines[0]))
        text = "".join(line + quirks.line_end for line in reply.lines)
        if reply.then is Then.SECURE:
            text += quirks.inject
        await self.send(text.encode("utf-8"))
        if quirks.one_at_a_time:
            self._buffer.clear()
        if _meant(quirks.close_after, verb):
            await self.hang_up()

    async def send(self, octets: bytes) -> None:
        """Write at the pace the quirks set."""
        if not self._quirks.drip_ms:
            await self.wire.write(octets)
            return
        for octet in octets:
            await self.wire.write(bytes((octet,)))
            await anyio.sleep(self._quirks.drip_ms / 1000)

    async def hang_up(self) -> None:
        """Close and end the conversation."""
        await self.wire.close()
        raise _gone()

    async def flood(self, start: bytes, again: bytes) -> None:
        """Send without end, until the client has had enough."""
        await self.wire.write(start)
        while True:
            await self.wire.write(again)
            await anyio.lowlevel.checkpoint()

    async def _listen_only(self) -> None:
        while await self._more():
            self._buffer.clear()
        raise _gone()

    def _again(self, line: str) -> bytes:
        match self.host.protocol:
            case Kind.SMTP:
                return f"{line[:3]}-again\r\n".encode()
            case Kind.IMAP:
                return b"* OK again\r\n"
            case Kind.SIEVE:
                return b'"SIEVE" "again"\r\n'
            case _:
                return b"+OK again\r\n"

    async def secure(self) -> None:
        """The server's side of the handshake, or what this host does in its place. Raises TornDown, WireError."""
        if not self._quirks.keeps_clear_text:
            # RFC 3207 section 4.2: nothing learnt before TLS may count after it.
            self._buffer.clear()
        wire, script = self.wire, self.host.script
        if self._quirks.handshake is not Handshake.GOOD or script is not None:
            hello = await self._hello()
            scripted = script is not None and is_offer(hello)
            if self._quirks.handshake is not Handshake.GOOD and self._minds(hello, scripted=scripted):
                await self._spoil()
            if script is not None and scripted:
                await self._answer(script, hello)
            wire = _Unread(self.wire, hello)
        pem = self.certificates.pem(self.host.certificate.kind, self.host.names)
        staple = self.certificates.staple(self.host.certificate.kind, self.host.names, self.host.staple)
        host = self.host
        server = _server(
            pem,
            host.min_version,
            host.max_version,
            host.ciphers,
            host.curve,
            staple,
            host.ticket_lifetime,
            host.early_data,
            host.renegotiates,
        )
        self.wire = await server.accept(wire)
        self.heard.in_clear = len(self.heard.lines)

    async def _answer(self, script: TlsScript, hello: bytes) -> None:
        """What the script says, and the end. Raises WireError."""
        usual = self.host.certificate.kind
        kinds = (usual, script.default_certificate or usual)
        chain, other = (self.certificates.chain(kind, self.host.names) for kind in kinds)
        await self.wire.write(answer(script, hello, chain, other))
        await self.hang_up()

    def binding(self) -> tuple[bytes, ...]:
        """The channel binding of the TLS connection as its client has it (RFC 5929 section 3, RFC 9266)."""
        if not isinstance(self.wire, TlsWire):
            return ()
        if self.wire.connection.get_protocol_version_name() == "TLSv1.3":
            return self.wire.binding()
        finished = self.wire.connection.get_peer_finished()
        return (b"tls-unique", finished) if finished else ()

    async def _hello(self) -> bytes:
        """The ClientHello: the first record, whole (RFC 8446 section 5.1). Raises WireError."""
        heard = await self.wire.read(_CHUNK)
        while heard and len(heard) < _length(heard):
            more = await self.wire.read(_CHUNK)
            if not more:
                break
            heard += more
        if not heard:
            raise _gone()
        return heard

    def _minds(self, hello: bytes, *, scripted: bool) -> bool:
        """Whether this ClientHello is one on which the handshake goes wrong."""
        quirks = self._quirks
        if not quirks.hello_limit and not quirks.tls13_intolerant:
            return not scripted
        too_large = 0 < quirks.hello_limit < len(hello)
        return too_large or (quirks.tls13_intolerant and _OFFERS_TLS13.search(hello) is not None)

    async def _spoil(self) -> None:
        match self._quirks.handshake:
            case Handshake.RESET:
                raise TornDown
            case Handshake.STALL:
                await self._listen_only()
            case Handshake.ALERT:
                await self.wire.write(_ALERT + b"\x28")
            case Handshake.NAME:
                await self.wire.write(_ALERT + b"\x70")
            case Handshake.PLAIN:
                await self.wire.write(b"500 5.5.2 Error: command not recognized\r\n")
            case Handshake.PUT_OFF:
                await self.wire.write(b"421 4.3.2 Try again later\r\n")
            case _:
                pass
        await self.hang_up()


class _Unread:
    """A wire on which something was read too early, and is there to be read again."""

    def __init__(self, wire: Wire, octets: bytes) -> None:
        self._wire = wire
        self._octets = octets

    async def read(self, most: int) -> bytes:
        """See Wire."""
        taken, self._octets = self._octets[:most], self._octets[most:]
        return taken or await self._wire.read(most)

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        await self._wire.write(octets)

    async def close(self) -> None:
        """See Wire."""
        await self._wire.close()


def _length(hello: bytes) -> int:
    """How long the first record is; of SSL 2.0 the length comes first."""
    return 2 + (int.from_bytes(hello[:2]) & 0x7FFF) if hello[0] & 0x80 else 5 + int.from_bytes(hello[3:5])


def _gone() -> WireError:
    return WireError(Trouble.FAILED, "the conversation is over")


def _meant(quirk: str, verb: str) -> bool:
    return bool(quirk) and verb.startswith(quirk.upper())


@functools.lru_cache(maxsize=256)
def _server(
    pem: bytes,
    oldest: str,
    newest: str,
    ciphers: str,
    curve: str,
    staple: bytes,
    ticket_lifetime: int,
    early_data: int,
    renegotiates: bool,
) -> TlsServer:
    """Setting up a TLS context costs more than a handshake: one for all connections."""
    return TlsServer(
        pem,
        oldest=oldest,
        newest=newest,
        ciphers=ciphers,
        curve=curve,
        staple=staple,
        ticket_lifetime=ticket_lifetime,
        early_data=early_data,
        renegotiates=renegotiates,
    )
