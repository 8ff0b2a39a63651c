"""`maildiag replay`: the same report from a tape, without a network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from .check import EXIT_CODES as EXIT_CODES
from .options import FailOn, Formats, Only, Outputs, ProfileFile, Quiet, Require, Skip, Verbose, ZoneFile


def replay(
    tape: Annotated[Path, typer.Argument(metavar="TAPE", help="What 'maildiag check --save TAPE' wrote.")],
    formats: Formats = None,
    outputs: Outputs = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    only: Only = None,
    skip: Skip = None,
    zone: ZoneFile = None,
    profile: ProfileFile = None,
    fail_on: FailOn = None,
    require: Require = None,
) -> int:
    """Judge a recorded run again; with --zone, as if that zone had been published then.

    What was asked for when the tape was made holds, except where an option here says otherwise. A profile
    counts only where it is named.
    """
    from . import judging, outputs as places, tapes
    from .progress import Progress
    from .work import Work

    progress = Progress(quiet=quiet, verbose=verbose)
    registry = judging.plugins()
    recorded = tapes.load(tape, registry.probes)
    was = recorded.options
    said = judging.profile(profile, registry, progress) if profile is not None else None
    options = dataclasses.replace(
        was,
        only=judging.chosen(only, registry, "--only") if only else was.only,
        skip=judging.chosen(skip, registry, "--skip") if skip else was.skip,
        severities=said.severities if said is not None else was.severities,
        waivers=said.waivers if said is not None else was.waivers,
        required=judging.required(
            (*was.required, *(said.require if said else ()), *(require or ())), registry, "--require"
        ),
        proposed=", ".join(filter(None, (was.proposed, str(zone) if zone is not None else ""))),
    )
    threshold = fail_on or (said.fail_on if said is not None else "") or recorded.fail_on
    work = Work(
        registry=registry,
        options=options,
        threshold=judging.threshold(threshold),
        fail_on=threshold,
        places=places.places(registry.renderers, formats or (), outputs or (), many=False, verbose=verbose),
        progress=progress,
        partial=recorded.partial,
    )
    domain = recorded.target.domain
    return work.run((domain,), recorded.target, recorded.tape, judging.zone(zone, (domain,)))
