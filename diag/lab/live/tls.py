"""TLS over any wire: connect without verifying, record everything, judge later (design section 4)."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from functools import cache
from typing import TYPE_CHECKING

import anyio

from diag.tls.handshake import FIRST_OCTETS, AfterHandshake, Handshake, TlsEnd, TlsFailure, TlsTrouble
from diag.tls.hello import Hello
from diag.tls.tickets import TicketReader
from diag.wire.transcript import Outcome

from .network import Trouble, Wire, WireError

if TYPE_CHECKING:  # loading OpenSSL takes a while: only a run that meets TLS pays for it
    from OpenSSL import SSL

CHUNK = 16384
"""Octets moved at a time: one TLS record (RFC 8446 section 5.1), so memory stays bounded."""
HANDSHAKE_LIMIT = 1 << 20
"""The most octets a peer may send before its handshake is done."""
PARTING = 1.0
"""Seconds given to sending close_notify to a peer that may have stopped reading."""
GRACE = 1.0
"""Seconds spent on hearing the rest of an answer that is not TLS."""


async def secure(
    wire: Wire,
    sni: str,
    *,
    within: float,
    alpn: tuple[str, ...] = (),
    hello: Hello = Hello.USUAL,
    certificate: str = "",
    renegotiates: bool = False,
) -> tuple[Wire, Handshake] | TlsFailure:
    """Do a client handshake on an open wire, within so many seconds.

    Nothing is verified; the chain is recorded as sent. On success the returned wire carries the
    plain octets and `wire` must no longer be used; on failure `wire` is still open and the caller's
    to close. Never raises for what the peer does. `certificate` is the path of a PEM file with one of our own and its
    key, shown to a peer that asks for it. With `renegotiates` the connection may be negotiated anew (TlsWire.renegotiate).
    """
    from OpenSSL import SSL

    name = server_name(sni)
    try:
        context = _context(hello, certificate, renegotiates)
    except SSL.Error as error:
        return TlsFailure(TlsTrouble.PROTOCOL, detail=f"our own certificate cannot be used: {_reason(error)}")
    connection = SSL.Connection(context, None)
    told = _Told()
    connection.set_app_data(told)
    connection.request_ocsp()
    if name:
        connection.set_tlsext_host_name(name.encode("ascii"))
    if alpn:
        connection.set_alpn_protos([protocol.encode("ascii") for protocol in alpn])
    connection.set_connect_state()
    secured = TlsWire(connection, wire, told.tickets)
    heard = bytearray()
    failure = TlsFailure(TlsTrouble.TIMED_OUT)
    with anyio.move_on_after(within) as scope:
        failed = await _negotiate(secured, heard)
        if failed is None:
            return secured, _recorded(connection, name, told.staple)
        failure = failed
    if scope.cancelled_caught:
        # Silence after our ClientHello and a peer that dribbles are both no answer in time.
        detail = "no octet came" if not heard else f"at {_state(connection)}"
        octets = b"" if _tls_record(heard) else bytes(heard)
        return TlsFailure(TlsTrouble.TIMED_OUT, detail=detail, octets=octets)
    return failure


def server_name(name: str) -> str:
    """What may be sent as SNI: a host name without trailing dot, never an address (RFC 6066 section 3)."""
    bare = name.rstrip(".")
    try:
        ipaddress.ip_address(bare.strip("[]"))
    except ValueError:
        return bare if bare.isascii() and 0 < len(bare) <= 255 and "\0" not in bare else ""
    return ""


async def _negotiate(secured: TlsWire, heard: bytearray) -> TlsFailure | None:
    """Drive the handshake to its end: None when it is done. `heard` gets the first octets received."""
    from OpenSSL import SSL

    total = 0
    while True:
        try:
            secured.connection.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            await secured.flush_quietly()  # our alert tells the peer why we stop
            return _failure(error)
        else:
            try:
                await secured.flush()
            except WireError as error:
                return TlsFailure(TlsTrouble.RESET, detail=error.detail)
            return None
        broken: WireError | None = None
        octets = b""
        try:
            await secured.flush()
        except WireError as error:
            broken = error  # a peer that hung up may have said why before
        try:
            octets = await secured.wire.read(CHUNK)
        except WireError as error:
            broken = broken or error
        if not octets and broken is not None:
            return TlsFailure(TlsTrouble.RESET, detail=f"{broken.detail} at {_state(secured.connection)}")
        if not octets:
            return TlsFailure(TlsTrouble.CLOSED, detail=f"at {_state(secured.connection)}")
        heard += octets[: FIRST_OCTETS - len(heard)]
        if not _tls_record(heard):
            return TlsFailure(TlsTrouble.NOT_TLS, octets=await _rest(secured.wire, heard))
        total += len(octets)
        if total > HANDSHAKE_LIMIT:
            return TlsFailure(TlsTrouble.PROTOCOL, detail="the handshake did not end within 1 MiB")
        secured.take(octets)


def _tls_record(heard: bytes | bytearray) -> bool:
    """Whether octets can begin a server's first record: alert or handshake, major version 3."""
    return heard[:1] in (b"", b"\x15", b"\x16") and heard[1:2] in (b"", b"\x03")


async def _rest(wire: Wire, heard: bytearray) -> bytes:
    """The answer that is not TLS up to its line end, so that a dribbled `500 ...` can be quoted."""
    with anyio.move_on_after(GRACE):
        while len(heard) < FIRST_OCTETS and b"\n" not in heard:
            try:
                octets = await wire.read(FIRST_OCTETS - len(heard))
            except WireError:
                break
            if not octets:
                break
            heard += octets
    return bytes(heard)


_ALERT = re.compile(
    r"\b(?:ssl/tls|sslv3|tls|tlsv1|tlsv13) (?:alert ([a-z ]+)"
    r"|(unrecognized name|unsupported extension|certificate unobtainable|bad certificate [a-z ]+))"
)
"""OpenSSL's texts for alerts received, its versions differing: "sslv3 alert handshake failure",
"tls alert handshake failure", "tlsv1 alert protocol version", "tlsv1 unrecognized name"."""


def _failure(error: SSL.Error) -> TlsFailure:
    said = _reason(error)
    alert = _ALERT.search(said)
    if alert is None:
        return TlsFailure(TlsTrouble.PROTOCOL, detail=said)
    name = (alert[1] or alert[2]).strip().replace(" ", "_").replace("cancelled", "canceled")
    return TlsFailure(TlsTrouble.ALERT, alert=name, detail=said)


def _reason(error: Exception) -> str:
    """OpenSSL's error queue as text: the last entry names the cause."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list) and queue:
        return "; ".join(str(entry[2]) for entry in queue if entry[2])
    return str(error) or type(error).__name__


def _state(connection: SSL.Connection) -> str:
    return connection.get_state_string().decode("ascii", "replace")


def _recorded(connection: SSL.Connection, sni: str, staple: bytes) -> Handshake:
    from OpenSSL import crypto

    chain = connection.get_peer_cert_chain() or []
    return Handshake(
        version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        group=_group(connection),
        sni=sni,
        alpn=connection.get_alpn_proto_negotiated().decode("ascii", "backslashreplace"),
        chain=tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain),
        staple=staple,
    )


def _group(connection: SSL.Connection) -> str:
    try:
        return connection.get_group_name() or ""
    except NotImplementedError:  # a build on an OpenSSL older than 3.2
        return ""


@cache
def _context(hello: Hello, certificate: str, renegotiates: bool) -> SSL.Context:
    """One context for the process, ClientHello and own certificate: connections share nothing mutable through it."""
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    # A weak server must still be seen: everything the build can speak is offered. Suites without a
    # certificate are left out, because a server that prefers one (Postfix by default lets peers
    # choose them) would show no chain to judge.
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_cipher_list(b"ALL:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0")
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_LEGACY_SERVER_CONNECT)
    if not renegotiates:
        context.set_options(SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_ocsp_client_callback(_keep_staple)
    context.set_keylog_callback(_read_on)
    if certificate:
        context.use_certificate_chain_file(certificate)
        context.use_privatekey_file(certificate)
    if hello is Hello.CLASSICAL:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    elif hello is Hello.SMALL:
        from cryptography.hazmat.primitives.asymmetric import ec

        # The one group offered, and so the only key share: P-256 is what every server knows (RFC 8446 section 9.1).
        context.set_tmp_ecdh(ec.SECP256R1())
    return context


def _keep_staple(connection: SSL.Connection, response: bytes, data: object) -> bool:
    told: _Told = connection.get_app_data()
    told.staple = told.staple or response
    return True


def _read_on(connection: SSL.Connection, line: bytes) -> None:
    """Give the reader of tickets the one secret that it needs; none is kept anywhere else."""
    label, _, rest = line.partition(b" ")
    told = connection.get_app_data()
    if label == b"SERVER_TRAFFIC_SECRET_0" and isinstance(told, _Told):
        told.tickets.secret(bytes.fromhex(rest.rpartition(b" ")[2].decode("ascii")))


class _Told:
    """What OpenSSL tells by the way, in one connection."""

    def __init__(self) -> None:
        self.staple = b""
        self.tickets = TicketReader()


class TlsWire:
    """The plain octets of an established TLS connection; a Wire itself. `tickets` reads what the peer sends along."""

    def __init__(self, connection: SSL.Connection, wire: Wire, tickets: TicketReader | None = None) -> None:
        self.connection = connection
        self.wire = wire
        self._sending = anyio.Lock()
        self._tickets = tickets
        self._end = TlsEnd.OPEN

    @property
    def after(self) -> AfterHandshake:
        """What the connection has shown since the handshake."""
        return AfterHandshake(self._end, self._tickets.tickets if self._tickets is not None else None)

    async def read(self, most: int) -> bytes:
        """See Wire. A missing close_notify still reads as an end; see `after`."""
        from OpenSSL import SSL

        while True:
            try:
                octets = self.connection.recv(min(most, CHUNK))
            except SSL.WantReadError:
                await self.flush()
                if not await self._feed():
                    self._end = TlsEnd.TRUNCATED
                    return b""
            except SSL.ZeroReturnError:
                self._end = TlsEnd.NOTIFIED
                return b""
            except SSL.Error as error:
                await self.flush_quietly()
                raise WireError(Trouble.FAILED, f"TLS: {_reason(error)}") from None
            else:
                await self.flush()
                return octets

    async def write(self, octets: bytes) -> None:
        """See Wire."""
        from OpenSSL import SSL

        for at in range(0, len(octets), CHUNK):
            piece = octets[at : at + CHUNK]
            while True:
                try:
                    self.connection.send(piece)
                    break
                except SSL.WantReadError:
                    await self.flush()
                    if not await self._feed():
                        raise WireError(Trouble.RESET, "the peer closed the TLS connection") from None
                except SSL.Error as error:
                    raise WireError(Trouble.FAILED, f"TLS: {_reason(error)}") from None
            await self.flush()

    def binding(self) -> tuple[bytes, ...]:
        """The channel binding: its type's name and octets, of the type that is the default for this version of TLS.

        Since TLS 1.3 that is tls-exporter (RFC 9266 section 3), before it tls-unique (RFC 5802 section 6.1). Only
        the client of a whole handshake may ask, which we always are: the first Finished is ours (RFC 5929 section 3).
        """
        if self.connection.get_protocol_version_name() == "TLSv1.3":
            exported = self.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
            return (b"tls-exporter", exported)
        finished = self.connection.get_finished()
        return (b"tls-unique", finished) if finished else ()

    async def renegotiate(self) -> tuple[Outcome, str]:
        """Ask the server to negotiate anew, and what became of it, with words for readers. Raises WireError."""
        from OpenSSL import SSL

        self.connection.renegotiate()
        while True:
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                await self.flush()
                if not await self._feed():
                    return Outcome.UNKNOWN, "the peer closed the connection"
            except SSL.Error as error:
                await self.flush_quietly()
                # The alert no_renegotiation is a warning, and OpenSSL's own end of the matter.
                refused = _failure(error).reason is TlsTrouble.ALERT or "no renegotiation" in _reason(error)
                return (Outcome.REFUSED if refused else Outcome.UNKNOWN), _reason(error)
            else:
                await self.flush()
                return Outcome.DONE, ""

    async def close(self) -> None:
        """Send close_notify, not waiting for the peer's, and close. Never raises."""
        from OpenSSL import SSL

        # There is nothing to say goodbye to where the handshake never ended or the connection broke.
        with contextlib.suppress(SSL.Error):
            self.connection.shutdown()
        with anyio.move_on_after(PARTING, shield=True):
            await self.flush_quietly()
        await self.wire.close()

    async def flush(self) -> None:
        """Send what the TLS engine wants sent. Raises WireError."""
        from OpenSSL import SSL

        # One at a time: reading may have to send too, and records must not overtake each other.
        async with self._sending:
            while True:
                try:
                    octets = self.connection.bio_read(CHUNK)
                except SSL.WantReadError:
                    return
                await self.wire.write(octets)

    async def flush_quietly(self) -> None:
        """The same, where the peer may be gone already."""
        try:
            await self.flush()
        except WireError:
            return

    async def _feed(self) -> bool:
        """Give the engine the next octets from the peer; False when there will be none. Raises WireError."""
        octets = await self.wire.read(CHUNK)
        if not octets:
            return False
        self.take(octets)
        return True

    def take(self, octets: bytes) -> None:
        """Give the engine what came from the peer."""
        if self._tickets is not None:
            self._tickets.feed(octets)
        self.connection.bio_write(octets)
