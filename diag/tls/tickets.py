"""The session tickets of a server, read from the records of a connection as they go by: sans I/O, never raising.

Before TLS 1.3 they come in clear, within the handshake (RFC 5077 section 3.3). Since then they come after it, in records
that only its keys open: the reader is told the server's secret, and forgets it with the first word of the application.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from .flight import HANDSHAKE, SERVER_HELLO
from .handshake import Ticket
from .octets import Octets

if TYPE_CHECKING:  # loading it takes a while, and few run without TLS need not
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

CHANGE_CIPHER_SPEC, APPLICATION_DATA = 20, 23
NEW_SESSION_TICKET = 4
EARLY_DATA = 42
MOST_TICKETS = 32
"""Of one connection that are kept."""
_LARGEST_MESSAGE = 1 << 17
"""Octets of a message that may hold a ticket, whose parts come to little more: larger ones are passed over."""
_MOST_HELD = 1 << 16
"""Octets of records held until the secret is known: what comes before the last of them is the handshake itself."""


class Cipher(Protocol):
    """An AEAD of the cryptography library."""

    def __init__(self, key: bytes) -> None: ...
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...
    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class RecordKeys:
    """What protects the records of one side under TLS 1.3 (RFC 8446 sections 5.2, 5.3 and 7.3)."""

    def __init__(self, suite: int, secret: bytes) -> None:
        """Raises KeyError for a suite that OpenSSL does not offer by itself under TLS 1.3."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
        from cryptography.hazmat.primitives.hashes import SHA256, SHA384

        made: dict[int, tuple[type[Cipher], HashAlgorithm, int]] = {
            0x1301: (AESGCM, SHA256(), 16),
            0x1302: (AESGCM, SHA384(), 32),
            0x1303: (ChaCha20Poly1305, SHA256(), 32),
        }
        cipher, hashed, size = made[suite]
        self.cipher = cipher(_expanded(hashed, secret, b"key", size))
        self._iv = int.from_bytes(_expanded(hashed, secret, b"iv", 12))

    def nonce(self, number: int) -> bytes:
        """That of the record of a number, counted from 0."""
        return (self._iv ^ number).to_bytes(12)

    def opened(self, record: bytes, number: int) -> tuple[int, bytes] | None:
        """The type and content of a whole record; None where these keys do not open it under that number."""
        from cryptography.exceptions import InvalidTag

        try:
            inner = self.cipher.decrypt(self.nonce(number), record[5:], record[:5]).rstrip(b"\0")
        except (InvalidTag, ValueError):  # ValueError: too short for any tag
            return None
        return (inner[-1], inner[:-1]) if inner else None


def _expanded(hashed: HashAlgorithm, secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    name = b"tls13 " + label
    info = size.to_bytes(2) + len(name).to_bytes(1) + name + b"\0"
    return HKDFExpand(hashed, size, info).derive(secret)


class TicketReader:
    """Fed with what a server sends, whole or in pieces. Time and memory are linear in its octets, and bounded."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._octets = bytearray()
        self._messages = _Messages()
        self._held: deque[bytes] = deque()
        self._size = 0
        self._suite = 0
        self._secret = b""
        self._keys: RecordKeys | None = None
        self._number = 0
        self._in_clear = True
        self._whole = False
        self._done = False

    @property
    def tickets(self) -> tuple[Ticket, ...] | None:
        """Those that came; None where the connection did not come so far, or its records could not be read."""
        return tuple(self._tickets) if self._whole else None

    def secret(self, secret: bytes) -> None:
        """Take the server's first application traffic secret (RFC 8446 section 7.1), which only TLS 1.3 has."""
        self._secret = secret
        self._messages = _Messages()
        while self._held and not self._done:
            self._protected(self._held.popleft())

    def feed(self, octets: bytes) -> None:
        """Take what came."""
        if self._done:
            return
        self._octets += octets
        at = 0
        while not self._done and len(self._octets) >= at + 5:
            end = at + 5 + int.from_bytes(self._octets[at + 3 : at + 5])
            if len(self._octets) < end:
                break
            self._record(bytes(self._octets[at:end]))
            at = end
        del self._octets[:at]

    def _record(self, record: bytes) -> None:
        kind = record[0]
        if kind == HANDSHAKE and self._in_clear:
            self._handshake(record[5:], tls13=False)
        elif kind == CHANGE_CIPHER_SPEC:
            self._in_clear = False
            if (
                not self._tls13
            ):  # nothing but Finished follows, and tickets came before; since TLS 1.3 it means nothing
                self._whole = True
                self._stop()
        elif kind == APPLICATION_DATA and self._secret:
            self._protected(record)
        elif kind == APPLICATION_DATA and self._tls13:
            self._held.append(record)
            self._size += len(record)
            while self._size > _MOST_HELD:
                self._size -= len(self._held.popleft())
        elif kind == APPLICATION_DATA:
            self._stop()

    @property
    def _tls13(self) -> bool:
        return self._suite >> 8 == 0x13

    def _protected(self, record: bytes) -> None:
        """A record of TLS 1.3. The first that the keys open is the first after the handshake: others had other keys."""
        if self._keys is None:
            try:
                self._keys = RecordKeys(self._suite, self._secret)
            except KeyError:
                self._stop()
                return
        opened = self._keys.opened(record, self._number)
        if opened is None:
            if self._number:  # the keys have changed, or it is broken, and OpenSSL will say so
                self._stop()
            return
        self._number += 1
        kind, content = opened
        if kind == HANDSHAKE:
            self._handshake(content, tls13=True)
        elif kind == APPLICATION_DATA:
            # The application speaks: the tickets for this handshake have come.
            self._whole = True
            self._stop()

    def _handshake(self, content: bytes, *, tls13: bool) -> None:
        for kind, message in self._messages.feed(content):
            if kind == SERVER_HELLO and not tls13:
                octets = Octets(message)
                octets.take(34)
                octets.vector(1)
                self._suite = octets.number(2)
            elif kind == NEW_SESSION_TICKET and len(self._tickets) < MOST_TICKETS:
                self._tickets += read_ticket(message, tls13=tls13)

    def _stop(self) -> None:
        """Forget everything but the tickets."""
        self._done = True
        self._octets.clear()
        self._held.clear()
        self._secret, self._keys, self._messages = b"", None, _Messages()


def read_ticket(message: bytes, *, tls13: bool) -> Iterator[Ticket]:
    """The ticket of a NewSessionTicket message, if it is one; an empty one is none (RFC 5077 section 3.3)."""
    octets = Octets(message)
    lifetime = octets.number(4)
    if tls13:
        octets.take(4)  # ticket_age_add
        octets.vector(1)  # ticket_nonce
    held = octets.vector(2)
    early = dict(octets.extensions()).get(EARLY_DATA, b"") if tls13 else b""
    if held and not octets.short:
        yield Ticket(lifetime, int.from_bytes(early) if len(early) == 4 else 0)


class _Messages:
    """Handshake messages from the contents of records."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._skip = 0

    def feed(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages that end with this, type and content; none of those that are too large."""
        skipped = min(self._skip, len(content))
        self._skip -= skipped
        self._octets += content[skipped:]
        while len(self._octets) >= 4:
            end = 4 + int.from_bytes(self._octets[1:4])
            if end > _LARGEST_MESSAGE:
                self._skip = max(end - len(self._octets), 0)
                del self._octets[:end]
                continue
            if len(self._octets) < end:
                return
            message = self._octets[0], bytes(self._octets[4:end])
            del self._octets[:end]
            yield message
