"""Relays that spoil STARTTLS in front of a sound server, as middleboxes and careless TLS front ends do.

    python -m lab.relay PKI mask=127.25.1.104=mx.a.test keep=127.25.1.105=mx.b.test

`mask` overwrites the offer with X, and the command too.  `keep` does TLS itself, with the
certificate PKI/HOST.pem, and still has what came in one piece with STARTTLS when TLS begins (CVE-2011-0411).
"""

import contextlib
import re
import socket
import ssl
import sys
import threading
from pathlib import Path

from lab.addresses import RELAYED_PORT

_OFFER = re.compile(rb"(?im)^(250[- ])STARTTLS")


def _copy(source: socket.socket, to: socket.socket) -> None:
    """Pass on everything until the end, then that."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            to.sendall(_OFFER.sub(rb"\1XXXXXXXA", piece))
        to.shutdown(socket.SHUT_WR)


def mask(client: socket.socket, server: socket.socket) -> None:
    """Pass on both ways, with the offer of STARTTLS overwritten."""
    back = threading.Thread(target=_copy, args=(server, client), daemon=True)
    back.start()
    with contextlib.suppress(OSError):
        while piece := client.recv(65536):
            server.sendall(re.sub(rb"(?im)^STARTTLS", b"XXXXXXXX", piece))
        server.shutdown(socket.SHUT_WR)
    back.join()


def _reply(server: socket.socket) -> bytes:
    """One whole reply of the server."""
    lines, reader = b"", server.makefile("rb")
    while line := reader.readline():
        lines += line
        if line[3:4] != b"-":
            break
    return lines


def keep(client: socket.socket, server: socket.socket, context: ssl.SSLContext) -> None:
    """Answer STARTTLS here and pass on the rest, line by line; what is left of the clear text is heard under TLS."""
    client.sendall(_reply(server))
    left = b""
    while True:
        while b"\n" not in left:
            piece = client.recv(65536)
            if not piece:
                return
            left += piece
        line, left = left.split(b"\n", 1)
        if line.strip().upper() == b"STARTTLS":
            client.sendall(b"220 2.0.0 Ready to start TLS\r\n")
            client = context.wrap_socket(client, server_side=True)
        else:
            server.sendall(line + b"\n")
            answer = _reply(server)
            if isinstance(client, ssl.SSLSocket):
                answer = re.sub(rb"(?im)^250-STARTTLS\r\n", b"", answer)
            client.sendall(answer)


def _serve(habit: str, listening: socket.socket, context: ssl.SSLContext) -> None:
    at = listening.getsockname()[0]
    while True:
        client, _ = listening.accept()
        threading.Thread(target=_conversation, args=(habit, client, at, context), daemon=True).start()


def _conversation(habit: str, client: socket.socket, at: str, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), client, socket.create_connection((at, RELAYED_PORT), 30) as server:
        if habit == "mask":
            mask(client, server)
        else:
            keep(client, server, context)


def main(pki: Path, *relays: str) -> None:
    """Serve until ended; each relay is HABIT=ADDRESS=HOST."""
    threads = []
    for relay in relays:
        habit, at, host = relay.split("=")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki / f"{host}.pem")
        serving = (habit, socket.create_server((at, 25)), context)
        threads.append(threading.Thread(target=_serve, args=serving))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
