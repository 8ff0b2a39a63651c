"""The options that several commands share, each declared once so that it means the same everywhere."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

_of_report = functools.partial(typer.Option, rich_help_panel="Report")
_of_judgement = functools.partial(typer.Option, rich_help_panel="Judgement")

Formats = Annotated[
    list[str] | None,
    _of_report(
        "-f",
        "--format",
        metavar="NAME",
        help="text (default), json, html, or a plugin's. May be repeated; each pairs with the -o of the same rank.",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    _of_report(
        "-o",
        "--output",
        metavar="PATH",
        help="Where the report goes; '-' is standard output. A folder takes one file a domain.",
    ),
]
Quiet = Annotated[bool, _of_report("-q", "--quiet", help="No progress on stderr.")]
Verbose = Annotated[bool, _of_report("-v", "--verbose", help="Passed checks and dialogues too.")]
Only = Annotated[
    list[str] | None, _of_judgement("--only", metavar="AREA|RULE", help="Judge only this. May be repeated.")
]
Skip = Annotated[
    list[str] | None, _of_judgement("--skip", metavar="AREA|RULE", help="Leave this out. May be repeated.")
]
ZoneFile = Annotated[
    Path | None,
    _of_judgement(
        "--zone", metavar="FILE", help="Judge as if this zone file were published over the answers of today."
    ),
]
ProfileFile = Annotated[
    Path | None,
    _of_judgement(
        "--profile",
        metavar="FILE",
        help="Limits, severities, waivers, required areas; default: ./maildiag.toml where it exists.",
    ),
]
FailOn = Annotated[
    str | None,
    _of_judgement(
        "--fail-on",
        metavar="SEVERITY",
        help="Exit with 1 from this severity on: info, notice, warning, error (default), critical, never.",
    ),
]
Require = Annotated[
    list[str] | None,
    _of_judgement(
        "--require",
        metavar="AREA",
        help="Exit with 3 where this area could not be determined; 'dns' always is required.",
    ),
]
