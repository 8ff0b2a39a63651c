"""`maildiag rules`: what is looked for."""

from __future__ import annotations

import click

from .options import command, option

_SEVERITIES = ("info", "notice", "warning", "error", "critical")


@command(short_help="List what is looked for.")
@click.argument("areas", metavar="[AREA]...", nargs=-1)
@option("-f", "--format", "form", metavar="NAME", default="text", help="text (default) or json.")
@option("--severity", metavar="SEVERITY", help="Only rules of this severity or a graver one.")
def rules(areas: tuple[str, ...], form: str, severity: str | None) -> None:
    """List every rule, or those of the areas named: what is looked for, how grave it is, and since when."""
    import json
    from dataclasses import asdict

    from .faults import unknown
    from .index import entries
    from .tell import tell

    found = entries()
    known = {entry.area for entry in found}
    for area in areas:
        if area not in known:
            raise unknown("area", area, known)
    if severity is not None and severity not in _SEVERITIES:
        raise unknown("severity", severity, _SEVERITIES, where="--severity")
    least = _SEVERITIES.index(severity) if severity is not None else 0
    shown = [
        entry
        for entry in found
        if (not areas or entry.area in areas) and _SEVERITIES.index(entry.severity) >= least
    ]
    if form == "json":
        rows = [
            {**asdict(entry), "references": [{"title": t, "url": u} for t, u in entry.references]}
            for entry in shown
        ]
        tell(json.dumps(rows, indent=2) + "\n")
    elif form == "text":
        width = max((len(entry.id) for entry in shown), default=0)
        tell("".join(f"{entry.severity:<8}  {entry.id:<{width}}  {entry.summary}\n" for entry in shown))
    else:
        raise unknown("format", form, ("text", "json"), where="--format")
