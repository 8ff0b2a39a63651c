"""The certificates that were presented: by whom, and how long each is still good."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from diag.api import Report, Severity
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.talks import Talk
from diag.tls.certificate import Certificate, read
from diag.tls.handshake import Handshake
from diag.wire.transcript import Transcript

from . import states
from .peers import PeerLine, peer_lines

_SOON = timedelta(days=14)
_MOST_NAMES = 12

Door = Talk | HttpsGet
"""What a certificate was presented to."""


@dataclass(frozen=True, slots=True)
class Presented:
    """One certificate of a server."""

    begin: datetime
    end: datetime
    shown: states.Shown
    """The days left, or how long it is over."""
    name: str
    names: tuple[str, ...]
    places: dict[str, dict[int, Door]]
    """The hosts that presented it, each with its ports and where that was first seen."""
    issuer: str
    organization: str
    """The issuer's, as the certificate has it; empty where it names none."""
    key: str
    peers: tuple[PeerLine, ...]
    """Who accepts it and who does not; nobody for what only web servers presented."""

    @property
    def begins(self) -> str:
        """The day from which it is valid."""
        return _day(self.begin)

    @property
    def ends(self) -> str:
        """The day on which it ends."""
        return _day(self.end)


def presented(report: Report) -> tuple[Presented, ...]:
    """The end-entity certificates of all handshakes, each once, the first to end first."""
    seen: dict[bytes, dict[str, dict[int, Door]]] = {}
    for probe, evidence in report.evidence.items():
        made: object = None
        if isinstance(evidence, Transcript):
            made = evidence.secured.handshake if evidence.secured else None
        elif isinstance(evidence, HttpExchange):
            made = evidence.handshake
        if isinstance(made, Handshake) and isinstance(probe, Door):
            for der in made.chain[:1]:
                seen.setdefault(der, {}).setdefault(probe.host, {}).setdefault(probe.port, probe)
    judged = peer_lines(report)
    found = (
        _presented(read(der), places, report.moment, judged.get(der, ())) for der, places in seen.items()
    )
    return tuple(sorted(found, key=lambda each: each.end))


def _presented(
    certificate: Certificate,
    places: dict[str, dict[int, Door]],
    moment: datetime,
    peers: tuple[PeerLine, ...],
) -> Presented:
    names = certificate.dns_names or certificate.common_names
    size = certificate.curve or (str(certificate.bits) if certificate.bits else "")
    return Presented(
        begin=certificate.not_before,
        end=certificate.not_after,
        shown=_state(certificate, moment),
        name=names[0] if names else "a certificate without a name",
        names=names[:_MOST_NAMES],
        places=places,
        issuer=_issuer(certificate.issuer),
        organization=_part(certificate.issuer, "O"),
        key=" ".join(filter(None, (certificate.key, size))),
        peers=peers,
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
    return _part(name, "CN") or name


def _part(name: str, kind: str) -> str:
    """One attribute of an RFC 4514 name; empty where it has none."""
    found = re.search(rf"(?:^|,){kind}=((?:\\.|[^,\\])+)", name)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""
