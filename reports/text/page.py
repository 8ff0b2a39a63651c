"""A page of text: wrapped prose, lines that must stay whole, tables; nothing is told by colour alone."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diag.api import Severity

STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.NOTICE: "cyan",
    Severity.INFO: "dim",
}


class Page:
    """Collects text. What is given to it must have gone through `plain` where it comes from elsewhere."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self._out = io.StringIO()
        # An empty environment: how a report looks depends on its arguments alone.
        self._console = Console(
            file=self._out,
            width=width,
            color_system="standard" if colour else None,
            force_terminal=colour,
            no_color=not colour,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            _environ={},
        )
        self.width = width

    def heading(self, title: str) -> None:
        """Begin a section."""
        self._console.print()
        self._console.print(Text(title, "bold"))
        self._console.print(Text("─" * len(title), "dim"))

    def say(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """A paragraph, wrapped; a part may be (text, style)."""
        self._console.print(Padding(Text.assemble(*parts), (0, 0, 0, indent)))

    def item(self, label: str, *parts: str | tuple[str, str], width: int, style: str = "") -> None:
        """A label and a paragraph beside it."""
        table = Table.grid(padding=(0, 1))
        table.add_column(width=width, no_wrap=True)
        table.add_column(overflow="fold", ratio=1)
        table.expand = True
        table.add_row(Text(label, style), Text.assemble(*parts))
        self._console.print(table)

    def whole(self, line: str, style: str = "") -> None:
        """One line from the first column on, never wrapped: it is there to be copied."""
        self._console.print(Text(line, style), soft_wrap=True)

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def table(
        self,
        rows: Iterable[Sequence[str]],
        *,
        head: Sequence[str] = (),
        right: Container[int] = (),
        fixed: Container[int] = (),
        indent: int = 0,
    ) -> None:
        """Rows of cells; columns in `right` are set flush right, those in `fixed` never fold."""
        rows = [list(row) for row in rows]
        columns = len(head) or max(map(len, rows), default=0)
        table = Table(
            box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold"
        )
        for number in range(columns):
            options: dict[str, Any] = {"justify": "right"} if number in right else {}
            fold = number not in fixed
            table.add_column(Text(head[number]) if head else "", overflow="fold", no_wrap=not fold, **options)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(Padding(table, (0, 0, 0, indent)))

    def text(self) -> str:
        """Everything so far."""
        return self._out.getvalue()
