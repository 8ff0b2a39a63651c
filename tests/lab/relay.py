"""Relays that spoil TLS in front of a sound server, as middleboxes and careless or old TLS front ends do.

    python -m lab.relay PKI mask=127.25.1.104:25:2526=mx.a.test keep=127.25.1.105:25:2526=mx.b.test

Each is HABIT=ADDRESS:PORT:BEHIND=HOST, where BEHIND is the port of the sound server.  `mask` overwrites the offer of
STARTTLS with X, and the command too.  The others do TLS themselves, with the certificate PKI/HOST.pem: `keep` still
has what came in one piece with STARTTLS when TLS begins (CVE-2011-0411); `ssl3` speaks SSL 3.0 and nothing else,
`ssl3-too` that and all up to TLS 1.2, `ssl3-first` the same before the first word.  These are tlslite-ng: today's
OpenSSL and GnuTLS no longer know SSL 3.0.
"""

import contextlib
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.errors import BaseTLSException

_OFFER = re.compile(rb"(?im)^(250[- ])STARTTLS")
_COMMAND = re.compile(rb"(?im)^STARTTLS")

Talk = Callable[[Any, socket.socket], None]
"""What a relay does with a connection to it and one of its own to the server; the first may be one of tlslite-ng."""
Secure = Callable[[Any], Any]
"""Ends TLS on a connection, as a server."""


def _copy(source: Any, to: Any, change: Callable[[bytes], bytes]) -> None:
    """Pass on everything until the end, then that."""
    with contextlib.suppress(OSError, BaseTLSException):
        while piece := source.recv(65536):
            to.sendall(change(bytes(piece)))
        if isinstance(to, TLSConnection):
            to.close()  # with close_notify
        else:
            to.shutdown(socket.SHUT_WR)


def _both_ways(
    client: Any, server: socket.socket, there: Callable[[bytes], bytes], back: Callable[[bytes], bytes]
) -> None:
    answers = threading.Thread(target=_copy, args=(server, client, back), daemon=True)
    answers.start()
    _copy(client, server, there)
    answers.join()


def mask(client: Any, server: socket.socket) -> None:
    """Pass on both ways, with the offer of STARTTLS overwritten."""
    _both_ways(client, server, partial(_COMMAND.sub, b"XXXXXXXX"), partial(_OFFER.sub, rb"\1XXXXXXXA"))


def first(client: Any, server: socket.socket, secure: Secure) -> None:
    """Begin with TLS, and pass on what is said under it."""
    _both_ways(secure(client), server, bytes, bytes)


def _reply(server: socket.socket) -> bytes:
    """One whole reply of the server."""
    lines, reader = b"", server.makefile("rb")
    while line := reader.readline():
        lines += line
        if line[3:4] != b"-":
            break
    return lines


def front(client: Any, server: socket.socket, secure: Secure, *, keeps: bool) -> None:
    """Answer STARTTLS here and pass on the rest, line by line; who keeps what is left of the clear text obeys it."""
    client.sendall(_reply(server))
    left, secured = b"", False
    while True:
        while b"\n" not in left:
            piece = client.recv(65536)
            if not piece:
                return
            left += bytes(piece)
        line, left = left.split(b"\n", 1)
        if line.strip().upper() == b"STARTTLS":
            client.sendall(b"220 2.0.0 Ready to start TLS\r\n")
            client, secured = secure(client), True
            left = left if keeps else b""
        else:
            server.sendall(line + b"\n")
            answer = _reply(server)
            if secured:
                answer = re.sub(rb"(?im)^250-STARTTLS\r\n", b"", answer)
            client.sendall(answer)


def _modern(pem: Path) -> Secure:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return partial(context.wrap_socket, server_side=True)


def _old(pem: Path, newest: tuple[int, int]) -> Secure:
    """Everything from SSL 3.0 to `newest`, with suites that are sound but for their age."""
    chain, key = X509CertChain(), parsePEMKey(pem.read_text(), private=True)
    chain.parsePemList(pem.read_text())
    settings = HandshakeSettings()
    settings.minVersion, settings.maxVersion = (3, 0), newest
    settings.versions = [(3, minor) for minor in range(newest[1], -1, -1)]
    settings.keyExchangeNames = ["ecdhe_rsa"]
    settings.cipherNames = ["aes128gcm", "aes256", "aes128"]
    settings.use_heartbeat_extension = False
    settings.useExtendedMasterSecret = newest > (3, 0)  # there it fails at it, and nobody asks for both

    def secure(client: socket.socket) -> Any:
        connection = TLSConnection(client)
        connection.handshakeServer(certChain=chain, privateKey=key, settings=settings)
        return connection

    return secure


HABITS: dict[str, Callable[[Path], Talk]] = {
    "mask": lambda _: mask,
    "keep": lambda pem: partial(front, secure=_modern(pem), keeps=True),
    "ssl3": lambda pem: partial(front, secure=_old(pem, (3, 0)), keeps=False),
    "ssl3-too": lambda pem: partial(front, secure=_old(pem, (3, 3)), keeps=False),
    "ssl3-first": lambda pem: partial(first, secure=_old(pem, (3, 3))),
}


def _serve(talk: Talk, listening: socket.socket, behind: int) -> None:
    at = listening.getsockname()[0]
    while True:
        client, _ = listening.accept()
        threading.Thread(target=_conversation, args=(talk, client, (at, behind)), daemon=True).start()


def _conversation(talk: Talk, client: socket.socket, behind: tuple[str, int]) -> None:
    with (
        contextlib.suppress(OSError, BaseTLSException),
        client,
        socket.create_connection(behind, 30) as server,
    ):
        talk(client, server)


def main(pki: Path, *relays: str) -> None:
    """Serve until ended."""
    threads = []
    for relay in relays:
        habit, place, host = relay.split("=")
        at, port, behind = place.split(":")
        serving = (HABITS[habit](pki / f"{host}.pem"), socket.create_server((at, int(port))), int(behind))
        threads.append(threading.Thread(target=_serve, args=serving))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
