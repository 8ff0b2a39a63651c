"""Session tickets as a host of the sandbox would have them, where no library can be made to give such ones.

OpenSSL gives the tickets; on their way out their records are opened, the messages written anew, and sealed again. The
server does not know them afterwards, which matters to nobody: we never resume a session.
"""

from __future__ import annotations

from diag.lab.live.network import Wire
from diag.tls.flight import HANDSHAKE
from diag.tls.octets import Octets
from diag.tls.tickets import APPLICATION_DATA, EARLY_DATA, NEW_SESSION_TICKET, RecordKeys


class TicketWire:
    """The server's end of a wire below TLS 1.3. A Wire itself; `lifetime` and `early_data` are as in Ticket."""

    def __init__(self, wire: Wire, lifetime: int, early_data: int) -> None:
        self._wire = wire
        self._lifetime = lifetime
        self._early_data = early_data
        self._octets = bytearray()
        self._keys: RecordKeys | None = None
        self._number = 0

    def secret(self, suite: int, secret: bytes) -> None:
        """Take the suite and the server's first application traffic secret."""
        self._keys = RecordKeys(suite, secret)

    async def read(self, most: int) -> bytes:
        """See Wire."""
        return await self._wire.read(most)

    async def write(self, octets: bytes) -> None:
        """See Wire. Records are sent once they are whole."""
        self._octets += octets
        whole = bytearray()
        while len(self._octets) >= 5 and len(self._octets) >= (end := _end(self._octets)):
            whole += self._record(bytes(self._octets[:end]))
            del self._octets[:end]
        await self._wire.write(bytes(whole))

    async def close(self) -> None:
        """See Wire."""
        await self._wire.close()

    def _record(self, record: bytes) -> bytes:
        if self._keys is None or record[0] != APPLICATION_DATA:
            return record
        opened = self._keys.opened(record, self._number)
        if opened is None:  # of the handshake, which has other keys
            return record
        number, self._number = self._number, self._number + 1
        kind, content = opened
        if kind != HANDSHAKE or content[0] != NEW_SESSION_TICKET:
            return record
        inner = self._ticket(content[4:]) + bytes((HANDSHAKE,))
        header = record[:3] + (len(inner) + 16).to_bytes(2)  # all the suites have a tag of 16 octets
        return header + self._keys.cipher.encrypt(self._keys.nonce(number), inner, header)

    def _ticket(self, message: bytes) -> bytes:
        """RFC 8446 section 4.6.1."""
        octets = Octets(message)
        usual, added = octets.take(4), octets.take(4)
        nonce, ticket = octets.vector(1), octets.vector(2)
        lifetime = self._lifetime.to_bytes(4) if self._lifetime else usual
        early = b""
        if self._early_data:
            early = EARLY_DATA.to_bytes(2) + b"\0\4" + self._early_data.to_bytes(4)
        body = lifetime + added + _vector(1, nonce) + _vector(2, ticket) + _vector(2, early)
        return bytes((NEW_SESSION_TICKET,)) + _vector(3, body)


def _end(octets: bytearray) -> int:
    return 5 + int.from_bytes(octets[3:5])


def _vector(octets: int, content: bytes) -> bytes:
    return len(content).to_bytes(octets) + content
