"""What TLS every endpoint speaks: versions, suites and groups, endpoints alike in all of it told together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from diag.api import Many, Report, TlsSurvey
from diag.facts.tls_survey import Known
from diag.model.target import Depth, Endpoint
from diag.tls.groups import group
from diag.tls.offer import SSL2, TLS12, VERSION_NAMES
from diag.tls.suites import suite

from . import states
from .places import by_host, by_port


@dataclass(frozen=True, slots=True)
class Suites:
    """The suites seen under one version."""

    version: str
    names: tuple[str, ...]
    all: bool
    """There are no others."""


@dataclass(frozen=True, slots=True)
class Row:
    """What some endpoints have in common."""

    places: tuple[str, ...]
    """Hosts, each with its ports and addresses."""
    versions: tuple[states.Shown, ...]
    """Every version, newest first."""
    suites: tuple[Suites, ...]
    groups: tuple[str, ...]
    left: str
    """Why something was not asked; empty where all was."""

    @property
    def count(self) -> int:
        """How many suites there are, each counted once."""
        return len({name for suites in self.suites for name in suites.names})


def surveys(report: Report) -> tuple[TlsSurvey, ...]:
    """Those of endpoints at which TLS was looked into, hosts and ports in the usual order."""
    known = report.fact(TlsSurvey)
    found = tuple(known.values()) if isinstance(known, Many) else ()
    standing = by_host(report, (each.endpoint.host for each in found))
    return tuple(sorted(found, key=lambda each: _place(each, standing(each.endpoint.host))))


def _place(survey: TlsSurvey, standing: int) -> tuple[Any, ...]:
    endpoint = survey.endpoint
    return standing, by_port(endpoint.port), ":" in endpoint.address, endpoint.address


def rows(report: Report) -> tuple[Row, ...]:
    """All of it; nothing where no more than a handshake was wanted."""
    alike: dict[tuple[Any, ...], list[Endpoint]] = {}
    for survey in surveys(report):
        if survey.depth is not Depth.BASIC:
            alike.setdefault(_seen(survey), []).append(survey.endpoint)
    return tuple(Row(tuple(_places(endpoints)), *seen) for seen, endpoints in alike.items())


def _places(endpoints: list[Endpoint]) -> Iterator[str]:
    """Endpoints told together by host: "mail.example on 587, 465 at 192.0.2.1, 2001:db8::1"."""
    at: dict[str, dict[str, list[int]]] = {}
    for endpoint in endpoints:
        at.setdefault(endpoint.host, {}).setdefault(endpoint.address, []).append(endpoint.port)
    for host, ports_at in at.items():
        together: dict[tuple[int, ...], list[str]] = {}
        for address, ports in ports_at.items():
            together.setdefault(tuple(ports), []).append(address)
        for same, addresses in together.items():
            yield f"{host} on {', '.join(map(str, same))} at {', '.join(addresses)}"


def _seen(survey: TlsSurvey) -> tuple[Any, ...]:
    newest_first = tuple(reversed(VERSION_NAMES))
    return (
        tuple(_version(survey, number) for number in newest_first),
        tuple(
            Suites(VERSION_NAMES[number], _names(survey, number), survey.all_found(number))
            for number in newest_first
            if survey.version(number).yes
        ),
        tuple(str(group(number)) for number in survey.groups),
        survey.left,
    )


def _version(survey: TlsSurvey, number: int) -> states.Shown:
    name = VERSION_NAMES[number]
    match survey.version(number).known:
        case Known.YES:
            return states.good(name) if number >= TLS12 else states.Shown("•", name, "note")
        case Known.NO:
            return states.mute(f"not {name}")
        case Known.UNKNOWN:
            return states.unknown(name)


def _names(survey: TlsSurvey, version: int) -> tuple[str, ...]:
    if version == SSL2:
        return _spelt(kind for _, answer in survey.taken for kind in answer.kinds)
    return _spelt(survey.suites(version))


def _spelt(numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(str(suite(number)) for number in numbers)


def as_json(report: Report) -> list[dict[str, Any]]:
    """The same for scripts, endpoint by endpoint."""
    return [
        {
            "host": survey.endpoint.host,
            "address": survey.endpoint.address,
            "port": survey.endpoint.port,
            "depth": str(survey.depth),
            "offers": len(survey.tried),
            "versions": {name: str(survey.version(number).known) for number, name in VERSION_NAMES.items()},
            "suites": [
                {
                    "version": VERSION_NAMES[number],
                    "names": list(_names(survey, number)),
                    "all": survey.all_found(number),
                }
                for number in survey.versions
            ],
            "groups": [str(group(number)) for number in survey.groups],
            "left": survey.left,
        }
        for survey in surveys(report)
    ]
