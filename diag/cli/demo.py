"""`maildiag demo`: the main job on a small mail world on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import options
from .options import PATH, command, option

if TYPE_CHECKING:
    from diag.model.report import Report
    from diag.probes.probe import Lab
    from diag.run.registry import Registry

HEALTHY, BROKEN = "lantern", "harbour"
FILES = "maildiag-demo"
FORMATS = ("html", "json")


@command(short_help="Play a small mail world on this machine and look at it.")
@option(
    "-o",
    "--output",
    metavar="FOLDER",
    type=PATH,
    group="Report",
    default=Path(),
    help="Where the two files of the report go; here if nothing is said.",
)
@options.quiet
@options.verbose
def demo(output: Path, quiet: bool, verbose: bool) -> int:
    """Play a healthy and a broken mail world on this machine and diagnose both; no network, no root.

    Leaves maildiag-demo.html and maildiag-demo.json, the report on the broken one.
    """
    import anyio

    from diag.model.report import Status

    from . import exits, judging
    from .faults import Fault
    from .outputs import on_terminal
    from .progress import Progress
    from .tell import tell

    if not output.is_dir():
        raise Fault(f"--output {output}: there is no such folder")
    progress = Progress(quiet=quiet, verbose=verbose)
    registry = judging.plugins()
    look = on_terminal(verbose=verbose)
    crashed = False
    for name in (HEALTHY, BROKEN):
        progress.note(f"playing {name}.example on loopback and looking at it")
        report = anyio.run(_report, name, registry)
        crashed = crashed or bool(report.with_status(Status.CRASHED))
        tell(look.render(registry.renderers["text"], report) + "\n")
        if name == BROKEN:
            for path in _written(report, registry, output):
                progress.note(f"wrote {path}")
    return exits.CRASHED if crashed else exits.OK


def _written(report: Report, registry: Registry, folder: Path) -> list[Path]:
    from diag.lab.files import write_whole

    from .faults import Fault, reason, unknown
    from .outputs import Look

    for name in FORMATS:
        if name not in registry.renderers:
            raise unknown("format", name, registry.renderers)
    texts = {folder / f"{FILES}.{name}": Look().render(registry.renderers[name], report) for name in FORMATS}
    for path, text in texts.items():
        try:
            write_whole(path, text.encode("utf-8", "replace"))
        except OSError as error:
            raise Fault(f"{path}: cannot be written: {reason(error)}") from None
    return list(texts)


async def _report(name: str, registry: Registry) -> Report:
    from diag.lab.limited import Limited
    from diag.lab.live.live import Live, Means
    from diag.lab.reroute import Reroute
    from diag.model.target import Target
    from diag.run.diagnose import Diagnosis
    from diag.sandbox.serve import played
    from diag.sandbox.staged import DOCUMENTATION, Staged
    from diag.sandbox.world import packaged

    world = packaged(name)
    async with played(world) as playing:
        resolver = "#".join(map(str, playing.resolver))
        live: Lab = Live(registry.performers, Means(nameservers=(resolver,)))
        inside = Reroute(playing.routes, live, only=True)
        lab = Limited(Staged(world, inside))
        target = Target(world.domain, public=DOCUMENTATION)
        return await Diagnosis(registry, target, lab).run()
