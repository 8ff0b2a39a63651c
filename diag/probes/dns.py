"""Questions to the DNS, and what came back: octets, parsed when somebody looks."""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.names.parsed import is_plain, parsed_name

from .dns_message import Garbage, Labels, Message, RecordSet, read, read_denial, read_referral
from .probe import Impact, Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

# As plain numbers: those of dnspython take half of the time in which an answer is looked at.
_USABLE = frozenset({int(dns.rcode.NOERROR), int(dns.rcode.NXDOMAIN)})
_AA, _TC, _RA, _AD = (int(flag) for flag in (dns.flags.AA, dns.flags.TC, dns.flags.RA, dns.flags.AD))

Transport = Literal["", "tcp", "plain"]
"""As usual: UDP with EDNS, then TCP where the answer does not fit; TCP alone; or without EDNS."""


@frozen
class DnsQuery(Probe["DnsAnswer | DnsSilence"]):
    """One question: a name, a type, and who is asked.

    `name` is absolute, in lower-case A-labels without trailing dot ("." is the root); no search list is
    ever applied. `server` is an address, or address#port; None asks the resolver. Every question carries
    the AD bit, so that a validating resolver says whether it validated (RFC 6840 section 5.7); `dnssec`
    sets DO as well, to be given the signatures, and `unchecked` sets CD, to be given what a validating
    resolver would refuse (RFC 4035 section 3.2.2).
    """

    kind: ClassVar[str] = "dns"
    impact: ClassVar[Impact] = Impact.PASSIVE

    name: str
    rdtype: str
    server: str | None = None
    dnssec: bool = False
    unchecked: bool = False
    transport: Transport = ""
    look: int = 1
    """Which asking it is: a second one is a question of its own."""

    @property
    def peer(self) -> str:
        """The name server asked."""
        return f"dns:{self.server or 'resolver'}"

    def command(self) -> str:
        """The same question for dig."""
        if self.server is None and not (self.dnssec or self.unchecked or self.transport):
            return f"dig +noall +answer {self.rdtype} {self.name}"
        at = f" @{self.server.replace('#', ' -p ')}" if self.server else ""
        if self.rdtype == "PTR" and self.name.endswith((".in-addr.arpa", ".ip6.arpa")):
            return f"dig{at} +noall +answer PTR {self.name}"
        flags = f"{' +dnssec' if self.dnssec else ''}{' +cdflag' if self.unchecked else ''}"
        flags += {"tcp": " +tcp", "plain": " +noedns"}.get(self.transport, "")
        return f"dig{at}{flags} +noall +answer {self.rdtype} {self.name}"

    def __str__(self) -> str:
        how = {"tcp": " over TCP", "plain": " without EDNS"}.get(self.transport, "")
        return f"{self.rdtype} {self.name}" + (f" @{self.server}" if self.server else "") + how


@frozen
class DnsAnswer:
    """A message that answers the question, whatever its response code."""

    wire: bytes
    """The message as received, its id set to zero."""
    server: str
    """Who answered: address, or address#port where the port is not 53."""
    took_ms: int = 0
    transport: str = "udp"
    """udp; tcp; plain: over UDP once more without EDNS, which the server had refused."""
    size: int = 0
    """Octets on the wire."""

    @property
    def round_trips(self) -> int:
        """One; over TCP one to connect, too."""
        return 2 if self.transport == "tcp" else 1

    @kept
    def _read(self) -> Message | None:
        """What the octets say; None where they are garbage."""
        try:
            return read(self.wire)
        except Garbage:
            return None

    @property
    def garbled(self) -> bool:
        """Whether this is no DNS message that can be read."""
        return self._read is None

    @property
    def rcode(self) -> str:
        """The response code by name: NOERROR, NXDOMAIN, SERVFAIL, REFUSED…; "garbage" where unreadable."""
        return _rcode_text(self._read.rcode) if self._read is not None else "garbage"

    @property
    def usable(self) -> bool:
        """Whether this says what exists and what does not.

        An answer that is cut short is to be ignored (RFC 2181 section 9): what is missing there may exist.
        """
        read = self._read
        return read is not None and not read.flags & _TC and read.rcode in _USABLE

    @property
    def authenticated(self) -> bool:
        """Whether the resolver says that it validated the answer (AD, RFC 4035 section 3.2.3)."""
        return self._flag(_AD)

    @property
    def recursive(self) -> bool:
        """Whether the server offers recursion: then it has followed aliases as far as they go."""
        return self._flag(_RA)

    @property
    def truncated(self) -> bool:
        """Whether records are missing for want of room (TC)."""
        return self._flag(_TC)

    @property
    def authoritative(self) -> bool:
        """Whether the server speaks for the zone itself (AA, RFC 1035 section 4.1.1)."""
        return self._flag(_AA)

    def _flag(self, flag: int) -> bool:
        read = self._read
        return read is not None and bool(read.flags & flag)

    @property
    def extended_errors(self) -> tuple[tuple[int, str], ...]:
        """Extended DNS errors: info code and text (RFC 8914)."""
        read = self._read
        return read.extended_errors if read is not None else ()

    def rrset(self, name: str, rdtype: str) -> RecordSet | None:
        """The RRset of that owner and type in the answer section."""
        if self._read is None or not self._read.answer:
            return None
        wanted = _labels(name), dns.rdataclass.IN, dns.rdatatype.from_text(rdtype)
        for found in self._read.answer:
            if (found.owner, found.rdclass, found.rdtype) == wanted:
                return found
        return None

    @kept
    def _elsewhere(self) -> tuple[tuple[RecordSet, ...], tuple[RecordSet, ...]]:
        try:
            return read_referral(self.wire)
        except Garbage:
            return (), ()

    @property
    def denied_by(self) -> tuple[tuple[Labels, int], ...]:
        """Owner and type of what stands in the authority section of an answer without answers: a zone's SOA alone,
        where nothing is signed."""
        try:
            return read_denial(self.wire) if self._read is not None and not self._read.answer else ()
        except Garbage:
            return ()

    @property
    def authority(self) -> tuple[RecordSet, ...]:
        """The RRsets of the authority section: the name servers of a referral, the SOA of a denial."""
        return self._elsewhere[0]

    @property
    def additional(self) -> tuple[RecordSet, ...]:
        """The RRsets of the additional section: addresses of the name servers of a referral."""
        return self._elsewhere[1]

    def lines(self) -> Iterator[str]:
        """The answer section in presentation format, a record a line."""
        for found in self._read.answer if self._read is not None else ():
            yield from found.lines()


@lru_cache(maxsize=256)
def _rcode_text(rcode: int) -> str:
    return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))


@lru_cache(maxsize=4096)
def _labels(name: str) -> Labels:
    if is_plain(name):
        return tuple(name.lower().encode("ascii").split(b"."))
    return tuple(label.lower() for label in parsed_name(name).labels[:-1])


class Silent(enum.StrEnum):
    """Why there was no answer."""

    TIMED_OUT = "timed out"
    REFUSED = "connection refused"
    UNREACHABLE = "unreachable"
    NO_SERVER = "no name server known"


@frozen
class DnsSilence:
    """Nobody answered. `tried` are the servers asked, in order."""

    why: Silent
    tried: tuple[str, ...] = ()
    took_ms: int = 0

    def __str__(self) -> str:
        return f"no answer from {', '.join(dict.fromkeys(self.tried)) or 'any name server'}: {self.why.value}"


DnsEvidence = DnsAnswer | DnsSilence


def build_answer(
    query: DnsQuery,
    records: tuple[dns.rrset.RRset, ...] = (),
    rcode: str = "NOERROR",
    *,
    server: str = "zone",
    authenticated: bool = False,
    recursive: bool = False,
) -> DnsAnswer:
    """An answer made here: for overlays and worlds. What no message can hold is SERVFAIL, as with any server."""
    message = dns.message.QueryMessage(id=0)
    message.flags = dns.flags.QR | dns.flags.AA
    if authenticated:
        message.flags |= dns.flags.AD
    if recursive:
        message.flags |= dns.flags.RA
    message.set_rcode(dns.rcode.from_text(rcode))
    question = dns.rrset.RRset(
        dns.name.from_text(query.name), dns.rdataclass.IN, dns.rdatatype.from_text(query.rdtype)
    )
    message.question.append(question)
    message.answer.extend(records)
    try:
        wire = message.to_wire(max_size=65535, want_shuffle=False)
    except dns.exception.DNSException:
        message.answer.clear()
        message.set_rcode(dns.rcode.SERVFAIL)
        wire = message.to_wire()
    return DnsAnswer(wire, server, size=len(wire))
