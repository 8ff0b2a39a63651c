"""`maildiag explain`: one rule in full."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from .options import command

if TYPE_CHECKING:
    from diag.model.finding import Finding
    from diag.run.registry import Registry


@command(short_help="Explain a rule.")
@click.argument("rule", metavar="RULE")
def explain(rule: str) -> None:
    """Explain a rule, such as spf/too-many-lookups: what it means, why it matters, how to fix it, and where it
    is written.
    """
    from . import judging
    from .faults import unknown
    from .outputs import on_terminal
    from .tell import tell

    registry = judging.plugins()
    found = registry.rules.get(rule)
    if found is None:
        raise unknown("rule", rule, registry.rules, see="maildiag rules")
    tell(_explained(found, registry, on_terminal(verbose=False).width))


def _wrapped(prose: str, width: int) -> str:
    """Paragraphs in lines of that width; what is no prose is left whole."""
    return "\n\n".join(
        textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
        for paragraph in prose.split("\n\n")
    )


def _explained(rule: type[Finding], registry: Registry, width: int) -> str:
    page = rule.page
    checks = [check for check in registry.checks if rule in check.rules]
    parts = [
        f"{rule.id}  ({rule.severity}, since {rule.since})",
        _wrapped(page.summary, width),
        f"Why it matters\n--------------\n{_wrapped(page.why, width)}",
        f"How to fix\n----------\n{_wrapped(page.how, width)}",
        "\n".join(
            [
                "Where it is written",
                "-------------------",
                *(f"{_wrapped(str(each), width)}\n  {each.url}" for each in rule.references),
            ]
        ),
        "\n".join(
            [
                "Raised by",
                "---------",
                *(
                    f"{_wrapped(check.claim, width)}.\n  {check.name}, {check.where.split()[0]}"
                    for check in checks
                ),
            ]
        ),
    ]
    return "\n\n".join(parts if checks else parts[:-1]) + "\n"
