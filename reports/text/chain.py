"""Whom the domain relies on, job by job."""

from __future__ import annotations

from diag.api import Report
from reports.hostile import plain
from reports.supply import ITSELF, Job, supply
from reports.verdict import listed

from .page import Page

_MOST = 3
"""Parties of a job, and records of a party, that are told without being asked for all."""


def chain(page: Page, report: Report, *, verbose: bool) -> None:
    """Each job with who does it, and the record that says so."""
    found = supply(report)
    if found is None:
        return
    page.heading("Whom this domain relies on")
    alone = [] if verbose else [job for job in found.jobs if job.parties == (ITSELF,)]
    others = [job for job in found.jobs if job not in alone]
    width = max((len(job.title) for job in others), default=0)
    for job in others:
        said = "; ".join(_parties(job, verbose=verbose)) if job.links else f"– {plain(job.silence)}"
        page.item(job.title, said, width=width)
    if alone:
        page.say(f"By itself it {listed([job.does for job in alone])}.")


def _parties(job: Job, *, verbose: bool) -> list[str]:
    most = len(job.parties) if verbose else _MOST
    said = [_party(job, party, verbose=verbose) for party in job.parties[:most]]
    return said + ([f"and {len(job.parties) - most} more"] if len(job.parties) > most else [])


def _party(job: Job, party: str, *, verbose: bool) -> str:
    """A party with its records; what the domain does itself needs none, unless all is wanted."""
    if party == ITSELF and not verbose:
        return party
    records = job.records(party)
    most = len(records) if verbose else 1
    more = f", and {len(records) - most} more" if len(records) > most else ""
    return f"{plain(party)} ({', '.join(map(plain, records[:most]))}{more})"
