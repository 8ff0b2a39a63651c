"""Questions to the DNS, and what came back: octets, parsed when somebody looks."""

from __future__ import annotations

import enum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from diag.model.frozen import frozen

from .probe import Impact, Probe

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class DnsQuery(Probe["DnsAnswer | DnsSilence"]):
    """One question: a name, a type, and who is asked.

    `name` is absolute, in lower-case A-labels without trailing dot ("." is the root); no search list is
    ever applied. `server` is an address, or address#port; None asks the resolver. Every question carries
    the AD bit, so that a validating resolver says whether it validated (RFC 6840 section 5.7); `dnssec`
    sets DO as well, to be given the signatures.
    """

    kind: ClassVar[str] = "dns"
    impact: ClassVar[Impact] = Impact.PASSIVE

    name: str
    rdtype: str
    server: str | None = None
    dnssec: bool = False

    @property
    def peer(self) -> str:
        """The name server asked."""
        return f"dns:{self.server or 'resolver'}"

    def command(self) -> str:
        """The same question for dig."""
        at = f" @{self.server.replace('#', ' -p ')}" if self.server else ""
        if self.rdtype == "PTR" and self.name.endswith((".in-addr.arpa", ".ip6.arpa")):
            return f"dig{at} +noall +answer PTR {self.name}"
        return f"dig{at}{' +dnssec' if self.dnssec else ''} +noall +answer {self.rdtype} {self.name}"

    def __str__(self) -> str:
        return f"{self.rdtype} {self.name}" + (f" @{self.server}" if self.server else "")


@frozen
class DnsAnswer:
    """A message that answers the question, whatever its response code."""

    wire: bytes
    """The message as received, its id set to zero."""
    server: str
    """Who answered: address, or address#port where the port is not 53."""
    took_ms: int = 0
    transport: str = "udp"
    size: int = 0
    """Octets on the wire."""

    @cached_property
    def message(self) -> dns.message.Message | None:
        """The parsed message; None where it is garbage. Never change it: it is shared."""
        try:
            return dns.message.from_wire(self.wire, ignore_trailing=True, one_rr_per_rrset=False)
        except (dns.exception.DNSException, ValueError):
            return None

    @property
    def rcode(self) -> str:
        """The response code by name: NOERROR, NXDOMAIN, SERVFAIL, REFUSED…; "garbage" where unreadable."""
        return dns.rcode.to_text(self.message.rcode()) if self.message is not None else "garbage"

    @property
    def usable(self) -> bool:
        """Whether this says what exists and what does not."""
        return self.message is not None and self.message.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)

    @property
    def authenticated(self) -> bool:
        """Whether the resolver says that it validated the answer (AD, RFC 4035 section 3.2.3)."""
        return self.message is not None and bool(self.message.flags & dns.flags.AD)

    @property
    def recursive(self) -> bool:
        """Whether the server offers recursion: then it has followed aliases as far as they go."""
        return self.message is not None and bool(self.message.flags & dns.flags.RA)

    @property
    def truncated(self) -> bool:
        """Whether records are missing for want of room (TC)."""
        return self.message is not None and bool(self.message.flags & dns.flags.TC)

    @property
    def extended_errors(self) -> tuple[tuple[int, str], ...]:
        """Extended DNS errors: info code and text (RFC 8914)."""
        if self.message is None:
            return ()
        return tuple((int(o.code), str(o.text or "")) for o in self.message.options if o.otype == 15)

    def rrset(self, name: str, rdtype: str) -> dns.rrset.RRset | None:
        """The RRset of that owner and type in the answer section."""
        if self.message is None:
            return None
        wanted, kind = parsed_name(name), dns.rdatatype.from_text(rdtype)
        for rrset in self.message.answer:
            if rrset.rdtype == kind and rrset.name == wanted:
                return rrset
        return None

    def lines(self) -> Iterator[str]:
        """The answer section in presentation format, a record a line."""
        for rrset in self.message.answer if self.message is not None else ():
            yield from rrset.to_text().splitlines()


@lru_cache(maxsize=4096)
def parsed_name(text: str) -> dns.name.Name:
    """An absolute name; the same few are asked for again and again. Raises DNSException for what is none."""
    return dns.name.from_text(text)


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
    """An answer made here: for overlays and worlds."""
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
    wire = message.to_wire(max_size=65535, want_shuffle=False)
    return DnsAnswer(wire, server, size=len(wire))
