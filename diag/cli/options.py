"""The options that several commands share, each declared once so that it means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_REPORT = "Report"
_JUDGEMENT = "Judgement"

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--format",
        metavar="NAME",
        help="text (default), json, html, or a plugin's. May be repeated; each pairs with the -o of the same rank.",
        rich_help_panel=_REPORT,
    ),
]
Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="Where the report goes; '-' is standard output. A folder takes one file a domain.",
        rich_help_panel=_REPORT,
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress on stderr.", rich_help_panel=_REPORT)]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Passed checks and dialogues too.", rich_help_panel=_REPORT),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="AREA|RULE",
        help="Judge only this. May be repeated.",
        rich_help_panel=_JUDGEMENT,
    ),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(
        "--skip", metavar="AREA|RULE", help="Leave this out. May be repeated.", rich_help_panel=_JUDGEMENT
    ),
]
ZoneFile = Annotated[
    Path | None,
    typer.Option(
        "--zone",
        metavar="FILE",
        help="Judge as if this zone file were published over the answers of today.",
        rich_help_panel=_JUDGEMENT,
    ),
]
ProfileFile = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="Limits, severities, waivers, required areas; default: ./maildiag.toml where it exists.",
        rich_help_panel=_JUDGEMENT,
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        help="Exit with 1 from this severity on: info, notice, warning, error (default), critical, never.",
        rich_help_panel=_JUDGEMENT,
    ),
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        metavar="AREA",
        help="Exit with 3 where this area could not be determined; 'dns' always is required.",
        rich_help_panel=_JUDGEMENT,
    ),
]
