"""Zone text: the head that says what a world is for, and RRsets that one text lays over another."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdatatype

from diag.lab.zone import BadZone, Zone
from diag.names.parsed import plain

from .errors import BadWorld

if TYPE_CHECKING:
    from .signed import Signer

Key = tuple[str, str]
"""An owner, in lower-case A-labels without trailing dot, and a type; the type ANY stands for every type."""

FAILURES = ("servfail", "timeout", "refused", "nxdomain")
"""How asking for one owner and type may go wrong."""

MANNERS = (
    "lame",
    "servfail",
    "silent",
    "no-tcp",
    "no-edns",
    "drops-edns",
    "not-authoritative",
    "old-signatures",
    "other-names",
    "other-questions",
    "at-first",
)
"""How a name server may misbehave: it refuses every question, fails at each, says nothing at all; takes no TCP;
says FORMERR to EDNS, or nothing; answers without AA; gives signatures that have ended; gives records of other
names, or repeats another question than was asked. One that lags `at-first` has caught up at a second look."""


@dataclass(frozen=True)
class Server:
    """What sets one name server apart from what its zone's text says."""

    manners: tuple[str, ...] = ()
    text: str = ""
    """The zone file with what it alone says, laid over the world's; relative to the file that names it."""
    zone: Zone | None = None
    """All of DNS as this server sees it; None: as the world's text has it. Filled in when texts are laid over."""


@dataclass(frozen=True)
class Head:
    """What the head of a zone file says: lines `; key: value` before the first record.

    Comment lines of any other form are prose. `without` and `fails` may be said several times.
    """

    about: str = ""
    """The prose of the head."""
    base: str = ""
    """The world this one is laid over: "healthy", or a path relative to the file."""
    domain: str = ""
    """Whom to diagnose."""
    moment: datetime | None = None
    raises: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    without: tuple[Key, ...] = ()
    fails: Mapping[Key, str] = field(default_factory=dict)
    secure: tuple[str, ...] | None = None
    """Zones whose answers carry AD; None where the head does not say, so that the base decides."""
    bogus: tuple[str, ...] | None = None
    """Zones whose signatures a validating resolver refuses."""
    signed: Mapping[str, str] = field(default_factory=dict)
    """Zones with signatures of their own, and how they are made: see `diag.sandbox.signed`."""
    server: Mapping[str, Server] = field(default_factory=dict)
    """Name servers with an opinion or manners of their own, by address."""


@dataclass(frozen=True)
class Text:
    """One zone file, read but not yet laid over anything. `body` is the whole text: lines keep their numbers."""

    path: Path
    head: Head
    body: str


@dataclass(frozen=True)
class Dns:
    """All of a world's DNS."""

    zone: Zone = field(default_factory=Zone)
    """RRsets are shared between worlds: never change one."""
    fails: Mapping[Key, str] = field(default_factory=dict)
    """One of FAILURES by owner and type. The owners in bogus zones are among them."""
    secure: tuple[str, ...] = ()
    bogus: tuple[str, ...] = ()
    signed: Mapping[str, str] = field(default_factory=dict)
    signer: Signer | None = None
    """Whoever signs those; None where nothing is signed."""
    servers: Mapping[str, Server] = field(default_factory=dict)
    """Name servers unlike the others, by address."""

    def is_bogus(self, owner: str) -> bool:
        """Whether a validating resolver refuses what an owner has."""
        name = dns.name.from_text(owner)
        return any(name.is_subdomain(dns.name.from_text(zone)) for zone in self.bogus)


_HEADING = re.compile(r";\s*([a-z][a-z_-]*):(?:\s+(.*))?$")


def read(path: Path) -> Text:
    """Read a zone file's head. Raises BadWorld."""
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadWorld(path, None, str(error)) from None
    return Text(path, head(body, path), body)


def head(text: str, path: Path) -> Head:
    """The head of a zone text. Raises BadWorld for a key that is unknown or said twice, and for a bad value."""
    said: dict[str, list[tuple[int, str]]] = {}
    prose: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith(";"):
            break
        heading = _HEADING.match(stripped)
        if heading is None:
            prose.append(stripped.lstrip("; "))
            continue
        key, value = heading[1], (heading[2] or "").strip()
        if key not in _READERS:
            raise BadWorld(path, number, f"unknown key {key!r}; known are {', '.join(_READERS)}")
        if key in said and key not in _REPEATED:
            raise BadWorld(path, number, f"{key!r} is said twice")
        said.setdefault(key, []).append((number, value))
    found: dict[str, object] = {"about": " ".join(filter(None, prose))}
    for key, values in said.items():
        for number, value in values:
            try:
                found[key] = _READERS[key](value, found.get(key))
            except (ValueError, dns.exception.DNSException) as error:
                raise BadWorld(path, number, f"{key}: {error}") from None
    return Head(**found)  # type: ignore[arg-type]


def _list(value: str, before: object) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _names(value: str, before: object) -> tuple[str, ...]:
    return tuple(plain(dns.name.from_text(item)) for item in _list(value, None))


def _key(words: list[str]) -> Key:
    return plain(dns.name.from_text(words[0])), dns.rdatatype.to_text(dns.rdatatype.from_text(words[1]))


def _without(value: str, before: object) -> tuple[Key, ...]:
    keys = before if isinstance(before, tuple) else ()
    for item in _list(value, None):
        words = item.split()
        if len(words) != 2:
            raise ValueError(f"{item!r} is not NAME TYPE")
        keys += (_key(words),)
    return keys


def _fails(value: str, before: object) -> dict[Key, str]:
    table = dict(before) if isinstance(before, dict) else {}
    for item in _list(value, None):
        words = item.split()
        if len(words) != 3 or words[2] not in FAILURES:
            raise ValueError(f"{item!r} is not NAME TYPE {'|'.join(FAILURES)}")
        table[_key(words)] = words[2]
    return table


def _server(value: str, before: object) -> dict[str, Server]:
    """`ADDRESS manner, manner` or `ADDRESS zone FILE`; what is said of one address in several lines adds up."""
    table: dict[str, Server] = dict(before) if isinstance(before, dict) else {}
    address, _, rest = value.partition(" ")
    address = str(ipaddress.ip_address(address))
    so_far = table.get(address, Server())
    if rest.startswith("zone "):
        table[address] = replace(so_far, text=rest.removeprefix("zone ").strip())
        return table
    manners = _list(rest, None)
    if unknown := [manner for manner in manners if manner not in MANNERS]:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(MANNERS)}")
    table[address] = replace(so_far, manners=so_far.manners + manners)
    return table


def _signed(value: str, before: object) -> dict[str, str]:
    """`ZONE [wish…]`."""
    zone, _, wishes = value.partition(" ")
    return {**(before if isinstance(before, dict) else {}), plain(dns.name.from_text(zone)): wishes.strip()}


def instant(value: str) -> datetime:
    """A moment in ISO 8601 with an offset. Raises ValueError."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} says no offset from UTC")
    return moment.astimezone(UTC)


_READERS: Mapping[str, Callable[[str, object], object]] = {
    "base": lambda value, before: value,
    "domain": lambda value, before: value,
    "moment": lambda value, before: instant(value),
    "raises": _list,
    "against": _list,
    "inconclusive": _list,
    "without": _without,
    "fails": _fails,
    "secure": _names,
    "bogus": _names,
    "signed": _signed,
    "server": _server,
}
_REPEATED = ("without", "fails", "signed", "server")


def laid_over(texts: Iterable[Text], expand: Callable[[str], str] = str) -> Dns:
    """One world's DNS from several texts, each laid over those before it; `expand` replaces macros.

    An owner and type of a later text replaces the RRset before it, `without` takes RRsets away (the type
    ANY: all of an owner). An alias shares its owner with nothing (RFC 1034 section 3.6.2), so it replaces
    whatever was there, and gives way to whatever comes. Raises BadWorld.
    """
    zone = Zone()
    fails: dict[Key, str] = {}
    secure: tuple[str, ...] = ()
    bogus: tuple[str, ...] = ()
    signed: dict[str, str] = {}
    servers: dict[str, tuple[Server, Path]] = {}
    for text in texts:
        for key in text.head.without:
            _remove(zone, key, text.path)
        zone = zone.patched(_parsed(expand(text.body), text.path))
        fails.update(text.head.fails)
        secure = secure if text.head.secure is None else text.head.secure
        bogus = bogus if text.head.bogus is None else text.head.bogus
        signed.update(text.head.signed)
        servers.update({address: (server, text.path) for address, server in text.head.server.items()})
    fails.update(dict.fromkeys(_owners(zone, bogus), "servfail"))
    views = {address: _seen_by(server, zone, path, expand) for address, (server, path) in servers.items()}
    return Dns(zone, fails, secure, bogus, signed, servers=views)


def _seen_by(server: Server, world: Zone, path: Path, expand: Callable[[str], str]) -> Server:
    """The server with all of DNS as it sees it."""
    if not server.text:
        return server
    own = read(path.parent / server.text)
    view = world.patched(Zone())
    for key in own.head.without:
        _remove(view, key, own.path)
    return replace(server, zone=view.patched(_parsed(expand(own.body), own.path)))


def _remove(zone: Zone, unwanted: Key, path: Path) -> None:
    name, rdtype = dns.name.from_text(unwanted[0]), dns.rdatatype.from_text(unwanted[1])
    here = zone.rrsets.get(name, {})
    gone = [held for held in here if rdtype in (held, dns.rdatatype.ANY)]
    if not gone:
        raise BadWorld(path, None, f"without: there is no {unwanted[1]} at {unwanted[0]}")
    for held in gone:
        del here[held]
    if not here:
        del zone.rrsets[name]


def _owners(zone: Zone, above: tuple[str, ...]) -> Iterable[Key]:
    zones = [dns.name.from_text(name) for name in above]
    for owner in zone.rrsets:
        if any(owner.is_subdomain(name) for name in zones):
            yield plain(owner), "ANY"


@functools.lru_cache(maxsize=64)
def _parsed(text: str, path: Path) -> Zone:
    """The records of a zone text; cached, as most worlds lie over the same base. Never change it."""
    try:
        return Zone.parse(text, ".", str(path))
    except BadZone as error:
        fault = re.sub(r"^.*?:[0-9]+: ", "", str(error))
        raise BadWorld(path, _line_of_fault(text), fault) from None


def _line_of_fault(text: str) -> int | None:
    """Where the shortest beginning ends that cannot be read.

    The reader's own line number is at times that of the line after the fault. Only errors pay for this.
    """
    lines = text.splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        try:
            Zone.parse("".join(lines[:number]), ".")
        except BadZone as error:
            if "parentheses" not in str(error):
                return number
    return None
