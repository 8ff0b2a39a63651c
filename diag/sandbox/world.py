"""A small mail world as data: zone, hosts, certificates and a clock, loaded from a description on disk.

A world is a folder that holds `world.zone`, `hosts.toml` or both; or one file `NAME.zone`, with `NAME.toml`
beside it where there are hosts. Either file's head may name a `base`, and then holds only what differs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dns.exception import DNSException

from . import hosts_file, zones
from .certificates import Certificates
from .errors import BadWorld
from .hosts import HostSpec
from .hosts_file import Described, Endpoint
from .vantage import Vantage
from .zones import Dns

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
"""What the clock shows in a world that does not say."""

WORLDS = Path(__file__).parent / "worlds"
"""The worlds that come with the package."""

PACKAGED: Mapping[str, Path] = {
    "healthy": WORLDS / "lantern.zone",
    "lantern": WORLDS / "lantern.zone",
    "harbour": WORLDS / "harbour.zone",
}
"""Names that a base may have instead of a path."""

_DEEPEST = 8
"""Bases of bases; more is taken for a loop."""


@dataclass(frozen=True)
class World:
    """Everything that can be asked of a small world."""

    name: str
    domain: str
    """Whom to diagnose; empty where nothing says."""
    moment: datetime
    dns: Dns
    hosts: Mapping[Endpoint, HostSpec]
    certificates: Certificates
    about: str = ""
    raises: tuple[str, ...] = ()
    """Rules that a diagnosis of it raises."""
    against: tuple[str, ...] = ()
    """Rules that it nearly raises and must not."""
    inconclusive: tuple[str, ...] = ()
    """Checks or areas that cannot be decided in it."""
    helo: str = ""
    """What whoever looks at it is to call himself in EHLO; empty where it does not matter."""
    tls: str = ""
    """How deeply TLS is to be looked into; empty: as usual."""
    tls_profile: str = ""
    """What TLS is to be held against; empty: nothing."""
    inventory: bool = False
    """What every host offers is to be listed."""
    mailbox: str = ""
    """A mailbox that whoever looks at it has."""
    login: str = ""
    password: str = ""
    """The name and password of whoever looks at it."""
    vantage: Vantage = field(default_factory=Vantage)
    """Where it is looked at from; only a world that is played in memory heeds this."""


@dataclass(frozen=True)
class _Layer:
    """One description, before any base is looked at."""

    path: Path
    zone: zones.Text | None
    hosts_path: Path
    tables: Mapping[str, Any] = field(default_factory=dict)

    def said(self, key: str) -> Any:
        """What the zone's head or the TOML says; both saying it is a fault."""
        in_zone = getattr(self.zone.head, key) if self.zone else None
        in_toml = self.tables.get(key)
        if in_zone and in_toml:
            raise BadWorld(
                self.path, None, f"{key!r} is said both in the zone's head and in {self.hosts_path.name}"
            )
        return in_zone or in_toml


_TOML_KEYS = frozenset(
    {"base", "domain", "moment", "domains", "raises", "against", "inconclusive", "helo", "mailbox", "login"}
    | {"password", "vantage", "host", "tls", "tls_profile", "inventory"}
)


def load(path: Path) -> World:
    """The world described at a path, with all its bases. Raises BadWorld, naming file and fault."""
    layers = _layers(path)
    top = layers[-1]
    moment = next((_moment(layer) for layer in reversed(layers) if layer.said("moment")), MOMENT)
    domain = next((layer.said("domain") for layer in reversed(layers) if layer.said("domain")), "")
    domains: list[str] = []
    described: Described = {}
    for layer in layers:
        domains += layer.tables.get("domains", ())
        described = hosts_file.merged(described, layer.tables.get("host", ()), layer.hosts_path)
    hosts = hosts_file.hosts(described, tuple(domains), top.hosts_path)
    certificates = Certificates(moment)
    for host in (each for first in hosts.values() for each in (first, first.second) if each is not None):
        try:
            certificates.pem(host.certificate.kind, host.names)
        except ValueError as error:
            where = f"{top.hosts_path}, host {host.address} port {host.port}"
            raise BadWorld(where, None, f"certificate: {error}") from None
    try:
        vantage = Vantage.read(top.tables.get("vantage", {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise BadWorld(top.hosts_path, None, str(error)) from None
    texts = [layer.zone for layer in layers if layer.zone]
    return World(
        name=path.stem,
        domain=domain,
        moment=moment,
        dns=_signed(
            zones.laid_over(
                texts, functools.partial(_expanded, hosts=hosts, certificates=certificates, path=path)
            ),
            moment,
            path,
        ),
        hosts=hosts,
        certificates=certificates,
        about=top.zone.head.about if top.zone else "",
        raises=tuple(top.said("raises") or ()),
        against=tuple(top.said("against") or ()),
        inconclusive=tuple(top.said("inconclusive") or ()),
        helo=str(top.tables.get("helo", "")),
        **{key: str(top.tables.get(key, "")) for key in ("tls", "tls_profile")},
        inventory=bool(top.tables.get("inventory", False)),
        **{key: _lent(layers, key) for key in ("mailbox", "login", "password")},
        vantage=vantage,
    )


def _lent(layers: list[_Layer], key: str) -> str:
    """What whoever looks at the world has, as the topmost description that speaks of it says."""
    return str(next((layer.tables[key] for layer in reversed(layers) if key in layer.tables), ""))


def _signed(dns: Dns, moment: datetime, path: Path) -> Dns:
    """The world's DNS with a signer where zones are signed: only those worlds pay for loading it."""
    if not dns.signed:
        return dns
    from .signed import Signer

    try:
        return replace(dns, signer=Signer(dns.zone, dns.signed, moment))
    except (ValueError, DNSException) as error:
        raise BadWorld(path, None, f"signed: {error}") from None


def packaged(name: str) -> World:
    """A world of the package: "healthy", "harbour". Raises KeyError."""
    return load(PACKAGED[name])


def _layers(path: Path) -> list[_Layer]:
    """The description at a path and those below it, the lowest first."""
    layers: list[_Layer] = []
    below: Path | None = path
    while below is not None:
        if len(layers) == _DEEPEST:
            raise BadWorld(path, None, f"more than {_DEEPEST} bases, one below the other: a loop?")
        layer = _layer(below)
        layers.append(layer)
        base = layer.said("base")
        below = (PACKAGED.get(base) or layer.hosts_path.parent / base) if base else None
    return layers[::-1]


def _layer(path: Path) -> _Layer:
    if path.is_dir():
        zone_path, hosts_path = path / "world.zone", path / "hosts.toml"
    else:
        zone_path, hosts_path = path.with_suffix(".zone"), path.with_suffix(".toml")
    if not zone_path.exists() and not hosts_path.exists():
        raise BadWorld(path, None, f"there is no world here: neither {zone_path.name} nor {hosts_path.name}")
    tables = hosts_file.read(hosts_path) if hosts_path.exists() else {}
    unknown = sorted(tables.keys() - _TOML_KEYS)
    if unknown:
        raise BadWorld(
            hosts_path, None, f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_TOML_KEYS))}"
        )
    return _Layer(path, zones.read(zone_path) if zone_path.exists() else None, hosts_path, tables)


def _moment(layer: _Layer) -> datetime:
    said = layer.said("moment")
    try:
        return zones.instant(said.isoformat() if isinstance(said, datetime) else str(said))
    except ValueError as error:
        raise BadWorld(layer.hosts_path, None, f"moment: {error}") from None


_TLSA = re.compile(r"@TLSA\(([^,()@]+),\s*([0-9]+),\s*([0-9]+),\s*([0-9]+)\)@")


def _expanded(text: str, hosts: Mapping[Endpoint, HostSpec], certificates: Certificates, path: Path) -> str:
    """Zone text with each `@TLSA(host,usage,selector,matching)@` replaced by the fields of that record.

    It fits the certificate that the host of that name serves on its lowest port, and a valid one where
    the world holds no such host.
    """

    def record(macro: re.Match[str]) -> str:
        name = macro[1].strip()
        serving = [host for host in hosts.values() if host.name == name and host.state == "open"]
        host = min(serving, key=lambda host: host.port, default=None)
        usage, selector, matching = int(macro[2]), int(macro[3]), int(macro[4])
        try:
            if host is None:
                return certificates.tlsa("valid", (name,), usage, selector, matching)
            return certificates.tlsa(host.certificate.kind, host.names, usage, selector, matching)
        except ValueError as error:
            raise BadWorld(path, None, f"{macro[0]}: {error}") from None

    return _TLSA.sub(record, text)
