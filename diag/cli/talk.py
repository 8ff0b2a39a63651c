"""`maildiag talk`: one recorded dialogue, as operators write it down."""

from __future__ import annotations

from typing import Annotated

import typer


def talk(
    protocol: Annotated[str, typer.Argument(metavar="smtp|imap|pop3", help="What to speak.")],
    host: Annotated[str, typer.Argument(metavar="HOST", help="A host name or an address.")],
) -> int:
    """Hold one polite dialogue with a host and print every line of it."""
    return 0
