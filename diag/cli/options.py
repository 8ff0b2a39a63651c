"""How options are declared and listed, and those that several commands share: they mean the same everywhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

OTHERS = "Options"
COLUMN = 24
"""Columns of a help text that are kept for the options' names."""


class Grouped(click.Option):
    """An option that stands under a heading of the help text."""

    def __init__(self, *declarations: Any, group: str = OTHERS, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.group = group


class Command(click.Command):
    """A command whose help text has a heading for each group of options, in the order of their declaration."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            # What the arguments are, the text above says.
            row = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if row is not None:
                groups.setdefault(getattr(param, "group", OTHERS), []).append(row)
        for heading, rows in groups.items():
            with formatter.section(heading):
                # One column for all groups: the eye goes down a single edge.
                formatter.write_dl([(left.ljust(COLUMN), right) for left, right in rows], col_max=COLUMN)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click; not indented, for it is about the whole."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write_text(self.epilog)


command = functools.partial(click.command, cls=Command)
option = functools.partial(click.option, cls=Grouped)


class _Path(click.Path):
    """A path; an empty one, such as an unset variable of a script gives, is refused and not taken for '.'."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click."""
        if value == "":
            self.fail("a path is expected, and none was given", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)


def seconds(text: str | float) -> float:
    """Seconds as given to --timeout and --deadline. Raises click.BadParameter."""
    return _number(text, lambda number: 0 < number < math.inf, "expected seconds, a number above 0")


def moment(text: str) -> str:
    """A moment as given to --at, in UTC where it names no offset. Raises click.BadParameter."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None or not 1990 <= at.year <= 2199:
        expected = "expected a date between 1990 and 2199 such as 2027-03-01, or 2027-03-01T09:30"
        raise click.BadParameter(f"{text}: {expected}")
    return at.isoformat()


def port(text: str | int) -> int:
    """A port as given to --port. Raises click.BadParameter."""
    return int(_number(text, lambda number: number in range(1, 65536), "expected a port, 1 to 65535"))


def processes(text: str | int) -> int:
    """How many as given to --processes. Raises click.BadParameter."""
    return int(
        _number(text, lambda number: number >= 1 and number.is_integer(), "expected a whole number from 1")
    )


def _number(text: str | float, fits: Callable[[float], bool], expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise click.BadParameter(f"{text}: {expected}")
    return number


_of_report = functools.partial(option, group="Report")
_of_judgement = functools.partial(option, group="Judgement")
_of_network = functools.partial(option, group="Network")


def report_options(function: F) -> F:
    """Where the report goes, and how it looks."""
    return _all(
        function,
        _of_report(
            "-f",
            "--format",
            "formats",
            metavar="NAME",
            multiple=True,
            help="text (default), json, html, or a plugin's. May be repeated; each pairs with the -o of the same "
            "rank.",
        ),
        _of_report(
            "-o",
            "--output",
            "outputs",
            metavar="PATH",
            type=PATH,
            multiple=True,
            help="Where the report goes; '-' is standard output. A folder takes one file a domain.",
        ),
        quiet,
        verbose,
    )


quiet = _of_report("-q", "--quiet", is_flag=True, help="No progress on stderr.")
verbose = _of_report("-v", "--verbose", is_flag=True, help="Passed checks and dialogues too.")


def judgement_options(function: F) -> F:
    """What is judged, against what, and when a run fails."""
    return _all(
        function,
        _of_judgement("--only", metavar="AREA|RULE", multiple=True, help="Judge only this. May be repeated."),
        _of_judgement("--skip", metavar="AREA|RULE", multiple=True, help="Leave this out. May be repeated."),
        _of_judgement(
            "--zone",
            metavar="FILE",
            type=PATH,
            help="Judge as if this zone file were published over the answers of today.",
        ),
        _of_judgement(
            "--at",
            metavar="DATE",
            type=moment,
            help="Judge as if it were this date (UTC) and nothing had been renewed: what breaks by March?",
        ),
        _of_judgement(
            "--profile",
            metavar="FILE",
            type=PATH,
            help="Limits, severities, waivers, required areas; default: ./maildiag.toml where it exists.",
        ),
        _of_judgement(
            "--tls-profile",
            metavar="NAME",
            help="Tell where TLS departs from ietf-2026, ncsc-nl-2025, bsi-2026, nist-800-52r2, mozilla-modern, "
            "-intermediate or -old; best with --tls full.",
        ),
        _of_judgement("--inventory", is_flag=True, help="Also list what each host offers."),
        _of_judgement(
            "--as-bulk-sender",
            is_flag=True,
            help="Weigh what Gmail, Yahoo, Outlook.com or iCloud refuse bulk mail for as it weighs for its sender.",
        ),
        _of_judgement(
            "--fail-on",
            metavar="SEVERITY",
            help="Exit with 1 from this severity on: info, notice, warning, error (default), critical, never.",
        ),
        _of_judgement(
            "--require",
            metavar="AREA",
            multiple=True,
            help="Exit with 3 where this area could not be determined; 'dns' always is required.",
        ),
    )


def network_options(function: F) -> F:
    """How the world is asked, and which of its addresses count as public."""
    return _all(
        function,
        _of_network(
            "-n",
            "--nameserver",
            "nameservers",
            metavar="ADDR[:PORT]",
            multiple=True,
            help="Ask this resolver. May be repeated.",
        ),
        _of_network("-4", "ipv4", is_flag=True, help="IPv4 only."),
        _of_network("-6", "ipv6", is_flag=True, help="IPv6 only."),
        _of_network("--helo", metavar="NAME", help="What we call ourselves in EHLO."),
        _of_network("--timeout", metavar="S", type=seconds, help="The most seconds one probe may take: 60."),
        _of_network(
            "--ca-file", metavar="PEM", type=PATH, help="Trust these roots instead of the machine's."
        ),
        _of_network(
            "--port-map",
            metavar="HOST:PORT=ADDR:PORT",
            multiple=True,
            help="Connect elsewhere (tunnels, laboratories). May be repeated.",
        ),
        _of_network(
            "--public",
            metavar="NETWORK",
            multiple=True,
            help="Judge these addresses as if they were public.",
        ),
    )


def _all(function: F, *decorators: Callable[[F], F]) -> F:
    for decorate in reversed(decorators):
        function = decorate(function)
    return function
