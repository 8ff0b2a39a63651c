"""Readers of files that people bring: zones and tapes, perhaps written by others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, cast

import dns.name
import dns.rdatatype
from fuzz_target import Target

from diag.lab.tape import BadTape, Tape
from diag.lab.zone import BadZone, Zone
from diag.probes.dns import DnsQuery
from diag.probes.moment import Now
from diag.probes.probe import Probe
from diag.probes.talks import SmtpTalk


class _Held(PurePosixPath):
    """A file that is nowhere but in memory."""

    octets = b""

    def read_bytes(self) -> bytes:
        return self.octets


KINDS: dict[str, type[Probe[Any]]] = {each.kind: each for each in (DnsQuery, Now, SmtpTalk)}


def _tape(octets: bytes) -> object:
    path = _Held("fuzz.tape")
    path.octets = octets
    tape = Tape.load(cast(Any, path), KINDS)
    return list(tape.exchanges.items())


def _zone(octets: bytes) -> object:
    zone = Zone.parse(octets.decode("utf-8", "replace"), "orchard.example")
    for name in ("orchard.example", "a.b.orchard.example"):
        for rdtype in (dns.rdatatype.TXT, dns.rdatatype.MX):
            zone.ask(dns.name.from_text(name), rdtype)
    return zone.patched(zone)


QUERY = {"kind": "dns", "name": "orchard.example", "rdtype": "MX"}
ANSWER = {
    "type": "DnsAnswer",
    "server": "192.0.2.53",
    "rcode": "NOERROR",
    "flags": "QR RD RA",
    "question": ["orchard.example. IN MX"],
    "answer": ["orchard.example. 60 IN MX 10 mx.orchard.example."],
    "extended_errors": [[22, "no reachable authority"]],
}
SILENCE = {"type": "DnsSilence", "why": "timed out", "tried": ["192.0.2.53"], "took_ms": 9}
HEADER, ENDING = b'{"maildiag-tape": 1}\n', b'{"end": %d}\n'


def _exchange(evidence: Mapping[str, object]) -> bytes:
    return json.dumps({"probe": QUERY, "evidence": evidence}).encode() + b"\n"


BROUGHT = (
    Target(
        "tape",
        _tape,
        (
            HEADER,
            ENDING % 1,
            _exchange(ANSWER),
            _exchange(SILENCE),
            _exchange({"type": "DnsAnswer", "wire": {"base64": "AAAA"}}),
            b'{"probe": ',
            b'"evidence": ',
            b'{"kind": "dns"}',
            b'{"type": "Moment"}',
            b"}",
            b"{",
            b", ",
            b"\n",
            b"null",
            b"[]",
        ),
        (HEADER + _exchange(ANSWER) + ENDING % 1, HEADER + _exchange(SILENCE) + ENDING % 1),
        HEADER,
        (BadTape,),
    ),
    Target(
        "zone-file",
        _zone,
        (
            b"@ ",
            b" ",
            b"\n",
            b"a ",
            b".b ",
            b"TXT ",
            b"TYPE16 \\# ",
            b" RRSIG MX 8 2 60 20270101000000 20260101000000 1 d.example. AAAA\n",
            b" RRSIG A 8 2 60 20270101000000 20260101000000 1 d.example. AAAA\n",
            b'"v=spf1 -all"\n',
            b"MX 10 mx\n",
            b"CNAME a\n",
            b"A 192.0.2.1\n",
            b" IN A 192.0.2.1\n",
            b" TXT a\n",
            b"$ORIGIN b.example.\n",
            b"$TTL 1h\n",
            b"60 IN ",
            b"(",
            b")",
            b";",
            b'"',
            b"\\",
            b"\\046",
            b"* ",
        ),
        (b'@ 60 IN SPF "v=spf1 -all"\n  MX 10 mx\nmx A 192.0.2.1\n* CNAME mx\n',),
        refuses=(BadZone,),
    ),
)
