"""The report as JSON: what scripts may rely on. docs/report.schema.json is its published description."""

from __future__ import annotations

import json as _json
from dataclasses import fields
from typing import Any

from diag.api import (
    Absent,
    CertificatePeers,
    Configure,
    Finding,
    Fix,
    Publish,
    Replace,
    Report,
    Result,
    Severity,
    Status,
    Unavailable,
    VantagePoint,
    Withdraw,
    renderer,
)

from .delivery import delivery_data
from .json_evidence import Evidence
from .json_logins import logins
from .json_matrix import matrix
from .json_receivers import answers, receivers
from .json_round_trip import round_trip
from .opinions import heard
from .peers import seen_by
from .supply import supply
from .tls import as_json as tls
from .verdict import counted, sentence

SCHEMA = "urn:maildiag:report:1"
"""The name of the form; its number changes only where something a script could rely on goes away."""

_COULD = (None, *(str(each) for each in sorted(Severity)))
"""Severities by their numbers, which begin with 1."""
_ACTION = {Publish: "publish", Withdraw: "withdraw", Replace: "replace", Configure: "configure"}


@renderer("json", "application/json")
def json(report: Report, *, compact: bool = False) -> str:
    """For programs: everything, in a form that stays stable within a major version; `compact` is one line."""
    told = _report(report)
    # ASCII only: no control character or bidirectional override reaches a terminal that shows this.
    return (_in_one_line(told) if compact else _laid_out(told)) + "\n"


def _in_one_line(told: dict[str, Any]) -> str:
    """As lists are told, where it counts that msgspec takes a tenth of the time."""
    from msgspec.json import encode

    try:
        text = encode(told).decode()
    except (UnicodeEncodeError, TypeError, OverflowError):  # lone surrogates, a number of more than 64 bits
        text = ""
    # It writes DEL and whatever is not ASCII as it is; that is rare.
    if text and text.isascii() and "\x7f" not in text:
        return text
    return _json.dumps(told, separators=(",", ":"))


def _laid_out(told: dict[str, Any]) -> str:
    """A line for each result, question and dialogue: short enough to read, and to compare by lines.

    Indenting all of it takes Python's own encoder, thirty times as long as the one in C.
    """
    members = [f'  "{name}": {_lines(value)}' for name, value in told.items()]
    return "{\n" + ",\n".join(members) + "\n}"


def _lines(value: Any) -> str:
    if not value or not isinstance(value, list) or not isinstance(value[0], dict):
        return _json.dumps(value)
    return "[\n    " + ",\n    ".join(map(_json.dumps, value)) + "\n  ]"


def _report(report: Report) -> dict[str, Any]:
    evidence = Evidence(report)
    return {
        "schema": SCHEMA,
        "tool": {"name": "maildiag", "versions": dict(sorted(report.versions.items()))},
        "target": _fields(report.target),
        "moment": report.moment.isoformat(),
        "real_moment": (report.real_moment or report.moment).isoformat(),
        "seconds": round(report.seconds, 3),
        "partial": report.partial,
        "proposed": report.proposed,
        "as_bulk_sender": report.as_bulk_sender,
        "vantage": _vantage(report),
        "grade": report.grade,
        "verdict": sentence(report),
        "counts": _counts(report, evidence),
        "required": list(report.required),
        "results": [_result(report, result, evidence) for result in report.results],
        "waived": [
            {"finding": _finding(report, finding, evidence), "reason": waiver.reason, "until": waiver.until}
            for finding, waiver in report.waived
        ],
        "receivers": receivers(report),
        "supply_chain": _supply_chain(report),
        "second_opinions": _second_opinions(report),
        "logins": logins(report),
        "round_trip": round_trip(report),
        "endpoints": evidence.endpoints(),
        "matrix": matrix(report, evidence),
        "tls": tls(report),
        "certificates": evidence.certificates(),
        "certificate_peers": [_peers(each) for each in seen_by(report)],
        "delivery": delivery_data(report),
        "dialogues": evidence.dialogues(),
        "dns": evidence.dns(),
        "exchanges": evidence.exchanges(),
    }


def _fields(value: Any) -> dict[str, Any]:
    """A value of text, numbers and rows of them: `asdict` copies each of those first."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _vantage(report: Report) -> dict[str, Any]:
    seen = report.fact(VantagePoint)
    if isinstance(seen, VantagePoint):
        return {
            "ipv4": seen.ipv4,
            "ipv6": seen.ipv6,
            "port_25": seen.port_25,
            "validating": seen.validating,
            "honest": seen.honest,
            "because": "",
        }
    because = seen.because if isinstance(seen, Absent | Unavailable) else "not looked at"
    unknown = dict.fromkeys(("ipv4", "ipv6", "port_25", "validating", "honest"))
    return {**unknown, "because": because}


def _counts(report: Report, evidence: Evidence) -> dict[str, Any]:
    return {
        "findings": {str(severity): count for severity, count in counted(report).items()},
        "results": {each.value: len(found) for each in Status if (found := report.with_status(each))},
        **evidence.counts(),
        "round_trips": report.round_trips,
    }


def _peers(met: CertificatePeers) -> dict[str, Any]:
    """One served certificate before every peer that meets it."""
    served = met.served
    return {
        "endpoint": _fields(served.endpoint),
        "sha256": served.leaf.fingerprint,
        "names_wanted": list(served.references),
        "fetched": [each.url for each in served.fetched if each.certificate is not None],
        "peers": [{**_fields(each), "reasons": list(each.reasons)} for each in met.peers],
    }


def _second_opinions(report: Report) -> dict[str, Any] | None:
    """Null where nobody asked for them."""
    found = heard(report)
    if found is None:
        return None
    opinions = [{**_fields(opinion), "agrees": opinion.agrees} for opinion in found.opinions]
    return {"opinions": opinions, "unheard": list(found.unheard)}


def _supply_chain(report: Report) -> dict[str, Any] | None:
    """Null where none of it was looked at."""
    found = supply(report)
    if found is None:
        return None
    jobs = [
        {
            "id": job.id,
            "links": [
                {"party": link.party, "name": link.name, "record": link.record, "known": link.known}
                for link in job.links
            ],
            "because": job.silence,
        }
        for job in found.jobs
    ]
    return {"as_of": found.as_of, "jobs": jobs}


def _result(report: Report, result: Result, evidence: Evidence) -> dict[str, Any]:
    return {
        "check": result.check,
        "claim": result.claim,
        "area": result.area,
        "subject": result.subject,
        "status": result.status,
        "because": result.because,
        "could": _COULD[result.could or 0],
        "evidence": evidence.cites(result.evidence) if result.evidence else (),
        "findings": [_finding(report, each, evidence) for each in result.findings] if result.findings else (),
    }


def _finding(report: Report, finding: Finding, evidence: Evidence) -> dict[str, Any]:
    return {
        "rule": finding.id,
        "severity": str(report.severity(finding)),
        "certainty": str(finding.certainty),
        "subject": finding.subject,
        "summary": finding.page.summary,
        "message": finding.text(),
        "references": [{"title": str(reference), "url": reference.url} for reference in finding.references],
        "fix": [_fix(fix) for fix in finding.fix],
        "answers": answers(report, finding),
        "evidence": evidence.cites(finding.evidence),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {"action": _ACTION[type(fix)], **_fields(fix), "text": str(fix)}
