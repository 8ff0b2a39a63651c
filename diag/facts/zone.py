"""The zone a domain lies in, as its parent and each of its name servers tell it (RFC 1034 section 4.2)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from functools import cmp_to_key

from diag.model.frozen import frozen
from diag.model.knowing import Cite

Key = tuple[str, str]
"""A name and a type."""


ENOUGH_COPIES = 3
"""Hosts whose equal records show that nothing lags, whatever their serials."""


@frozen
class ZoneDelegation:
    """Where the zone is said to be: by its parent, and by the answer of our resolver."""

    domain: str
    apex: str
    """The name at the top of the zone that the domain lies in."""
    exists: bool
    """False where the servers of the zone above the domain say that there is no such name (NXDOMAIN)."""
    by_parent: tuple[str, ...]
    """The name servers of the referral; none where the zone above gave none."""
    by_child: tuple[str, ...]
    """The name servers that the zone itself names, by the word of our resolver; none where it got no answer."""
    addresses: Mapping[str, tuple[str, ...]]
    """Of each name server, IPv4 first."""
    gone: tuple[str, ...]
    """Name servers whose names do not exist."""
    above: tuple[str, ...]
    """Addresses of the servers of the zone above that answered us."""
    asked: tuple[Cite, ...]
    unseen: tuple[str, ...] = ()
    """Name servers of which not every address is known: a look-up failed, or a family was not looked for."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name server that either side names, in order."""
        return tuple(sorted({*self.by_parent, *self.by_child}))


class Standing(enum.StrEnum):
    """What came of asking a name server for the SOA of the zone."""

    AUTHORITATIVE = "authoritative"
    NOT_AUTHORITATIVE = "answers without authority"
    FAILS = "fails"
    SILENT = "silent"


@frozen
class Said:
    """One RRset as one server has it, or that it has none."""

    values: frozenset[str]
    """The records in presentation format; those of the alias where there is one."""
    alias: bool
    """They are of an alias (CNAME) and not of the type asked for."""
    ttl: int
    size: int
    """Octets of the message."""
    transport: str
    asked: Cite


@frozen
class NameServer:
    """One name server at one address."""

    host: str
    address: str
    standing: Standing
    why: str
    """Where it is not authoritative: what it said."""
    serial: int | None
    minimum: int | None
    """Seconds for which it lets others remember that a name does not exist: the last number of the SOA record, or the
    time to live of that record where that is less (RFC 2308 section 3)."""
    names: tuple[str, ...]
    """The name servers of the zone as this one has them."""
    tcp: bool | None
    """Whether it answers over TCP; None where that was not asked."""
    edns: bool
    """Whether it answers questions with EDNS (RFC 6891)."""
    records: Mapping[Key, Said]
    asked: tuple[Cite, ...]
    unheard: tuple[Key, ...] = ()
    """What it was asked for and met with silence, though it answers for the zone."""

    @property
    def authoritative(self) -> bool:
        """Whether it answers for the zone."""
        return self.standing is Standing.AUTHORITATIVE

    def __str__(self) -> str:
        return f"{self.host} [{self.address}]"


@frozen
class Difference:
    """One RRset of which the servers have different versions."""

    name: str
    rdtype: str
    versions: Mapping[frozenset[str], tuple[NameServer, ...]]
    """Who has which; the version of the highest serial first, then that of most servers."""


@frozen
class ZoneServers:
    """Every name server asked for the zone, at up to eight addresses."""

    apex: str
    servers: tuple[NameServer, ...]
    tcp_open: bool
    """Whether any server at all answered us over TCP."""
    settled: bool
    """The servers were asked a second time, a few seconds later, as they differed."""
    beside_alias: Mapping[str, tuple[str, ...]]
    """Names that have a CNAME, and the other types that the same server has there."""
    asked: tuple[Cite, ...]
    for_a_minute: bool = False
    """Asked a third time, a minute after the first, as nothing but their serials differed."""

    @property
    def authoritative(self) -> tuple[NameServer, ...]:
        """Those that answer for the zone."""
        return tuple(server for server in self.servers if server.authoritative)

    @property
    def serials_differ(self) -> bool:
        """Whether the servers hold different serials, and are so few that this says something.

        Some providers count per server: where several hosts have equal records, nothing lags.
        """
        serials = {server.serial for server in self.authoritative}
        return len(serials) > 1 and len({server.host for server in self.authoritative}) < ENOUGH_COPIES

    def said(self, key: Key) -> Iterator[tuple[NameServer, Said]]:
        """What each server has at a name and type, those left out that were not asked or did not say."""
        for server in self.servers:
            if key in server.records:
                yield server, server.records[key]

    def differences(self) -> tuple[Difference, ...]:
        """The RRsets of which there are several versions; times to live do not count (RFC 2181 section 5.2)."""
        keys = dict.fromkeys(key for server in self.servers for key in server.records)
        found = []
        for key in keys:
            versions: dict[frozenset[str], list[NameServer]] = {}
            for server, said in self.said(key):
                versions.setdefault(said.values, []).append(server)
            if len(versions) > 1:
                newest = sorted(versions.items(), key=lambda each: (_by_age(_serial(each[1])), -len(each[1])))
                found.append(Difference(*key, {values: tuple(servers) for values, servers in newest}))
        return tuple(found)


def _serial(servers: list[NameServer]) -> int:
    """The newest that is held by one of them."""
    return min((server.serial or 0 for server in servers), key=_by_age, default=0)


def _newest_first(one: int, other: int) -> int:
    """By serial number arithmetic (RFC 1982 section 3.2): after the largest number comes the smallest."""
    if one == other:
        return 0
    return -1 if (one - other) % _NUMBERS < _NUMBERS // 2 else 1


_NUMBERS = 1 << 32
_by_age = cmp_to_key(_newest_first)


@frozen
class NameServerRegistration:
    """Whether the domain a name server lies in is registered; only asked where the server's name does not exist."""

    host: str
    apex: str
    registrable: str
    free: bool | None
    """None: the servers of the zone above could not be asked."""
    asked: tuple[Cite, ...]
