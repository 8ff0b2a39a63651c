"""Evidence as JSON: dialogues, DNS answers, certificates and all else that was asked, each with an id.

Ids follow an order that depends on what was asked alone, never on when the answers came, so that a live
run and its replay number alike.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from diag.api import Cite, DnsAnswer, DnsQuery, DnsSilence, Report
from diag.probes.probe import Probe
from diag.tls.certificate import Certificate, read
from diag.tls.handshake import AfterHandshake, Handshake, TlsFailure
from diag.wire.transcript import (
    Answered,
    Closed,
    Event,
    Opened,
    Remark,
    Renegotiated,
    Said,
    Secured,
    Transcript,
    line_text,
    render_event,
)

from .cost import connections

_KIND = {
    Opened: "opened",
    Said: "said",
    Secured: "secured",
    Answered: "answered",
    Renegotiated: "renegotiated",
    Closed: "closed",
    Remark: "remark",
}


class Evidence:
    """The evidence of one report, numbered."""

    def __init__(self, report: Report) -> None:
        self._seen = report.evidence
        self._asked: list[tuple[DnsQuery, Any]] = []
        """Questions, with what came back."""
        self._talks: list[Any] = []
        self._others: list[Any] = []
        for probe, seen in report.evidence.items():
            if isinstance(probe, DnsQuery):
                self._asked.append((probe, seen))
            else:
                (self._talks if isinstance(seen, Transcript) else self._others).append(probe)
        self._asked.sort(key=_by_question)
        self._talks.sort(key=lambda talk: (talk.host, talk.port, talk.address, repr(talk)))
        self._others.sort(key=lambda probe: (probe.kind, repr(probe)))
        named = (
            ("dns", [query for query, _ in self._asked]),
            ("dialogue", self._talks),
            ("exchange", self._others),
        )
        self._ids: dict[Any, str] = {
            probe: f"{prefix}-{number}" for prefix, group in named for number, probe in enumerate(group, 1)
        }
        self._cited: dict[int, tuple[Collection[Cite], list[dict[str, Any]]]] = {}
        """What was told already, by identity (so that they stay, with them): many results rest on the same questions."""
        self._certificates = _certificates((talk, self._seen[talk]) for talk in self._talks)

    def cites(self, cites: Collection[Cite]) -> list[dict[str, Any]]:
        """Where evidence stands in this report; what a replay does not hold is left out."""
        _, told = self._cited.get(id(cites), (None, None))
        if told is None:
            found = dict.fromkeys((self._ids.get(cite.probe), cite.event) for cite in cites)
            told = [{"id": number, "event": event} for number, event in found if number is not None]
            self._cited[id(cites)] = cites, told
        return told

    def counts(self) -> dict[str, Any]:
        """How much was asked of others; questions also by the server they were put to."""
        servers = Counter(query.server or "resolver" for query, _ in self._asked)
        by_host = dict(connections({probe: self._seen[probe] for probe in (*self._talks, *self._others)}))
        return {
            "questions": len(self._asked),
            "questions_by_server": dict(sorted(servers.items())),
            "connections": sum(by_host.values()),
            "connections_by_host": by_host,
        }

    def dns(self) -> list[dict[str, Any]]:
        """Every question with its answer or the silence after it."""
        return [_question(self._ids[query], query, seen) for query, seen in self._asked]

    def endpoints(self) -> list[dict[str, Any]]:
        """Every endpoint talked to, with how it ended; the words said there are among the dialogues."""
        return [self._endpoint(talk, self._seen[talk]) for talk in self._talks]

    def _endpoint(self, talk: Any, transcript: Transcript) -> dict[str, Any]:
        secured = transcript.secured
        made = secured.handshake if secured is not None else None
        return {
            "host": talk.host,
            "address": talk.address,
            "port": talk.port,
            "protocol": talk.kind,
            "tls": getattr(talk, "tls", ""),
            "connected": any(isinstance(event, Opened) for event in transcript.events),
            "ended": str(transcript.closed.how),
            "tls_version": made.version if isinstance(made, Handshake) else None,
            "dialogue": self._ids[talk],
        }

    def dialogues(self) -> list[dict[str, Any]]:
        """Every dialogue, event by event."""
        return [
            {
                "id": self._ids[talk],
                "endpoint": {"host": talk.host, "address": talk.address, "port": talk.port},
                "protocol": talk.kind,
                "command": talk.command(),
                "events": [_event(event) for event in self._seen[talk].events],
            }
            for talk in self._talks
        ]

    def exchanges(self) -> list[dict[str, Any]]:
        """Whatever else was asked: policies over HTTPS, ports reached, a plugin's own probes."""
        return [_exchange(self._ids[probe], probe, self._seen[probe]) for probe in self._others]

    def certificates(self) -> list[dict[str, Any]]:
        """Every certificate that a host sent, once, with the dialogues it was sent in."""
        return [
            _certificate(certificate, [self._ids[talk] for talk in talks])
            for certificate, talks in self._certificates
        ]


def _by_question(asked: tuple[DnsQuery, Any]) -> tuple[str, str, str, bool, bool, str, int]:
    q = asked[0]
    return q.name, q.rdtype, q.server or "", q.dnssec, q.unchecked, q.transport, q.look


def _question(number: str, query: DnsQuery, seen: DnsAnswer | DnsSilence) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": number,
        "name": query.name,
        "type": query.rdtype,
        "asked": query.server,
        "dnssec": query.dnssec,
        "command": query.command(),
    }
    if isinstance(seen, DnsSilence):
        told["silence"] = seen.why.value
        told["tried"] = seen.tried
        told["took_ms"] = seen.took_ms
        return told
    if query.server is not None:
        told["authoritative"] = seen.authoritative
        if not seen.authoritative:  # a referral
            told["authority"] = [line for rrset in seen.authority for line in rrset.lines()]
    told["rcode"] = seen.rcode
    told["authenticated"] = seen.authenticated
    told["records"] = list(seen.lines())
    told["extended_errors"] = [{"code": code, "text": text} for code, text in seen.extended_errors]
    told["server"] = seen.server
    told["transport"] = seen.transport
    told["took_ms"] = seen.took_ms
    return told


def _event(event: Event) -> dict[str, Any]:
    mark = render_event(event)[10:13].strip()
    told: dict[str, Any] = {"at_ms": event.at_ms, "kind": _KIND[type(event)], "mark": mark}
    match event:
        case Opened():
            return {**told, "address": event.address, "port": event.port}
        case Said():
            return {
                **told,
                "who": str(event.who),
                "text": line_text(event.octets),
                "secure": event.secure,
                "unexpected": event.unexpected,
            }
        case Secured():
            return {
                **told,
                **_handshake(event.handshake),
                "leftover": line_text(event.leftover) if event.leftover else "",
            }
        case Answered():
            received = len(event.octets)
            return {
                **told,
                "sent": event.sent,
                "received": received,
                "how": str(event.how),
                "text": event.told,
            }
        case Renegotiated():
            return {**told, "outcome": str(event.outcome), "detail": event.detail}
        case Closed():
            return {**told, "how": str(event.how), "detail": event.detail, **_after(event.tls)}
        case Remark():
            return {**told, "text": event.text}


def _after(tls: AfterHandshake | None) -> dict[str, Any]:
    """What was not read is left out: no tickets are an empty list."""
    if tls is None:
        return {}
    given = {} if tls.tickets is None else {"tickets": [dataclasses.asdict(each) for each in tls.tickets]}
    return {"tls_end": str(tls.end), **given}


def _handshake(made: Handshake | TlsFailure) -> dict[str, Any]:
    if isinstance(made, TlsFailure):
        return {"failed": str(made.reason), "alert": made.alert, "detail": made.detail}
    return {
        "version": made.version,
        "cipher": made.cipher,
        "group": made.group,
        "server_name": made.sni,
        "chain": [read(der).fingerprint for der in made.chain],
    }


def _exchange(number: str, probe: Probe[Any], seen: Any) -> dict[str, Any]:
    told = {
        name: value
        for name in (
            "at",
            "text",
            "address",
            "trouble",
            "line",
            "status",
            "location",
            "detail",
            "store",
            "count",
        )
        if isinstance(value := getattr(seen, name, None), str | int | bool)
    }
    asked = {
        name: value
        for name in ("host", "address", "port", "path", "scheme", "family")
        if isinstance(value := getattr(probe, name, None), str | int)
    }
    return {"id": number, "kind": probe.kind, "asked": asked, "command": probe.command(), "told": told}


def _certificates(talks: Iterable[tuple[Any, Transcript]]) -> list[tuple[Certificate, list[Any]]]:
    seen: dict[bytes, list[Any]] = {}
    for talk, transcript in talks:
        for event in transcript.events:
            if isinstance(event, Secured) and isinstance(event.handshake, Handshake):
                for der in event.handshake.chain:
                    held = seen.setdefault(der, [])
                    if talk not in held:
                        held.append(talk)
    read_all = [(read(der), held) for der, held in seen.items()]
    return sorted(read_all, key=lambda entry: (entry[0].label, entry[0].fingerprint))


def _certificate(certificate: Certificate, dialogues: list[str]) -> dict[str, Any]:
    return {
        "sha256": certificate.fingerprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": [*certificate.dns_names, *certificate.addresses],
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "key": certificate.key,
        "bits": certificate.bits,
        "signature": certificate.signature,
        "self_issued": certificate.self_issued,
        "problem": certificate.problem,
        "dialogues": dialogues,
    }
