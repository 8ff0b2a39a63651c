"""The matrix of hosts, addresses and ports as JSON: what each cell showed, and what points at it."""

from __future__ import annotations

from typing import Any

from diag.api import BEGINS_TLS, Cell, Cite, Matrix, Report
from diag.tls.offer import VERSION_NAMES
from diag.wire.software import Software

from .json_evidence import Evidence
from .spots import Spot, mark, spots, worst


def matrix(report: Report, evidence: Evidence) -> list[dict[str, Any]]:
    """Cell by cell, hosts and ports in the usual order; nothing where no conversations were held."""
    if not isinstance(report.fact(Matrix), Matrix):
        return []
    return [
        _cell(report, spot, spot.cell, evidence) for spot in spots(report).values() if spot.cell is not None
    ]


def _cell(report: Report, spot: Spot, cell: Cell, evidence: Evidence) -> dict[str, Any]:
    severity, best, made = worst(report, spot), cell.best, cell.handshake
    begun = None if cell.clear is None else not BEGINS_TLS.isdisjoint(cell.clear.keywords)
    return {
        "host": cell.endpoint.host,
        "address": cell.endpoint.address,
        "port": cell.endpoint.port,
        "service": cell.service,
        "preference": cell.preference,
        "published": cell.published,
        "mark": str(mark(report, spot)),
        "severity": str(severity) if severity is not None else None,
        "rules": sorted({finding.id for finding in spot.findings}),
        "reached": str(cell.state) if cell.state is not None else None,
        "because": cell.because,
        "greeting": cell.greeting,
        "software": _software(cell.software),
        "starttls": begun,
        "keywords": list(best.keywords) if best is not None else None,
        "logins": list(best.logins) if best is not None else None,
        "size": best.size if best is not None else None,
        "tls": {"version": made.version, "cipher": made.cipher, "group": made.group}
        if made is not None
        else None,
        "versions": [VERSION_NAMES[number] for number in cell.survey.versions]
        if cell.survey is not None
        else [],
        "certificate": cell.certificate.leaf.fingerprint if cell.certificate is not None else None,
        "samples": len(cell.samples),
        "dialogues": _dialogues(spot, evidence),
    }


def _dialogues(spot: Spot, evidence: Evidence) -> list[str]:
    """Their ids, in an order that depends on what was asked alone."""
    ids = (each["id"] for each in evidence.cites([Cite(probe) for probe, _ in spot.talks]))
    return sorted(ids, key=lambda name: int(name.rpartition("-")[2]))


def _software(named: Software | None) -> dict[str, str] | None:
    return {"product": named.product, "version": named.version} if named is not None else None
