"""The commands put together. Each lives in a file of its own and imports what is heavy only when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from . import check, demo, explain, replay, rules, talk

app = typer.Typer(
    name="maildiag",
    help="Looks at a domain's mail from outside, says what is wrong, what it breaks and what to publish instead.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        import importlib.metadata

        typer.echo(f"maildiag {importlib.metadata.version('maildiag')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """Looks at a domain's mail from outside, says what is wrong, what it breaks and what to publish instead."""


app.command(name="check", epilog=check.EXIT_CODES)(check.check)
app.command(name="replay", epilog=check.EXIT_CODES)(replay.replay)
app.command(name="demo")(demo.demo)
app.command(name="explain")(explain.explain)
app.command(name="rules")(rules.rules)
app.command(name="talk")(talk.talk)
