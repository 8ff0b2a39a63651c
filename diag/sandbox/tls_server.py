"""The server's side of TLS for the sandbox and the tests, over any wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diag.lab.live.network import Trouble, Wire, WireError
from diag.lab.live.tls import CHUNK, TlsWire
from diag.tls.suites import by_openssl

from .tickets import TicketWire

if TYPE_CHECKING:
    from OpenSSL import SSL

_VERSIONS = {
    "TLSv1": "TLS1_VERSION",
    "TLSv1.1": "TLS1_1_VERSION",
    "TLSv1.2": "TLS1_2_VERSION",
    "TLSv1.3": "TLS1_3_VERSION",
}
_USUAL = "TLSv1.2"
_RECOMMENDED = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""RFC 9325 section 4.2; without CCM, which mail servers do not prefer either."""
_EVERYTHING = "ALL:!aNULL"
_ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""SSL_OP_ALLOW_CLIENT_RENEGOTIATION of OpenSSL since 3.0, which has no name in Python."""


class TlsServer:
    """A server with one key and chain.

    `pem` holds a private key and the certificates to send, leaf first. `newest` and `oldest` bound the
    versions spoken ("TLSv1.2"): nothing older than that unless they say so, and then with whatever suites
    the library has; otherwise with those that RFC 9325 recommends. `ciphers` names others, in OpenSSL's
    words; `curve` is the one in which keys are agreed on. `alpn` are the application protocols it knows, in
    order of preference; `staple` is sent as OCSP response; `by_name` gives other PEM bundles for names sent as
    SNI. `ticket_lifetime` and `early_data` are what its session tickets say, 0 what the library has them say.
    `renegotiates` lets clients negotiate anew. Weak keys and old versions are allowed: the sandbox shows broken
    servers too.
    """

    def __init__(
        self,
        pem: bytes,
        *,
        newest: str = "",
        oldest: str = "",
        ciphers: str = "",
        curve: str = "",
        alpn: tuple[str, ...] = (),
        staple: bytes = b"",
        by_name: dict[str, bytes] | None = None,
        ticket_lifetime: int = 0,
        early_data: int = 0,
        renegotiates: bool = False,
    ) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._tickets = (ticket_lifetime, early_data)

        def context(bundle: bytes) -> SSL.Context:
            made = _context(bundle, newest, oldest, ciphers, alpn, staple)
            if curve:
                made.set_tmp_ecdh(getattr(ec, curve.upper())())
            if ticket_lifetime:
                made.set_timeout(ticket_lifetime)  # which TLS 1.3 cuts to a week
            if any(self._tickets):
                made.set_keylog_callback(_tell_secret)
            if renegotiates:
                made.set_options(_ALLOW_CLIENT_RENEGOTIATION)
            return made

        self._context = context(pem)
        self._by_name = {name.lower(): context(bundle) for name, bundle in (by_name or {}).items()}
        self._context.set_tlsext_servername_callback(self._named)

    async def accept(self, wire: Wire) -> TlsWire:
        """Do the server's handshake and return the wire of plain octets. Raises WireError where it fails."""
        from OpenSSL import SSL

        connection = SSL.Connection(self._context, None)
        connection.set_accept_state()
        if any(self._tickets):
            wire = TicketWire(wire, *self._tickets)
            connection.set_app_data(wire)
        secured = TlsWire(connection, wire)
        while True:
            try:
                connection.do_handshake()
            except SSL.WantReadError:
                await secured.flush()
                octets = await wire.read(CHUNK)
                if not octets:
                    raise WireError(Trouble.RESET, "the client closed during the handshake") from None
                connection.bio_write(octets)
            except SSL.Error as error:
                await secured.flush_quietly()
                raise WireError(Trouble.FAILED, f"TLS: {error}") from None
            else:
                await secured.flush()
                return secured

    def _named(self, connection: SSL.Connection) -> None:
        name = (connection.get_servername() or b"").decode("ascii", "replace").lower()
        if name in self._by_name:
            connection.set_context(self._by_name[name])


def _tell_secret(connection: SSL.Connection, line: bytes) -> None:
    label, _, rest = line.partition(b" ")
    suite, wire = by_openssl(connection.get_cipher_name() or ""), connection.get_app_data()
    if label == b"SERVER_TRAFFIC_SECRET_0" and suite is not None and isinstance(wire, TicketWire):
        wire.secret(suite.number, bytes.fromhex(rest.rpartition(b" ")[2].decode("ascii")))


def _context(
    pem: bytes, newest: str, oldest: str, ciphers: str, alpn: tuple[str, ...], staple: bytes
) -> SSL.Context:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates
    from OpenSSL import SSL

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    old = min(oldest or newest or _USUAL, newest or _USUAL) < _USUAL
    ciphers = ciphers or (_EVERYTHING if old else _RECOMMENDED)
    # Level 1 keeps SHA-1 out of signatures; of TLS 1.1 and older it is a part.
    context.set_cipher_list(f"{ciphers}:@SECLEVEL={0 if old else 1}".encode("ascii"))
    context.set_min_proto_version(getattr(SSL, _VERSIONS[oldest or ("TLSv1" if old else _USUAL)]))
    if newest:
        context.set_max_proto_version(getattr(SSL, _VERSIONS[newest]))
    leaf, *others = load_pem_x509_certificates(pem)
    try:
        context.use_certificate(leaf)
    except SSL.Error:  # a weak certificate, which is there to be seen
        context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode("ascii"))
        context.use_certificate(leaf)
    for other in others:
        context.add_extra_chain_cert(other)
    context.use_privatekey(load_pem_private_key(pem, None))  # type: ignore[arg-type]
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if alpn:
        known = [protocol.encode("ascii") for protocol in alpn]

        def choose(connection: SSL.Connection, offered: list[bytes]) -> object:
            return next((protocol for protocol in known if protocol in offered), SSL.NO_OVERLAPPING_PROTOCOLS)

        context.set_alpn_select_callback(choose)  # type: ignore[arg-type]
    if staple:
        context.set_ocsp_server_callback(lambda connection, data: staple)
    return context
