"""Profiles: what one place has decided once and for all, in TOML (`maildiag.toml`, `--profile FILE`)."""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from diag.lab.limited import Limits
from diag.model.finding import Severity
from diag.model.frozen import frozen
from diag.model.report import Waiver
from diag.model.target import Depth
from diag.names.domain import BadDomain, domain
from diag.names.mailbox import BadMailbox, mailbox

USUAL = Path("maildiag.toml")
"""Read from the current directory where no profile is named."""
LARGEST = 1 << 20
"""Octets of a profile that are read."""


class BadProfile(ValueError):
    """A profile that cannot be used; the message names the file, the key and what was expected."""


@frozen
class Profile:
    """What a profile says; the defaults are what is done without one."""

    place: str = ""
    """The file, for messages; empty without one."""
    selectors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    helo: str = ""
    mailbox: str = ""
    """A mailbox of the user's, for the domain it belongs to."""
    tls: Depth | None = None
    """How far TLS is looked into; None: as Target has it."""
    tls_profile: str = ""
    """One of diag.tls.profiles."""
    inventory: bool = False
    """Also list what every host offers."""
    nameservers: tuple[str, ...] = ()
    """As written: ADDR or ADDR:PORT."""
    public: tuple[str, ...] = ()
    references: tuple[str, ...] | None = None
    """None: those of Target."""
    require: tuple[str, ...] = ()
    fail_on: str = ""
    limits: Limits = field(default_factory=Limits)
    timeout: float | None = None
    """Seconds for one probe."""
    deadline: float | None = None
    """Seconds for the run on one domain."""
    offers: int | None = None
    """Connections that may go into the TLS of one endpoint."""
    domains: int | None = None
    """How many domains are looked at at a time."""
    processes: int | None = None
    """The most processes for a long list without dialogues."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()

    def refuse_unknown_rules(self, known: Iterable[str]) -> None:
        """Raise BadProfile where it speaks of a rule that nobody offers."""
        rules = tuple(known)
        for rule in self.severities:
            if rule not in rules:
                raise BadProfile(f"{self.place}: severity: unknown rule {rule!r}{_nearest(rule, rules)}")
        for number, waiver in enumerate(self.waivers, 1):
            if waiver.rule not in rules:
                raise BadProfile(
                    f"{self.place}: waiver {number}: unknown rule {waiver.rule!r}{_nearest(waiver.rule, rules)}"
                )


def load(path: Path) -> Profile:
    """Read a profile. Raises BadProfile; what the system says of the file is part of its message."""
    try:
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
        if len(octets) > LARGEST:
            raise BadProfile(f"{path}: larger than {LARGEST} octets: this is no profile")
        tables = tomllib.loads(octets.decode("utf-8-sig"))
    except OSError as error:
        raise BadProfile(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"{path}: {error}") from None
    return parse(tables, str(path))


def parse(tables: Mapping[str, Any], place: str) -> Profile:
    """A profile from the tables of its TOML. Raises BadProfile."""
    _refuse_unknown_keys(tables, (*_KEYS, *_TABLES), place)
    said: dict[str, Any] = {key: _KEYS[key](tables[key], f"{place}: {key}") for key in _KEYS if key in tables}
    for key, reader in _TABLES.items():
        if key in tables:
            said.update(reader(tables[key], place))
    return Profile(place=place, **said)


def _limits(value: Any, place: str) -> dict[str, Any]:
    table = _table(value, f"{place}: limits")
    _refuse_unknown_keys(table, _LIMITS, f"{place}: limits")
    said = {key: _LIMITS[key](table[key], f"{place}: limits.{key}") for key in _LIMITS if key in table}
    own = {_NAMES_OF_LIMITS[key]: said.pop(key) for key in _NAMES_OF_LIMITS if key in said}
    return {**said, "limits": dataclasses.replace(Limits(), **own)}


def _severities(value: Any, place: str) -> dict[str, Any]:
    table = _table(value, f"{place}: severity")
    return {
        "severities": {rule: _severity(said, f"{place}: severity.{rule!r}") for rule, said in table.items()}
    }


def _waivers(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadProfile(f"{place}: waiver: expected tables [[waiver]], found {_kind(value)}")
    return {
        "waivers": tuple(_waiver(item, f"{place}: waiver {number}") for number, item in enumerate(value, 1))
    }


def _waiver(table: Mapping[str, Any], place: str) -> Waiver:
    known = ("rule", "subject", "reason", "until")
    _refuse_unknown_keys(table, known, place)
    for key in ("rule", "reason", "until"):
        if key not in table:
            raise BadProfile(f"{place}: {key!r} is missing: a waiver names rule, reason and until")
    return Waiver(
        rule=_text(table["rule"], f"{place}: rule"),
        reason=_text(table["reason"], f"{place}: reason"),
        until=_day(table["until"], f"{place}: until"),
        subject=_text(table["subject"], f"{place}: subject") if "subject" in table else "",
    )


def _refuse_unknown_keys(table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    names = tuple(known)
    for key in table:
        if key not in names:
            raise BadProfile(f"{place}: unknown key {key!r}{_nearest(key, names)}")


def _nearest(given: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(given.lower(), known, 1, 0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(known)}" if len(known) < 24 else ""


def _kind(value: Any) -> str:
    """A TOML value's type in TOML's words."""
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "a string", list: "an array"}
    return names.get(type(value), "a table" if isinstance(value, dict) else "a date or time")


def _table(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadProfile(f"{place}: expected a table, found {_kind(value)}")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "an empty string" if isinstance(value, str) else _kind(value)
        raise BadProfile(f"{place}: expected a string, found {found}")
    return value.strip()


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadProfile(f"{place}: expected an array of strings, found {_kind(value)}")
    return tuple(_text(item, f"{place}[{number}]") for number, item in enumerate(value))


def _names(value: Any, place: str) -> tuple[str, ...]:
    found = []
    for text in _texts(value, place):
        try:
            found.append(domain(text))
        except BadDomain as error:
            raise BadProfile(f"{place}: {error}") from None
    return tuple(found)


def _mailbox(value: Any, place: str) -> str:
    try:
        return mailbox(_text(value, place))
    except BadMailbox as error:
        raise BadProfile(f"{place}: {error}") from None


def _depth(value: Any, place: str) -> Depth:
    if value not in tuple(Depth):
        raise BadProfile(f"{place}: expected one of {', '.join(Depth)}, found {value!r}")
    return Depth(value)


def _tls_profile(value: Any, place: str) -> str:
    from diag.tls.profiles import PROFILES  # most profiles have no need of it

    name = _text(value, place)
    if name not in PROFILES:
        raise BadProfile(f"{place}: unknown profile {name!r}{_nearest(name, PROFILES)}")
    return name


def _yes_or_no(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise BadProfile(f"{place}: expected true or false, found {_found(value)}")
    return value


def _networks(value: Any, place: str) -> tuple[str, ...]:
    found = []
    for text in _texts(value, place):
        try:
            found.append(str(ipaddress.ip_network(text)))
        except ValueError as error:
            raise BadProfile(f"{place}: expected networks such as 10.0.0.0/8: {error}") from None
    return tuple(found)


def _seconds(value: Any, place: str) -> float:
    # TOML knows inf and nan; a limit is a limit.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise BadProfile(f"{place}: expected seconds, a number above 0, found {_found(value)}")
    return float(value)


def _pause(value: Any, place: str) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else _seconds(value, place)


def _count(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadProfile(f"{place}: expected a whole number from 1, found {_found(value)}")
    return value


def _found(value: Any) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _kind(value)


def _severity(value: Any, place: str) -> Severity:
    names = [str(severity) for severity in Severity]
    if not isinstance(value, str) or value not in names:
        found = repr(value) if isinstance(value, str) else _kind(value)
        raise BadProfile(f"{place}: expected one of {', '.join(names)}, found {found}")
    return Severity[value.upper()]


def _threshold(value: Any, place: str) -> str:
    return "never" if value == "never" else str(_severity(value, place))


def _day(value: Any, place: str) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        found = repr(value) if isinstance(value, str) else _kind(value)
        raise BadProfile(f"{place}: expected a day such as 2027-01-31, found {found}") from None


Reader = Callable[[Any, str], Any]

_KEYS: Mapping[str, Reader] = {
    "selectors": _names,
    "hosts": _names,
    "helo": _text,
    "mailbox": _mailbox,
    "tls": _depth,
    "tls_profile": _tls_profile,
    "inventory": _yes_or_no,
    "nameservers": _texts,
    "public": _networks,
    "references": _names,
    "require": _texts,
    "fail_on": _threshold,
}
_TABLES: Mapping[str, Reader] = {"limits": _limits, "severity": _severities, "waiver": _waivers}
_NAMES_OF_LIMITS = {
    "connections": "connections_per_service",
    "server_connections": "connections_per_mail_server",
    "web_connections": "connections_per_web_service",
    "network_connections": "connections_per_network",
    "operator_connections": "connections_per_operator",
    "all_connections": "connections_in_all",
    "questions": "questions_per_server",
    "pause": "pause_after_421",
}
_LIMITS: Mapping[str, Reader] = {
    "connections": _count,
    "server_connections": _count,
    "web_connections": _count,
    "network_connections": _count,
    "operator_connections": _count,
    "all_connections": _count,
    "questions": _count,
    "pause": _pause,
    "timeout": _seconds,
    "deadline": _seconds,
    "domains": _count,
    "processes": _count,
    "offers": _count,
}
