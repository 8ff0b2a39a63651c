"""Writes docs/conformance.md: other people's suites, on how many of their cases we agree, and why not on the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tls_peers
from second_opinion_worlds import WORLDS, named, opinions
from suite_runs import OUT_OF_SCOPE, SUITES, exceptions
from suites import Suite

from diag.sandbox import world as worlds

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "conformance.md"


def main() -> int:
    """Run everything and write the page; 1 where a difference has no reason."""
    board, differences, unexplained = (
        ["| suite | version | cases | agree | differ |", "|---|---|---|---|---|"],
        [],
        0,
    )
    known = exceptions()
    for suite in SUITES:
        if not suite.is_here:
            board.append(f"| {suite.title} | {suite.version} | {suite.count} | not here | |")
            continue
        cases = list(suite.run(suite.path))
        differing = [case.name for case in cases if not case.agrees]
        reasons = known.get(suite.key, {})
        unexplained += sum(name not in reasons for name in differing)
        agree = len(cases) - len(differing)
        board.append(f"| {suite.title} | {suite.version} | {len(cases)} | {agree} | {len(differing)} |")
        print(board[-1], flush=True)
        differences += list(_explained(suite, differing, reasons))
    asked, rows = 0, []
    for path in WORLDS:
        found = opinions(worlds.load(path))
        asked += len(found.opinions)
        rows += [
            f"| {named(path)} | {each.question} | {each.ours} | {each.other}: {each.theirs} | {each.settled} |"
            for each in found.differing
        ]
        unexplained += sum(not each.section for each in found.differing)
    spoken, without_reason = tls_peers.page()
    unexplained += without_reason
    lines = [
        "# Conformance",
        "",
        "Cases that nobody here wrote, run through this code: all cases of each suite, none left out.",
        "`script/conformance` writes this page.",
        "",
        *board,
        "",
        "Of large suites a part is run, chosen by a fixed rule from the names of their cases.",
        "",
        "Where we differ:",
        "",
        "| suite | cases | why |",
        "|---|---|---|",
        *differences,
        "",
        "Not run:",
        "",
        *(f"- {suites}: {why}." for suites, why in OUT_OF_SCOPE.items()),
        "",
        "## Second opinions",
        "",
        f"pyspf and checkdmarc were asked {asked} questions about the worlds of this project, over the same records,",
        f"as `check --second-opinion` asks them. They differ from us on {len(rows)}:",
        "",
        "| world | question | we say | they say | what settles it |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "## Versions and suites",
        "",
        *spoken,
        "",
    ]
    PAGE.write_text("\n".join(lines))
    print(f"{asked} second opinions, {len(rows)} differ; {unexplained} differences without a reason")
    return 1 if unexplained else 0


def _explained(suite: Suite, differing: list[str], reasons: dict[str, str]) -> Iterator[str]:
    """A row for each reason, with the cases that it is for."""
    for reason in dict.fromkeys(reasons.get(name, "**unexplained**") for name in differing):
        names = [name for name in differing if reasons.get(name, "**unexplained**") == reason]
        told = ", ".join(f"`{name.replace('|', '/')}`" for name in names)
        yield f"| {suite.title} | {told} | {reason} |"


if __name__ == "__main__":
    raise SystemExit(main())
