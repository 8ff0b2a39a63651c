"""The commands put together. Each lives in a file of its own and imports what is heavy only when it runs."""

from __future__ import annotations

import importlib
from typing import cast

import click

from .faults import unknown

COMMANDS = ("check", "deliver", "replay", "demo", "explain", "rules", "spf", "talk", "roundtrip")
"""The modules of this package that hold a command of the same name."""


class _Commands(click.Group):
    """Loads a command when it is asked for, all of them when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click."""
        if cmd_name not in COMMANDS:
            if cmd_name.startswith("-"):
                return None
            raise unknown("command", cmd_name, COMMANDS)
        return cast(click.Command, getattr(importlib.import_module(f".{cmd_name}", __package__), cmd_name))


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        import importlib.metadata

        click.echo(f"maildiag {importlib.metadata.version('maildiag')}")
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version and exit.",
)
def app() -> None:
    """Look at a domain's mail from outside: what is wrong, what it breaks and what to publish instead."""
