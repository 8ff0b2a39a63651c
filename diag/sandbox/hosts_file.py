"""Hosts from TOML: one table a host, whole products of addresses and ports, and patches over a base."""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from diag.wire.end_of_data import ENDINGS

from .errors import BadWorld
from .hosts import (
    STANDARD_PORTS,
    SUBMISSION_PORTS,
    CertificateSpec,
    Document,
    Handshake,
    HostSpec,
    Kind,
    MarkSpec,
    Quirks,
    State,
    Tls,
)
from .marks import KINDS as MARKS
from .tls_script import tls_script

Endpoint = tuple[str, int]
Described = dict[Endpoint, dict[str, Any]]
"""Hosts as their tables, merged but not yet read."""

_TABLES = frozenset({"replies", "replies_tls", "documents", "logins", "script"})
"""Keys that a patch adds to, where any other key replaces."""
_QUIRKS = {field.name for field in dataclasses.fields(Quirks)}
_KNOWN = {field.name for field in dataclasses.fields(HostSpec)} - {"quirks"} | _QUIRKS | {"absent"}
_OF_ALL_CONNECTIONS = {"address", "port", "protocol", "state", "absent", "second"}
"""Keys that cannot differ from one connection to the next."""
STAPLES = ("", "good", "revoked", "stale", "early", "forged")
ISSUERS = ("", "intermediate", "root", "pkcs7")
LIST_FAULTS = ("", "stale", "forged")
_VERSIONS = ("", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises BadWorld."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadWorld(path, None, str(error)) from None


def merged(base: Described, tables: Iterable[Mapping[str, Any]], path: Path) -> Described:
    """The base with a file's `[[host]]` tables laid over it.

    A table names `address` and `port`, each one value or a list. A table that leaves one of them out
    means every such endpoint of the base; one with `absent = true` takes them away. Its own table
    `second` patches what every second connection meets. Raises BadWorld.
    """
    result = dict(base)
    for number, table in enumerate(tables, 1):
        where = f"{path}, host {number}"
        _refuse_unknown(table, _KNOWN, where)
        _refuse_unknown(table.get("second", {}), _KNOWN - _OF_ALL_CONNECTIONS, f"{where}, second")
        patch = {key: value for key, value in table.items() if key not in ("address", "port", "absent")}
        for endpoint in _endpoints(table, result, where):
            if table.get("absent"):
                if result.pop(endpoint, None) is None:
                    raise BadWorld(where, None, f"nothing to remove at {endpoint[0]} port {endpoint[1]}")
            else:
                result[endpoint] = _over(result.get(endpoint, {}), patch)
    return result


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), 1)
            raise BadWorld(where, None, f"unknown key {key!r}" + (f"; {near[0]!r} is one" if near else ""))


def _endpoints(table: Mapping[str, Any], known: Described, where: str) -> list[Endpoint]:
    try:
        addresses = [str(ipaddress.ip_address(text)) for text in _several(table.get("address", []))]
        ports = [int(port) for port in _several(table.get("port", []))]
    except ValueError as error:
        raise BadWorld(where, None, str(error)) from None
    if addresses and ports:
        return [(address, port) for address in addresses for port in ports]
    found = [
        (address, port)
        for address, port in known
        if (not addresses or address in addresses) and (not ports or port in ports)
    ]
    if not found:
        raise BadWorld(where, None, "address and port are needed, as no host before this one fits")
    return found


def _over(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    both = {**base, **patch}
    for key in _TABLES & base.keys() & patch.keys():
        both[key] = {**base[key], **patch[key]}
    return both


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def hosts(described: Described, domains: tuple[str, ...], path: Path) -> dict[Endpoint, HostSpec]:
    """The hosts that merged tables describe; `domains` is what those receive for that name none. Raises BadWorld."""
    found = {}
    for (address, port), table in described.items():
        where = f"{path}, host {address} port {port}"
        try:
            found[address, port] = _host(address, port, table, domains)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadWorld(where, None, str(error)) from None
    return found


def _host(address: str, port: int, table: Mapping[str, Any], domains: tuple[str, ...]) -> HostSpec:
    always = {key: value for key, value in table.items() if key != "second"}
    host = _one_host(address, port, always, domains)
    if not table.get("second"):
        return host
    second = _one_host(address, port, _over(always, table["second"]), domains)
    return dataclasses.replace(host, second=second)


def _one_host(address: str, port: int, table: Mapping[str, Any], domains: tuple[str, ...]) -> HostSpec:
    usual = STANDARD_PORTS.get(port)
    if usual is None and not {"protocol", "tls"} <= table.keys():
        raise ValueError("protocol and tls are needed on a port that is not a standard one")
    protocol, tls = usual or (Kind(table["protocol"]), Tls(table["tls"]))
    quirks = {key: value for key, value in table.items() if key in _QUIRKS}
    if "handshake" in quirks:
        quirks["handshake"] = Handshake(quirks["handshake"])
    versions = {key: table.get(key, "") for key in ("min_version", "max_version")}
    for version in versions.values():
        if version not in _VERSIONS:
            raise ValueError(f"unknown TLS version {version!r}; known are {', '.join(_VERSIONS[1:])}")
    return HostSpec(
        address=address,
        port=port,
        protocol=Kind(table.get("protocol", protocol)),
        tls=Tls(table.get("tls", tls)),
        name=table.get("name", f"[{address}]"),
        state=State(table.get("state", State.OPEN)),
        certificate=_certificate(table.get("certificate", "valid")),
        staple=_staple(table.get("staple", "")),
        **versions,
        ciphers=str(table.get("ciphers", "")),
        curve=str(table.get("curve", "")),
        ticket_lifetime=int(table.get("ticket_lifetime", 0)),
        early_data=int(table.get("early_data", 0)),
        renegotiates=bool(table.get("renegotiates", False)),
        script=tls_script(table["script"]) if "script" in table else None,
        domains=tuple(table.get("domains", domains)),
        mailboxes=tuple(table.get("mailboxes", HostSpec.mailboxes)),
        submission=bool(table.get("submission", port in SUBMISSION_PORTS)),
        logins={str(name): str(secret) for name, secret in table.get("logins", {}).items()},
        any_sender=bool(table.get("any_sender", False)),
        junk=bool(table.get("junk", False)),
        stamps=tuple(table.get("stamps", ())),
        rewrites=dict(table.get("rewrites", {})),
        delivers_after=float(table.get("delivers_after", 0)),
        ends_data=_endings(table.get("ends_data", ())),
        keeps_dots=bool(table.get("keeps_dots", False)),
        returns=str(table.get("returns", "")),
        delivers=bool(table.get("delivers", True)),
        greeting=_lines(table["greeting"]) if "greeting" in table else None,
        keywords=tuple(table["keywords"]) if "keywords" in table else None,
        keywords_tls=tuple(table["keywords_tls"]) if "keywords_tls" in table else None,
        replies=_replies(table.get("replies", {})),
        replies_tls=_replies(table.get("replies_tls", {})),
        documents={path: _document(given) for path, given in table.get("documents", {}).items()},
        quirks=Quirks(**quirks),
    )


def _lines(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _replies(table: Mapping[str, str | list[str]]) -> dict[str, tuple[str, ...]]:
    return {command.upper(): _lines(reply) for command, reply in table.items()}


def _endings(names: Iterable[str]) -> tuple[str, ...]:
    for name in names:
        if name not in ENDINGS:
            raise ValueError(f"unknown end of data {name!r}; known are {', '.join(ENDINGS)}")
    return tuple(names)


def _staple(said: str) -> str:
    if said not in STAPLES:
        raise ValueError(f"unknown staple {said!r}; known are {', '.join(STAPLES[1:])}")
    return said


def _certificate(value: str | Mapping[str, Any]) -> CertificateSpec:
    if isinstance(value, str):
        return CertificateSpec(value)
    given = dict(value)
    return CertificateSpec(**{**given, "names": tuple(given.get("names", ()))})


def _document(value: str | Mapping[str, Any]) -> Document:
    if isinstance(value, str):
        return Document(value)
    given = dict(value)
    if "revoked" in given:
        given["revoked"] = tuple(given["revoked"])
    if given.get("issuer", "") not in ISSUERS:
        raise ValueError(f"unknown issuer; known are {', '.join(ISSUERS[1:])}")
    if "mark" in given:
        given["mark"] = _mark(given["mark"])
    if given.get("list_fault", "") not in LIST_FAULTS:
        raise ValueError(f"unknown list_fault; known are {', '.join(LIST_FAULTS[1:])}")
    return Document(**given)


def _mark(value: Mapping[str, Any]) -> MarkSpec:
    spec = MarkSpec(**{**value, "names": tuple(value.get("names", ()))})
    if spec.kind not in MARKS:
        raise ValueError(f"unknown mark {spec.kind!r}; known are {', '.join(MARKS)}")
    return spec
