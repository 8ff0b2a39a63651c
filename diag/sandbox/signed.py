"""Zones of a world that are signed, well or badly, on purpose: keys, signatures and proofs that there is nothing.

Everything follows from the world's text and its clock: the keys are always the same, and a signature is made
when it is first asked for.
"""

from __future__ import annotations

from base64 import b32hexdecode
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import shake_256
from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.NSEC3
import dns.rdtypes.util
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from diag.lab.zone import Zone
from diag.model.kept import kept

WISHES = (
    "expired", "not-yet", "expiring", "ending", "short-lived", "wrong-ds", "orphan-ds", "no-ds", "unheeded-ds",
    "sha1-ds", "both-ds", "retired-algorithm", "retired-key-beside", "small-key", "tiny-key", "nsec3",
    "nsec3-iterations", "broken-denial", "compact", "compact-restored", "one-rrset",
)  # fmt: skip
"""What may be said of a zone, `key=value` for `nsec3-iterations` (a number) and `one-rrset=NAME/TYPE`.

`compact`: what does not exist is denied as if it had no such records (RFC 9824); `compact-restored`: the resolver
says NXDOMAIN all the same to whoever asks for no signatures (section 5)."""

_CSK, _TTL, _IN = 257, 3600, dns.rdataclass.IN
_NXNAME = 128
_PAST = timedelta(days=5)
_LIFETIMES: Mapping[str, tuple[timedelta, timedelta]] = {
    "": (-_PAST, timedelta(days=16)),
    "expired": (timedelta(days=-20), timedelta(days=-1)),
    "not-yet": (timedelta(hours=2), timedelta(days=16)),
    "expiring": (timedelta(days=-12), timedelta(days=2)),
    "ending": (timedelta(days=-14), timedelta(minutes=30)),
    "short-lived": (timedelta(days=-1), timedelta(days=1)),
}
"""From when to when signatures count, from the world's moment."""
_REFUSED = ("expired", "wrong-ds")
"""What has a validating resolver refuse the whole zone."""
_ED25519, _RSASHA1, _RSASHA256, _NOBODY_KNOWS = 15, 5, 8, 200
_OFFSETS = {256: (16, 62), 384: (388, 18), 512: (388, 518), 1024: (20, 862)}
"""How far the next prime is from what `_start` gives, by bits: looking for one takes a second."""


@dataclass(frozen=True)
class Key:
    """A key pair as dnspython takes it."""

    private: Any
    public: Any


@dataclass(frozen=True)
class Wishes:
    """What is said of one zone."""

    said: Mapping[str, str]

    @classmethod
    def read(cls, text: str) -> tuple[str, Wishes]:
        """`ZONE [wish…]`: the zone, and how it is to be signed. Raises ValueError."""
        zone, *words = text.split()
        said = dict(word.partition("=")[::2] for word in words)
        if unknown := [wish for wish in said if wish not in WISHES]:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(WISHES)}")
        return zone, cls(said)

    def __contains__(self, wish: str) -> bool:
        return wish in self.said


class Signer:
    """The signed zones of a world."""

    def __init__(self, zone: Zone, signed: Mapping[str, str], moment: datetime) -> None:
        """Adds keys, DS and NSEC3PARAM records to the zone. Raises ValueError for a wish that is none."""
        self._world = zone
        self._moment = moment
        read = (Wishes.read(f"{name} {wishes}") for name, wishes in signed.items())
        self._wishes = {dns.name.from_text(name): wishes for name, wishes in read}
        self._signatures: dict[Any, dns.rrset.RRset] = {}
        for apex, wishes in self._wishes.items():
            for rrset in _records(apex, wishes):
                zone.put(rrset)

    def refuses(self, response: dns.message.Message) -> bool:
        """Whether a validating resolver would give SERVFAIL in place of this."""
        name, rdtype = _asked(response)
        apex = self._zone_of(name, rdtype)
        if apex is None:
            return False
        wishes = self._wishes[apex]
        if any(wish in wishes for wish in _REFUSED):
            return True
        if "broken-denial" in wishes and not response.answer:
            return rdtype != dns.rdatatype.DS
        return any(self._broken(rrset.name, rrset.rdtype) for rrset in response.answer)

    def conceals(self, response: dns.message.Message, *, restored: bool) -> bool:
        """Whether NXDOMAIN is to be NOERROR: with compact denial, unless the resolver has `restored` it."""
        if response.rcode() != dns.rcode.NXDOMAIN:
            return False
        name = _asked(response)[0]
        for rrset in response.answer:
            if rrset.rdtype == dns.rdatatype.CNAME and rrset.name == name:
                name = rrset[0].target
        apex = self._zone_of(name, dns.rdatatype.A)
        wishes = self._wishes[apex] if apex is not None else Wishes({})
        return "compact" in wishes or ("compact-restored" in wishes and not restored)

    def complete(self, response: dns.message.Message, *, old: bool = False) -> None:
        """Put the signatures beside the records, or the proof that there are none (RFC 4035 section 3.1).

        `old` ones have ended, whatever else is said of the zone.
        """
        name, rdtype = _asked(response)
        gone = response.rcode() == dns.rcode.NXDOMAIN
        if self.conceals(response, restored=False):
            response.set_rcode(dns.rcode.NOERROR)
        for rrset in tuple(response.answer):
            holder = self._zone_of(rrset.name, rrset.rdtype)
            response.answer += self._signature(rrset, holder, old=old)
            if rrset.rdtype == dns.rdatatype.CNAME:
                name = rrset[0].target
        if any(
            rrset.rdtype in (rdtype, dns.rdatatype.CNAME) and rrset.name == name for rrset in response.answer
        ):
            return
        apex = self._zone_of(name, rdtype)
        if apex is None:
            return
        for rrset in (*response.authority, *self._denial(apex, name, gone=gone)):
            if rrset not in response.authority:
                response.authority.append(rrset)
            response.authority += self._signature(rrset, apex, old=old)

    def _zone_of(self, name: dns.name.Name, rdtype: int) -> dns.name.Name | None:
        """The signed zone that holds an owner; a DS record lies above its owner's own zone."""
        while True:
            at_cut = dns.rdatatype.SOA in self._world.rrsets.get(name, {})
            if at_cut and rdtype != dns.rdatatype.DS:
                return name if name in self._wishes else None
            if name == dns.name.root:
                return None
            name, rdtype = name.parent(), dns.rdatatype.SOA

    def _broken(self, name: dns.name.Name, rdtype: int) -> bool:
        apex = self._zone_of(name, rdtype)
        said = self._wishes[apex].said.get("one-rrset") if apex is not None else None
        if said is None:
            return False
        owner, _, kind = said.partition("/")
        return (dns.name.from_text(owner), dns.rdatatype.from_text(kind)) == (name, rdtype)

    def _signature(
        self, rrset: dns.rrset.RRset, apex: dns.name.Name | None, *, old: bool
    ) -> list[dns.rrset.RRset]:
        """Of the zone that holds the RRset: at a cut that is the one above, for NSEC and DS."""
        if apex is None or rrset.rdtype == dns.rdatatype.RRSIG:
            return []
        key = rrset.name, int(rrset.rdtype), frozenset(rrset), old
        if key not in self._signatures:
            self._signatures[key] = self._signed(rrset, apex, old=old)
        return [self._signatures[key]]

    def _signed(self, rrset: dns.rrset.RRset, apex: dns.name.Name, *, old: bool) -> dns.rrset.RRset:
        wishes, key = self._wishes[apex], _key_of(self._wishes[apex])
        wish = "expired" if old else next((each for each in _LIFETIMES if each in wishes), "")
        start, end = _LIFETIMES[wish]
        own = rrset.name in self._world.rrsets or rrset.rdtype == dns.rdatatype.NSEC
        owner = rrset.name if own else self._wildcard(rrset)
        # One that is wrong is over something else.
        ttl = rrset.ttl + self._broken(rrset.name, rrset.rdtype)
        rrsig: Any = dns.dnssec.sign(
            dns.rrset.from_rdata_list(owner, ttl, list(rrset)), key.private, apex, key.public,
            inception=self._moment + start, expiration=self._moment + end,
            policy=dns.dnssec.allow_all_policy,
        )  # fmt: skip
        rrsig = rrsig.replace(original_ttl=rrset.ttl)
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, rrsig)

    def _wildcard(self, rrset: dns.rrset.RRset) -> dns.name.Name:
        """The owner in the zone from which an answer was made (RFC 4035 section 5.3.2), or its own."""
        above = rrset.name
        while above != dns.name.root:
            above = above.parent()
            star = dns.name.Name((b"*", *above.labels))
            if star in self._world.rrsets:
                return star
        return rrset.name

    def _denial(self, apex: dns.name.Name, name: dns.name.Name, *, gone: bool) -> list[dns.rrset.RRset]:
        chain, wishes = self._chains[apex], self._wishes[apex]
        if "broken-denial" in wishes:
            return [chain.covering(apex)]
        if "compact" in wishes or "compact-restored" in wishes:
            return [chain.compact(name, gone=gone)]
        closest = name
        while closest not in chain.inhabited:
            closer, closest = closest, closest.parent()
        if closest == name:
            found = [chain.covering(name)]
        else:
            star = dns.name.Name((b"*", *closest.labels))
            found = [chain.covering(each) for each in (*((closest,) if chain.hashed else ()), closer, star)]
        return list({rrset.name: rrset for rrset in found}.values())

    @kept
    def _chains(self) -> dict[dns.name.Name, _Chain]:
        return {apex: _Chain(apex, wishes, self._owners(apex)) for apex, wishes in self._wishes.items()}

    def _owners(self, apex: dns.name.Name) -> dict[dns.name.Name, set[int]]:
        """The names of a zone and their types, as NSEC records list them; of a delegation, the parent's side."""
        owners: dict[dns.name.Name, set[int]] = {}
        for name, types in self._world.rrsets.items():
            if not name.is_subdomain(apex) or not any(map(len, types.values())):
                continue
            if self._zone_of(name, dns.rdatatype.A) == apex:
                owners[name] = {int(rdtype) for rdtype, held in types.items() if len(held)}
                owners[name].discard(int(dns.rdatatype.DS))
            elif dns.rdatatype.SOA in types and self._zone_of(name, dns.rdatatype.DS) == apex:
                owners[name] = {int(dns.rdatatype.NS)}
                if dns.rdatatype.DS in types:
                    owners[name].add(int(dns.rdatatype.DS))
        return owners


class _Chain:
    """The NSEC or NSEC3 records of a zone (RFC 4034 section 4, RFC 5155)."""

    def __init__(self, apex: dns.name.Name, wishes: Wishes, owners: dict[dns.name.Name, set[int]]) -> None:
        self._apex, self._owners = apex, owners
        self.hashed = "nsec3" in wishes or "nsec3-iterations" in wishes
        self._iterations = int(wishes.said.get("nsec3-iterations") or 0)
        self.inhabited = {apex}
        for owner in owners:
            while owner not in self.inhabited:
                self.inhabited.add(owner)
                owner = owner.parent()
        # Empty non-terminals have an NSEC3 record and no NSEC record.
        named = self.inhabited if self.hashed else set(owners)
        self._by_place = {self._place(name): name for name in named}
        self._places = sorted(self._by_place)

    def covering(self, name: dns.name.Name) -> dns.rrset.RRset:
        """The record of a name, or the one in whose gap it lies."""
        at = bisect_right(self._places, self._place(name)) - 1
        place, following = self._places[at], self._places[(at + 1) % len(self._places)]
        owner = self._by_place[place]
        types = self._owners.get(owner, set())
        own = types | ({dns.rdatatype.RRSIG} if types else set())
        if not self.hashed:
            data: dns.rdata.Rdata = dns.rdtypes.ANY.NSEC.NSEC(  # type: ignore[no-untyped-call]
                _IN, dns.rdatatype.NSEC, self._by_place[following], _bitmap(own | {dns.rdatatype.NSEC})
            )
            return dns.rrset.from_rdata(owner, _TTL, data)
        data = dns.rdtypes.ANY.NSEC3.NSEC3(  # type: ignore[no-untyped-call]
            _IN, dns.rdatatype.NSEC3, 1, 0, self._iterations, b"", b32hexdecode(following), _bitmap(own)
        )
        return dns.rrset.from_rdata(dns.name.Name((place.encode(), *self._apex.labels)), _TTL, data)

    def compact(self, name: dns.name.Name, *, gone: bool) -> dns.rrset.RRset:
        """A record made for one name alone, whether or not it exists (RFC 9824 sections 3.1 to 3.3)."""
        closest = name
        while closest not in self.inhabited:
            closest = closest.parent()
        holder = name if closest == name else dns.name.Name((b"*", *closest.labels))
        types = self._owners.get(holder, set()) | {dns.rdatatype.RRSIG, dns.rdatatype.NSEC}
        data: dns.rdata.Rdata = dns.rdtypes.ANY.NSEC.NSEC(  # type: ignore[no-untyped-call]
            _IN,
            dns.rdatatype.NSEC,
            dns.name.Name((b"\0", *name.labels)),
            _bitmap(types | ({_NXNAME} if gone else set())),
        )
        return dns.rrset.from_rdata(name, _TTL, data)

    def _place(self, name: dns.name.Name) -> Any:
        return dns.dnssec.nsec3_hash(name, None, self._iterations, 1) if self.hashed else name


def _bitmap(types: Iterable[int]) -> Any:
    made = dns.rdtypes.util.Bitmap.from_rdtypes([dns.rdatatype.RdataType.make(each) for each in types])
    return made.windows


def _asked(response: dns.message.Message) -> tuple[dns.name.Name, int]:
    question = response.question[0]
    return question.name, int(question.rdtype)


def _records(apex: dns.name.Name, wishes: Wishes) -> Iterable[dns.rrset.RRset]:
    """What signing adds to a zone, and to its parent."""
    key = _key_of(wishes)
    keys = [key.public, *([_rsa(2048, _RSASHA1).public] if "retired-key-beside" in wishes else ())]
    yield dns.rrset.from_rdata_list(apex, _TTL, keys)
    if delegated := _delegated(apex, key, wishes):
        yield dns.rrset.from_rdata_list(apex, _TTL, delegated)
    if "nsec3" in wishes or "nsec3-iterations" in wishes:
        iterations = wishes.said.get("nsec3-iterations") or "0"
        yield dns.rrset.from_text(apex, 0, "IN", "NSEC3PARAM", f"1 0 {iterations} -")


def _delegated(apex: dns.name.Name, key: Key, wishes: Wishes) -> list[Any]:
    def ds(digest: str, of: Key = key) -> Any:
        return dns.dnssec.make_ds(apex, of.public, digest, policy=dns.dnssec.allow_all_policy)

    if apex == dns.name.root or "no-ds" in wishes:
        return []
    if "wrong-ds" in wishes:
        return [ds("SHA256", _ed25519("another"))]
    if "unheeded-ds" in wishes:
        return [ds("SHA256").replace(algorithm=_NOBODY_KNOWS)]
    if "sha1-ds" in wishes:
        return [ds("SHA1")]
    more = {"orphan-ds": [ds("SHA256", _ed25519("another"))], "both-ds": [ds("SHA1")]}
    return [ds("SHA256"), *(each for wish, added in more.items() if wish in wishes for each in added)]


def _key_of(wishes: Wishes) -> Key:
    if "retired-algorithm" in wishes:
        return _rsa(2048, _RSASHA1)
    if "small-key" in wishes:
        return _rsa(1024, _RSASHA256)
    return _rsa(768, _RSASHA256) if "tiny-key" in wishes else _ed25519("zone")


@cache
def _ed25519(seed: str) -> Key:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(shake_256(f"maildiag {seed}".encode()).digest(32))
    return Key(private, dns.dnssec.make_dnskey(private.public_key(), _ED25519, flags=_CSK))


@cache
def _rsa(bits: int, algorithm: int) -> Key:
    """An RSA key that is the same every time, and a secret to nobody."""
    half = bits // 2
    p, q = (_start(half, which) + far for which, far in zip(("first", "second"), _OFFSETS[half], strict=True))
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return Key(
        numbers.private_key(unsafe_skip_rsa_key_validation=True),
        dns.dnssec.make_dnskey(public.public_key(), algorithm, flags=_CSK),
    )


def _start(bits: int, which: str) -> int:
    drawn = int.from_bytes(shake_256(f"maildiag sandbox {bits} {which}".encode()).digest(bits // 8), "big")
    return drawn | 3 << bits - 2 | 1
