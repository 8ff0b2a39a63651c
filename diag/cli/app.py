"""The commands put together. Each lives in a file of its own and imports what is heavy only when it runs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

COMMANDS = ("check", "replay", "demo", "explain", "rules", "talk")
"""The modules of this package that hold a command of the same name."""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The program, with only the command that is asked for where one is: declaring options takes time."""
    app = typer.Typer(
        name="maildiag",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(common)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        module = importlib.import_module(f".{name}", __package__)
        app.command(name=name, epilog=getattr(module, "EXIT_CODES", None))(getattr(module, name))
    return app


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        import importlib.metadata

        typer.echo(f"maildiag {importlib.metadata.version('maildiag')}")
        raise typer.Exit


def common(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """Looks at a domain's mail from outside, says what is wrong, what it breaks and what to publish instead."""
