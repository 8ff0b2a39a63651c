"""Consent to trials that are no ordinary use of somebody's servers: the domain is to be said again.

By `--consent DOMAIN`, by `--consent file:PATH` (a list that whoever runs the hosts has put there, one domain a
line), or by typing it where somebody sits at a terminal. A word that is typed by habit is no consent; the name of
the wrong domain is noticed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from .faults import Fault, reason

FILE = "file:"
MOST_OCTETS = 1 << 20
"""Octets of a list that are read."""


def consented(names: tuple[str, ...], given: tuple[str, ...], *, intrusive: bool) -> None:
    """Return where there is consent for every domain, or nothing that needs it. Raises Fault."""
    if not intrusive:
        if given:
            raise Fault("--consent: there is nothing to consent to without --intrusive")
        return
    said = {name for text in given for name in _said(text)}
    for name in names:
        if name not in said and not (_watched() and _typed(name)):
            raise Fault(
                f"--intrusive: say --consent {name} too: what is tried is no ordinary use of somebody's hosts, and is "
                "for hosts of your own"
            )


def _said(text: str) -> Iterable[str]:
    from diag.names.domain import BadDomain, domain

    words = _listed(Path(text.removeprefix(FILE))) if text.startswith(FILE) else [text]
    try:
        return [domain(word) for word in words]
    except BadDomain as error:
        raise Fault(f"--consent: {error}") from None


def _listed(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_OCTETS).decode("utf-8", "replace")
    except OSError as error:
        raise Fault(f"--consent {FILE}{path}: {reason(error)}") from None
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _watched() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _typed(name: str) -> bool:
    """Ask for the name; an answer that is no name, or another one, is a no."""
    from diag.names.domain import BadDomain, domain

    print(
        f"Trials that are no ordinary use of a mail host are for hosts of your own. Those of {name} will see them "
        "as what they are.\nType the domain again to go on: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    try:
        return domain(sys.stdin.readline().strip()) == name
    except BadDomain:
        return False
