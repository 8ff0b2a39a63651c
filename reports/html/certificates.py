"""Every certificate that was presented, on one time line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from diag.api import Report, Severity
from diag.tls.certificate import Certificate, read
from diag.tls.handshake import Handshake
from reports import states

from .anchors import Anchors, Link

WIDTH = 900
_PAST, _FUTURE = timedelta(days=60), timedelta(days=420)
_SOON = timedelta(days=14)
_MOST, _MOST_HOSTS = 60, 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One certificate: its stretch on the line, in units of the picture, and what it says."""

    id: str
    x: int
    width: int
    shown: states.Shown
    name: str
    names: tuple[str, ...]
    places: tuple[tuple[str, tuple[Link, ...]], ...]
    """The hosts that presented it, each with its ports, which lead to a dialogue."""
    begins: str
    ends: str
    issuer: str
    key: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """All of them, the first to end on top."""

    width: int
    now: int
    months: tuple[tuple[int, str], ...]
    bars: tuple[Bar, ...]
    more: int


def time_line(report: Report, anchors: Anchors) -> TimeLine | None:
    """The end-entity certificates seen in all handshakes; None where there was none."""
    seen: dict[bytes, dict[str, dict[int, str]]] = {}
    for talk, transcript in anchors.talks.items():
        made = transcript.secured.handshake if transcript.secured else None
        if isinstance(made, Handshake) and made.chain:
            ports = seen.setdefault(made.chain[0], {}).setdefault(talk.host, {})
            ports.setdefault(talk.port, anchors.id_of(talk))
    for get, exchange in anchors.fetched.items():
        if isinstance(exchange.handshake, Handshake) and exchange.handshake.chain:
            ports = seen.setdefault(exchange.handshake.chain[0], {}).setdefault(get.host, {})
            ports.setdefault(get.port, anchors.id_of(get))
    if not seen:
        return None
    read_ones = sorted(
        ((read(der), places) for der, places in seen.items()), key=lambda pair: pair[0].not_after
    )
    shown = read_ones[:_MOST]
    now = report.moment
    begin = now - _PAST
    last = max((certificate.not_after for certificate, _ in shown), default=now)
    end = min(max(last + timedelta(days=20), now + timedelta(days=60)), now + _FUTURE)
    scale = _Scale(begin, end)
    bars = tuple(
        _bar(number, certificate, places, now, scale)
        for number, (certificate, places) in enumerate(shown, start=1)
    )
    return TimeLine(WIDTH, scale.at(now), scale.months(), bars, len(read_ones) - len(shown))


@dataclass(frozen=True, slots=True)
class _Scale:
    begin: datetime
    end: datetime

    def at(self, moment: datetime) -> int:
        """The place of a moment, kept within the picture."""
        share = (moment - self.begin) / (self.end - self.begin)
        return round(WIDTH * min(max(share, 0.0), 1.0))

    def months(self) -> tuple[tuple[int, str], ...]:
        """A mark at the first of every month, named where there is room."""
        marks = []
        month = self.begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        step = 1 if self.end - self.begin < timedelta(days=200) else 3
        while month < self.end:
            month = (month + timedelta(days=32)).replace(day=1)
            if (month.month - 1) % step == 0 and self.begin < month < self.end - timedelta(days=10):
                marks.append((self.at(month), f"{month:%b %Y}"))
        return tuple(marks)


def _bar(
    number: int, certificate: Certificate, places: dict[str, dict[int, str]], now: datetime, scale: _Scale
) -> Bar:
    x, end = scale.at(certificate.not_before), scale.at(certificate.not_after)
    names = certificate.dns_names or certificate.common_names
    return Bar(
        id=f"c{number}",
        x=x,
        width=max(end - x, 3),
        shown=_state(certificate, now),
        name=names[0] if names else "a certificate without a name",
        names=names[:12],
        places=tuple(
            (host, tuple(Link(target, str(port)) for port, target in sorted(ports.items())))
            for host, ports in list(places.items())[:_MOST_HOSTS]
        ),
        begins=_day(certificate.not_before),
        ends=_day(certificate.not_after),
        issuer=_issuer(certificate.issuer),
        key=" ".join(
            filter(
                None,
                (certificate.key, certificate.curve or (str(certificate.bits) if certificate.bits else "")),
            )
        ),
    )


def _state(certificate: Certificate, now: datetime) -> states.Shown:
    if certificate.problem and certificate.not_after.year == 1970:
        return states.unknown("cannot be read")
    left = certificate.not_after - now
    if left < timedelta(0):
        return states.short(Severity.ERROR, f"ended {_ago(-left)} ago")
    if certificate.not_before > now:
        return states.short(Severity.ERROR, f"begins in {_ago(certificate.not_before - now)}")
    word = f"{_ago(left)} left"
    return states.short(Severity.WARNING, word) if left < _SOON else states.good(word)


def _ago(span: timedelta) -> str:
    if span.days < 1:
        return f"{span.seconds // 3600} h"
    return f"{span.days} day{'s' if span.days > 1 else ''}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _issuer(name: str) -> str:
    """The common name of an RFC 4514 name, or the whole."""
    found = re.search(r"(?:^|,)CN=((?:\\.|[^,\\])+)", name)
    return found[1] if found else name
