"""Whether the domain's answers are secured by DNSSEC: by a validating resolver's word (RFC 4035 section 4.3),
and by the signatures themselves, verified here.
"""

from __future__ import annotations

import enum
from datetime import datetime

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.dnssec import Signature, Standing


class Security(enum.StrEnum):
    """What is known of an answer's security."""

    SECURE = "secure"
    """It was validated."""
    INSECURE = "insecure"
    """The resolver validates, and did not vouch for this one: no chain of trust leads to it."""
    BOGUS = "bogus"
    """There is a chain of trust, and what is published breaks it: validating resolvers refuse the answer."""
    INDETERMINATE = "indeterminate"
    """Our resolver does not validate, so nothing can be said."""


@frozen
class DnssecStatus:
    """The security of the domain's own answers: the resolver's word (the AD bit), and what we verified."""

    domain: str
    security: Security
    because: str
    """Half a sentence for readers."""
    asked: tuple[Cite, ...]


@frozen
class DsSeen:
    """One DS record at the parent."""

    key_tag: int
    algorithm: int
    digest_type: int
    text: str
    """The data in presentation format."""
    supported: bool
    """Whether algorithm and digest are ones that validators know; they pass over any other."""
    key: int | None
    """The position of the key it fits in `ZoneTrust.keys`; None where it fits none."""


@frozen
class KeySeen:
    """One DNSKEY record of the zone."""

    key_tag: int
    algorithm: int
    bits: int
    """Of an RSA key; 0 for every other."""
    entry: bool
    """Whether it calls itself an entry point (SEP, RFC 4034 section 2.1.1)."""
    ds: str
    """The data of the DS record with SHA-256 that would fit it."""


class Word(enum.StrEnum):
    """What our resolver makes of an answer."""

    VOUCHES = "vouches"
    """It validated the answer."""
    REFUSES = "refuses"
    """It gives the answer only to those who ask it not to check (CD)."""
    PASSES = "passes"
    """It validates, and took this for unsigned."""
    NONE = "none"
    """It does not validate."""


@frozen
class SignedSet:
    """The signatures over one RRset, and what the resolver makes of it."""

    name: str
    rdtype: str
    signatures: tuple[Signature, ...]
    word: Word
    needed: bool = True
    """Whether there must be signatures: false below the apex, where an unsigned zone may begin."""
    asked: tuple[Cite, ...] = ()

    @property
    def label(self) -> str:
        """`MX lantern.example`."""
        return f"{self.rdtype} {self.name}"

    @property
    def good(self) -> Signature | None:
        """The good signature that lasts longest."""
        good = [each for each in self.signatures if each.standing is Standing.GOOD]
        return max(good, key=lambda each: each.expiration, default=None)

    @property
    def early(self) -> Signature | None:
        """Where none is good yet, the one that will be first."""
        early = [each for each in self.signatures if each.standing is Standing.NOT_YET]
        return min(early, key=lambda each: each.inception, default=None) if self.good is None else None

    @property
    def by_time(self) -> bool:
        """Whether the clock decides: its signatures have ended, or not begun."""
        return bool(self.signatures) and self.signatures[0].standing in (Standing.EXPIRED, Standing.NOT_YET)

    @property
    def undecided(self) -> bool:
        """Whether none is good and some could not be judged here."""
        unknown = {Standing.UNSUPPORTED, Standing.NOT_TRIED}
        return self.good is None and any(each.standing in unknown for each in self.signatures)

    @property
    def failing(self) -> bool:
        """Whether none holds, by our own verification."""
        if self.good is not None or self.undecided:
            return False
        return bool(self.signatures) or self.needed or self.word is Word.REFUSES

    @property
    def bogus(self) -> bool:
        """Whether validating resolvers refuse this: ours does, or it does not look.

        Where ours accepts it, it has asked a server that gives something better, or grants clocks some hours.
        """
        refused = self.word is Word.REFUSES or (self.word is Word.NONE and self.early is None)
        return self.failing and refused


@frozen
class DeniedSet:
    """A denial that mail needs."""

    name: str
    rdtype: str
    trouble: str
    """What is amiss with its proof; empty where it proves what it says."""
    word: Word
    asked: tuple[Cite, ...]

    @property
    def broken(self) -> bool:
        """Whether validating resolvers refuse it."""
        return bool(self.trouble) and self.word in (Word.REFUSES, Word.NONE)


@frozen
class ZoneTrust:
    """The cut between the parent and the zone that the domain lies in: DS records there, keys here."""

    domain: str
    zone: str
    """The apex of the zone: the domain itself or a name above it."""
    ds: tuple[DsSeen, ...]
    keys: tuple[KeySeen, ...]
    vouched: bool
    """Whether our resolver vouches for what it says of the keys: then a chain of trust leads to the zone."""
    parent_signed: bool
    """Whether the parent was seen to be signed."""
    validating: bool
    """Whether our resolver vouches for what is known to be signed."""
    key_set: SignedSet | None
    """The keys' own signatures by those that DS records fit; None where there is nothing to verify."""
    asked: tuple[Cite, ...]
    island: SignedSet | None = None
    """The keys' own signatures by any of them, where no DS record leads to one; None everywhere else."""
    on_its_way: str = ""
    """A server of the parent that has a DS record which our resolver does not know of yet; empty where none was seen."""

    @property
    def supported(self) -> tuple[DsSeen, ...]:
        """The DS records that validators heed (RFC 4035 section 5.2)."""
        return tuple(each for each in self.ds if each.supported)

    @property
    def linked(self) -> tuple[KeySeen, ...]:
        """The keys that a DS record fits."""
        positions = {each.key for each in self.ds if each.key is not None}
        return tuple(key for position, key in enumerate(self.keys) if position in positions)

    @property
    def severed(self) -> bool:
        """Whether no DS record that counts fits any key: nothing in the zone can be validated."""
        return bool(self.supported) and all(each.key is None for each in self.supported)

    @property
    def trusted(self) -> bool:
        """Whether a chain of good signatures leads from the DS records to the keys."""
        return self.key_set is not None and self.key_set.good is not None


@frozen
class ZoneSignatures:
    """The signatures that mail needs, in the zone that the domain lies in."""

    zone: str
    sets: tuple[SignedSet, ...]
    """The keys' own among them, first."""
    denials: tuple[DeniedSet, ...]
    iterations: int
    """Of NSEC3 hashes; 0 where there are none."""
    salt: str
    """In hexadecimal."""
    at: datetime
    asked: tuple[Cite, ...]

    @property
    def bogus(self) -> tuple[SignedSet, ...]:
        """The RRsets that validating resolvers refuse."""
        return tuple(each for each in self.sets if each.bogus)

    def set_of(self, name: str, rdtype: str) -> SignedSet | None:
        """The RRset of that owner and type, where it was looked at."""
        return next((each for each in self.sets if (each.name, each.rdtype) == (name, rdtype)), None)

    def denial_of(self, name: str, rdtype: str) -> DeniedSet | None:
        """The denial of that owner and type, where it was looked at."""
        return next((each for each in self.denials if (each.name, each.rdtype) == (name, rdtype)), None)


@frozen
class ServerSigned:
    """What one name server gives of the zone, verified."""

    server: str
    """Name and address."""
    sets: tuple[SignedSet, ...]

    @property
    def bogus(self) -> tuple[SignedSet, ...]:
        """The RRsets of which no signature holds."""
        return tuple(each for each in self.sets if each.bogus)


@frozen
class ServerSignatures:
    """The keys, SOA and MX records of a signed zone as each of its name servers gives them."""

    zone: str
    servers: tuple[ServerSigned, ...]
    waited: bool
    """A pause lay between the two looks at servers that fail, as the user wished."""


def why(judged: SignedSet) -> str:
    """What is the matter with the signatures of an RRset, in half a sentence."""
    if not judged.signatures:
        return "there is no signature"
    worst = judged.signatures[0]
    key = f"the signature by key {worst.key_tag}"
    match worst.standing:
        case Standing.EXPIRED:
            return f"{key} ended on {worst.expiration:%Y-%m-%d at %H:%M} UTC"
        case Standing.NOT_YET:
            return f"{key} counts only from {worst.inception:%Y-%m-%d at %H:%M} UTC on"
        case Standing.NO_KEY:
            return f"{key} is by none of the keys that the zone vouches for"
        case _:
            return f"{key} does not fit the records"
