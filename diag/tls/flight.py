"""A server's first flight after a ClientHello, as records and messages: read as it comes, never raising."""

from __future__ import annotations

from .octets import Octets
from .offer import TLS13

MOST_OCTETS = 1 << 16
"""Of an answer that are read: certificate chains of the usual size and all that stands around them, many times over."""

ALERT, HANDSHAKE = 21, 22
SERVER_HELLO, CERTIFICATE, KEY_EXCHANGE, CERTIFICATE_REQUEST, DONE, STATUS = 2, 11, 12, 13, 14, 22
FATAL, CLOSE_NOTIFY = 2, 0
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random number of a HelloRetryRequest (RFC 8446 section 4.1.3)."""
_LARGEST_RECORD = (1 << 14) + 2048
_MOST_WARNINGS = 64


class Flight:
    """Fed with octets as they come. Time and memory are linear in their number."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []
        """The handshake messages in clear: type and content."""
        self.warnings: list[int] = []
        self.fatal: int | None = None
        """The alert that ended it: one of level fatal, or close_notify."""
        self.ssl2 = b""
        """A whole message of SSL 2.0."""
        self.broken = ""
        """What is wrong with it; empty where nothing is."""
        self.done = False
        """Nothing more is wanted."""
        self._octets = bytearray()
        self._at = 0
        self._handshake = bytearray()
        self._message_at = 0

    def feed(self, octets: bytes) -> bool:
        """Take what came; True when nothing more is wanted."""
        self._octets += octets
        if self._octets[:1] >= b"\x80":
            if not self.done:
                self._ssl2()
            return self.done
        while not self.done and self._record():
            pass
        return self.done

    @property
    def cut(self) -> bool:
        """It breaks off within a record or a message."""
        return (self._at < len(self._octets) and not self.ssl2) or self._message_at < len(self._handshake)

    @property
    def begun(self) -> bool:
        """Something came."""
        return bool(self._octets)

    def _ssl2(self) -> None:
        """SSL 2.0 has no type of record, but a length whose first bit says that there is no padding."""
        length = int.from_bytes(self._octets[:2]) & 0x7FFF
        if len(self._octets) > 2 and self._octets[2] not in (0, 4):  # ERROR, SERVER-HELLO
            self._stop(self._not_tls())
        elif len(self._octets) >= 2 + length > 3:
            self.ssl2 = bytes(self._octets[2 : 2 + length])
            self._stop()

    def _record(self) -> bool:
        """Take one record; False when there is no whole one."""
        held, at = self._octets, self._at
        head = held[at : at + 5]
        if head and (head[0] not in (ALERT, HANDSHAKE) or head[1:2] not in (bytearray(), bytearray(b"\x03"))):
            # After a ServerHello come records that only keys open: then there was all there is to have.
            self._stop("" if self.messages else self._not_tls())
        if self.done or len(head) < 5:
            return False
        length = int.from_bytes(head[3:])
        if not 0 < length <= _LARGEST_RECORD:
            self._stop("a record of the answer has a length that none can have")
            return False
        if len(held) < at + 5 + length:
            return False
        self._at = at + 5 + length
        content = bytes(held[at + 5 : self._at])
        if head[0] == ALERT:
            self._alert(content)
        else:
            self._handshake += content
            while not self.done and self._message():
                pass
        return True

    def _alert(self, content: bytes) -> None:
        if len(content) != 2:
            self._stop("an alert of the answer is no alert")
        elif content[0] == FATAL or content[1] == CLOSE_NOTIFY:
            self.fatal = content[1]
            self._stop()
        elif len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(content[1])
        else:
            self._stop("alerts without end")

    def _message(self) -> bool:
        """Take one handshake message; False when there is no whole one."""
        held, at = self._handshake, self._message_at
        end = at + 4 + int.from_bytes(held[at + 1 : at + 4])
        if len(held) < at + 4 or len(held) < end:
            return False
        kind, content = held[at], bytes(held[at + 4 : end])
        self._message_at = end
        if not self.messages and kind != SERVER_HELLO:
            self._stop("the answer begins with something other than a ServerHello")
            return False
        self.messages.append((kind, content))
        if kind == DONE or (kind == SERVER_HELLO and version_of(content) >= TLS13):
            self._stop()
        return True

    def _stop(self, broken: str = "") -> None:
        self.broken = broken
        self.done = True

    def _not_tls(self) -> str:
        line = bytes(self._octets[:200]).partition(b"\n")[0].decode("ascii", "replace").strip()
        said = f': "{line}"' if line.isprintable() and line.isascii() and line else ""
        return f"what came in answer to our ClientHello is not TLS{said}"


def version_of(server_hello: bytes) -> int:
    """The version that a ServerHello chooses (RFC 8446 section 4.2.1)."""
    octets = Octets(server_hello)
    version = octets.number(2)
    octets.take(32)
    octets.vector(1)
    octets.take(3)
    said = dict(octets.extensions()).get(43, b"")
    return int.from_bytes(said) if len(said) == 2 else version
