"""Writes docs/conformance.md: other people's suites, how many of their cases we agree with, and why not in the rest."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from second_opinion_worlds import WORLDS, named, opinions

from diag.sandbox import world as worlds

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "conformance.md"
SUITES = {
    "RFC 7208 suite (pyspf 2.0.14), evaluation": "tests/conformance/test_conformance_spf.py",
    "SPF, DKIM, DMARC and autoconfig records (RFC 7208 suite, Mail::DKIM, dkim_verifier, mailauth, ISPDB)": "tests/records",
    "x509-limbo, certificate paths and names (three more are out of scope)": "tests/tls/test_tls_limbo.py",
    "OpenSSL danetest, TLSA matching": "tests/tls/test_tls_dane.py",
    "MailKit transcripts and Recog banners": "tests/wire/test_wire_corpora.py",
}


def ran(path: str) -> tuple[int, int, int]:
    """Tests passed, failed and skipped in a file or folder."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as out:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={out.name}",
            path,
        ]
        subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=900)
        suite = next(ET.parse(out.name).iter("testsuite"))
    total, failed = int(suite.get("tests", 0)), int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    return total - failed - skipped, failed, skipped


def main() -> None:
    """Run everything and write the page."""
    lines = [
        "# Conformance",
        "",
        "Cases that nobody here wrote, run through this code. `script/conformance` writes this page. What a suite",
        "expects and we do not give stands in the table of exceptions of its test, with the reason.",
        "",
        "| suite | tests agree | disagree | left out, with a reason |",
        "|---|---|---|---|",
    ]
    for name, suite in SUITES.items():
        passed, failed, skipped = ran(suite)
        lines.append(f"| {name} | {passed} | {failed} | {skipped} |")
        print(lines[-1])
    asked, rows = 0, []
    for path in WORLDS:
        found = opinions(worlds.load(path))
        asked += len(found.opinions)
        rows += [
            f"| {named(path)} | {each.question} | {each.ours} | {each.other}: {each.theirs} | {each.settled} |"
            for each in found.differing
        ]
    lines += [
        "",
        "## Second opinions",
        "",
        f"pyspf and checkdmarc were asked {asked} questions about the worlds of this project, from the same records.",
        f"They differ from us in {len(rows)}:",
        "",
        "| world | question | we say | they say | what settles it |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]
    PAGE.write_text("\n".join(lines))
    print(f"{asked} second opinions, {len(rows)} differ; see {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
