"""A DNS message, read as far as judgement looks: header, answers and options (RFC 1035 section 4.1).

Most answers of a run say only that there is nothing, and a reader that makes an object of every record of every
section spends most of a run's time on them. This one walks over what nobody asks about and has dnspython read
the data of the answers alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Hashable, Iterator
from functools import lru_cache

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.wire
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.nsbase import NSBase

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.names.parsed import presented

Labels = tuple[bytes, ...]
"""An absolute name without its root label, in lower case."""

_OPT, _EXTENDED_ERROR = 41, 15
_HEADER, _RECORD = struct.Struct("!6H"), struct.Struct("!2HIH")
_POINTER, _LONGEST = 0xC0, 255
_MOST_POINTERS = 128
"""Of one name: it has at most 127 labels, and each pointer of an honest one leads to a label or the root."""
_WITHOUT_NAMES = frozenset({1, 16, 28, 43, 48, 52, 257})
"""A, TXT, AAAA, DS, DNSKEY, TLSA and CAA."""
_BEFORE_A_NAME = {2: 0, 5: 0, 12: 0, 15: 2}
"""Octets before the one name that the data of NS, CNAME, PTR and MX records ends with."""
_MOST_KEPT = 512
"""Octets of data that is remembered: a key of 2048 bits and less."""
_LARGEST_TTL = 0x7FFFFFFF


class Garbage(ValueError):
    """The octets are no DNS message."""


@frozen
class RecordSet:
    """The records of one owner, class and type in an answer."""

    owner: Labels
    rdclass: int
    rdtype: int
    ttl: int
    """Seconds; the smallest of its records (RFC 2181 section 5.2)."""
    rdatas: tuple[dns.rdata.Rdata, ...]

    def lines(self) -> Iterator[str]:
        """In presentation format, a record a line."""
        return iter(self._lines)

    @kept
    def _lines(self) -> tuple[str, ...]:
        name = presented((*self.owner, b""))
        kind = _kind_text(self.rdclass, self.rdtype)
        return tuple([f"{name} {self.ttl} {kind} {_text(rdata)}" for rdata in self.rdatas])


@frozen
class Message:
    """What was read of a message."""

    flags: int
    rcode: int
    """With the upper bits that EDNS adds (RFC 6891 section 6.1.3)."""
    answer: tuple[RecordSet, ...]
    extended_errors: tuple[tuple[int, str], ...]
    """Info code and text (RFC 8914)."""


@lru_cache(maxsize=256)
def _kind_text(rdclass: int, rdtype: int) -> str:
    _, in_class, of_type = _kind(rdclass, rdtype)
    return f"{dns.rdataclass.to_text(in_class)} {dns.rdatatype.to_text(of_type)}"


def _text(rdata: dns.rdata.Rdata) -> str:
    """The data in presentation format; what needs no escapes, as most does, is not searched for them."""
    if isinstance(rdata, TXT):
        texts = [octets.decode("latin-1") for octets in rdata.strings]
        if all(map(_PLAIN_TEXT, texts)):
            return " ".join([f'"{text}"' for text in texts])
    elif isinstance(rdata, NSBase):
        return presented(rdata.target.labels)
    elif isinstance(rdata, MX):
        return f"{rdata.preference} {presented(rdata.exchange.labels)}"
    return rdata.to_text()


_PLAIN_TEXT = re.compile(r"[ !#-\[\]-~]*").fullmatch


def read(wire: bytes) -> Message:
    """Read a message; what follows it is ignored. Linear in its length. Raises Garbage."""
    try:
        return _read(wire)
    except (struct.error, IndexError, ValueError, dns.exception.DNSException) as error:
        raise Garbage(str(error)) from None


def _read(wire: bytes) -> Message:
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    at = _HEADER.size
    for _ in range(questions):
        at = _past_name(wire, at) + 4
    answer: tuple[RecordSet, ...] = ()
    if answers:
        answer, at = _sets(wire, at, answers)
    rcode = flags & 0x0F
    errors: tuple[tuple[int, str], ...] = ()
    for number in range(authorities + additionals):
        at = _past_name(wire, at)
        rdtype, _, ttl, length = _RECORD.unpack_from(wire, at)
        at += _RECORD.size
        if rdtype == _OPT and number >= authorities:
            rcode |= ttl >> 24 << 4
            if length:
                errors += tuple(_extended_errors(wire[at : at + length]))
        at += length
    if at > len(wire):
        raise Garbage("the message ends within a record")
    return Message(flags, rcode, answer, errors)


def read_referral(wire: bytes) -> tuple[tuple[RecordSet, ...], tuple[RecordSet, ...]]:
    """The authority section, and the additional one without what is no record (RFC 1035 section 4.1).

    Apart from `read`, as few look there: a referral has its name servers in the one and their addresses in the
    other, a denial its zone's SOA. Raises Garbage.
    """
    try:
        at, authorities, additionals = _past_answers(wire)
        authority, at = _sets(wire, at, authorities)
        additional, _ = _sets(wire, at, additionals)
    except (struct.error, IndexError, ValueError, dns.exception.DNSException) as error:
        raise Garbage(str(error)) from None
    return authority, additional


def read_denial(wire: bytes) -> tuple[tuple[Labels, int], ...]:
    """Owner and type of each record of the authority section; what they hold is not read. Raises Garbage."""
    found = []
    try:
        at, authorities, _ = _past_answers(wire)
        for _ in range(authorities):
            owner, at = _name(wire, at)
            rdtype, _, _, length = _RECORD.unpack_from(wire, at)
            at += _RECORD.size + length
            found.append((owner, rdtype))
    except (struct.error, IndexError) as error:
        raise Garbage(str(error)) from None
    return tuple(found)


def _past_answers(wire: bytes) -> tuple[int, int, int]:
    """Where the authority section begins, and how many records it and the additional one have."""
    _, _, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
    at = _HEADER.size
    for _ in range(questions):
        at = _past_name(wire, at) + 4
    for _ in range(answers):
        at = _past_name(wire, at)
        at += _RECORD.size + _RECORD.unpack_from(wire, at)[3]
    return at, authorities, additionals


def _sets(wire: bytes, at: int, records: int) -> tuple[tuple[RecordSet, ...], int]:
    """So many records from here on, as sets in the order of their first records, and where they end."""
    sets: dict[tuple[Labels, int, int], tuple[int, dict[Hashable, dns.rdata.Rdata]]] = {}
    for _ in range(records):
        owner, at = _name(wire, at)
        rdtype, rdclass, ttl, length = _RECORD.unpack_from(wire, at)
        at += _RECORD.size
        if rdtype != _OPT:
            key, rdata = _rdata(rdclass, rdtype, wire, at, length)
            ttl = ttl if ttl <= _LARGEST_TTL else 0  # RFC 2181 section 8
            smallest, rdatas = sets.get((owner, rdclass, rdtype), (ttl, {}))
            rdatas.setdefault(key, rdata)  # the same record twice is one record (RFC 2181 section 5)
            sets[owner, rdclass, rdtype] = min(ttl, smallest), rdatas
        at += length
    found = (RecordSet(*of, ttl, tuple(rdatas.values())) for of, (ttl, rdatas) in sets.items())
    return tuple(found), at


def _rdata(rdclass: int, rdtype: int, wire: bytes, at: int, length: int) -> tuple[Hashable, dns.rdata.Rdata]:
    """The data of a record, and what is the same for equal ones alone (RFC 4034 section 6.2).

    Many domains have the same: without names, or with a name that is written out, they are the same octets everywhere.
    """
    if rdtype in _WITHOUT_NAMES and length <= _MOST_KEPT:
        octets = wire[at : at + length]
        return octets, _alike(rdclass, rdtype, octets)
    if (before := _BEFORE_A_NAME.get(rdtype)) is not None:
        labels, end = _labels(wire, at + before)
        if end == at + length:
            name = b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"
            first = wire[at : at + before]
            # Lengths are no letters, so that the case of labels alone is gone.
            return (first, name.lower()), _alike(rdclass, rdtype, first + name)
    rdata = _read_rdata(rdclass, rdtype, wire, at, length)
    return rdata, rdata


@lru_cache(maxsize=2048)
def _alike(rdclass: int, rdtype: int, octets: bytes) -> dns.rdata.Rdata:
    return _read_rdata(rdclass, rdtype, octets, 0, len(octets))


def _read_rdata(rdclass: int, rdtype: int, wire: bytes, at: int, length: int) -> dns.rdata.Rdata:
    """As dnspython's `from_wire`, which looks the kind up anew for each record."""
    reader, in_class, of_type = _kind(rdclass, rdtype)
    parser = dns.wire.Parser(wire, at)
    with parser.restrict_to(length), dns.exception.ExceptionWrapper(dns.exception.FormError):  # type: ignore[no-untyped-call]
        return reader.from_wire_parser(in_class, of_type, parser)


@lru_cache(maxsize=256)
def _kind(
    rdclass: int, rdtype: int
) -> tuple[type[dns.rdata.Rdata], dns.rdataclass.RdataClass, dns.rdatatype.RdataType]:
    """What reads such data, and how dnspython calls class and type."""
    in_class, of_type = dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rdtype)
    reader = dns.rdata.get_rdata_class(in_class, of_type)  # type: ignore[no-untyped-call]
    return reader or dns.rdata.GenericRdata, in_class, of_type


def _past_name(wire: bytes, at: int) -> int:
    """Where a name ends that begins here."""
    while length := wire[at]:
        if length >= _POINTER:
            return at + 2
        if length > 63:
            raise Garbage("a label of an unknown kind")
        at += 1 + length
    return at + 1


def _name(wire: bytes, at: int) -> tuple[Labels, int]:
    """A name, in lower case, and where it ends."""
    labels, end = _labels(wire, at)
    return tuple([label.lower() for label in labels]), end


def _labels(wire: bytes, at: int) -> tuple[list[bytes], int]:
    """The labels of a name and where it ends; pointers lead backwards only (RFC 1035 section 4.1.4).

    Of these there may be few: a chain of thousands, followed for each record, would take a minute.
    """
    end, labels, octets, start, pointers = 0, [], 1, at, 0
    while length := wire[at]:
        if length >= _POINTER:
            end = end or at + 2
            target = (length & 0x3F) << 8 | wire[at + 1]
            pointers += 1
            if target >= start or pointers > _MOST_POINTERS:
                raise Garbage("a name that points forward, or from pointer to pointer")
            at = start = target
            continue
        if length > 63:
            raise Garbage("a label of an unknown kind")
        octets += 1 + length
        if octets > _LONGEST:
            raise Garbage("a name of over 255 octets")
        labels.append(wire[at + 1 : at + 1 + length])
        at += 1 + length
    return labels, end or at + 1


def _extended_errors(options: bytes) -> Iterator[tuple[int, str]]:
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from("!2H", options, at)
        value = options[at + 4 : at + 4 + length]
        if code == _EXTENDED_ERROR and len(value) >= 2:
            yield int.from_bytes(value[:2]), value[2:].decode("utf-8", "replace").rstrip("\0")
        at += 4 + length
