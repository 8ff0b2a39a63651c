"""`maildiag replay`: the same report from a tape, without a network."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from .check import EXIT_CODES
from .options import PATH, command, judgement_options, report_options


@command(epilog=EXIT_CODES, short_help="Judge a recorded run again, without a network.")
@click.argument("tape", metavar="TAPE", type=PATH)
@report_options
@judgement_options
def replay(
    tape: Path,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    zone: Path | None,
    at: str | None,
    profile: Path | None,
    tls_profile: str | None,
    inventory: bool,
    as_bulk_sender: bool,
    fail_on: str | None,
    require: tuple[str, ...],
) -> int:
    """Judge again what 'maildiag check --save TAPE' recorded; with --zone, as if that zone had been published then.

    What was asked for when the tape was made holds, except where an option here says otherwise. A profile
    counts only where it is named.
    """
    from . import judging, outputs as places, tapes
    from .progress import Progress
    from .work import Work

    progress = Progress(quiet=quiet, verbose=verbose)
    registry = judging.plugins()
    recorded = tapes.load(tape, registry.probes)
    recorded.refuse_unknown(registry, f"{tape}:1")
    was = recorded.options
    said = judging.profile(profile, registry, progress) if profile is not None else None
    options = dataclasses.replace(
        was,
        only=judging.chosen(only, registry, "--only") if only else was.only,
        skip=judging.chosen(skip, registry, "--skip") if skip else was.skip,
        severities=said.severities if said is not None else was.severities,
        waivers=said.waivers if said is not None else was.waivers,
        required=judging.required(
            (*was.required, *(said.require if said else ()), *require), registry, "--require"
        ),
        proposed=", ".join(filter(None, (was.proposed, str(zone) if zone is not None else ""))),
        as_bulk_sender=as_bulk_sender or was.as_bulk_sender,
    )
    threshold = fail_on or (said.fail_on if said is not None else "") or recorded.fail_on
    work = Work(
        registry=registry,
        options=options,
        threshold=judging.threshold(threshold),
        fail_on=threshold,
        places=places.places(registry.renderers, formats, outputs, many=False, verbose=verbose),
        progress=progress,
        recorded=recorded.run,
    )
    domain, target = recorded.target.domain, recorded.target
    if at is not None:
        target = dataclasses.replace(target, at=at)
    if named := judging.tls_profile(tls_profile):
        target = dataclasses.replace(target, tls_profile=named)
    if inventory:
        target = dataclasses.replace(target, inventory=True)
    return work.run((domain,), target, recorded.tape, judging.zone(zone, (domain,)))
