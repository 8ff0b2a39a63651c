"""`rules`, `explain`, `talk`, `demo`, and what the start of the program may cost."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from conftest import NOBODY, Reachable, Run

from diag.cli import index
from diag.run import registry
from diag.run.registry import load


def test_the_index_of_rules_is_current() -> None:
    (found,) = index.ours()
    path, text = found
    assert path.read_text() == text, "run python -m diag.cli.index"


def test_every_rule_is_listed_once_and_can_be_filtered(maildiag: Run) -> None:
    known = set(load().rules)
    lines = maildiag("rules").out.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(known)
    grave = maildiag("rules", "mx", "--severity", "error").out.splitlines()
    assert {line.split()[0] for line in grave} == {"error", "critical"}
    assert {line.split()[1].partition("/")[0] for line in grave} == {"mx"}
    (rule,) = [
        each for each in json.loads(maildiag("rules", "-f", "json").out) if each["id"] == "mx/implicit"
    ]
    assert rule["severity"] == "warning"
    assert rule["references"][0]["url"].startswith("https://www.rfc-editor.org/")


PLUGIN = '''
from diag.api import Finding, Rfc, Severity, rule

@rule("own/thing", Severity.NOTICE, Rfc(5321), since="0.1")
class Thing(Finding):
    """A rule of somebody else's.

    ## Why it matters
    It does.

    ## How to fix
    Do.
    """

    message = "{subject}"
'''


def test_rules_of_a_third_party_are_listed_and_explained(
    maildiag: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.metadata

    module = types.ModuleType("own_plugin")
    module.__file__ = "own_plugin.py"
    monkeypatch.setitem(sys.modules, "own_plugin", module)
    exec(PLUGIN, vars(module))
    real = importlib.metadata.entry_points
    point = EntryPoint("own", "own_plugin", "maildiag.plugins")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **which: (*real(**which), point))
    monkeypatch.setattr(registry, "others_offer", lambda _: True)
    monkeypatch.setattr(index, "_beside", lambda name: None if name == "own_plugin" else Path("none"))
    assert [entry.id for entry in index.entries()] == ["own/thing"]
    explained = maildiag("explain", "own/thing")
    assert (explained.code, "A rule of somebody else's." in explained.out) == (0, True)


def test_an_explanation_fits_eighty_columns(maildiag: Run) -> None:
    for rule in ("spf/too-many-lookups", "mta-sts/mx-not-covered"):
        lines = maildiag("explain", rule).out.splitlines()
        assert [line for line in lines if len(line) > 80 and "://" not in line] == []


def test_explain_tells_everything_a_rule_says(maildiag: Run) -> None:
    text = " ".join(maildiag("explain", "mx/implicit").out.split())
    rule = load().rules["mx/implicit"]
    for part in (
        "mx/implicit",
        "warning",
        rule.page.summary,
        rule.page.why,
        rule.page.how,
        "RFC 5321 section 5.1",
    ):
        assert " ".join(part.split()) in text
    assert "mail_hosts_are_named_by_mx" in text


def route(world: Reachable, address: str, port: int) -> tuple[str, str]:
    (found,) = [option for option in world.routes if option.startswith(f"{address}:{port}=")]
    return "--port-map", found


def test_talk_prints_one_dialogue(maildiag: Run, harbour: Reachable) -> None:
    done = maildiag(
        "talk", "smtp", "mx1.harbour.example", "-n", harbour.resolver, *route(harbour, "203.0.113.10", 25),
        "--helo", "me.example", "--to", "anna@harbour.example",
    )  # fmt: skip
    assert done.code == 0, done.err
    shown, _, verdict = done.out.partition("\n\n")
    spoken = [line.split(None, 1)[1] for line in shown.splitlines()]
    assert "Judged by itself" in verdict
    assert spoken[1] == "<-  220 mx1.harbour.example ESMTP Exim 4.94.2 ready"
    assert "->  EHLO me.example" in spoken
    assert "~>  RCPT TO:<anna@harbour.example>" in spoken
    assert spoken[-1] == "=== closed"


@pytest.mark.parametrize(
    ("protocol", "port", "first"), [("imap", 993, "* OK"), ("imap", 143, "* OK"), ("pop3", 110, "+OK")]
)
def test_talk_speaks_the_other_protocols(
    maildiag: Run, harbour: Reachable, protocol: str, port: int, first: str
) -> None:
    mapped = route(harbour, "203.0.113.30", port)
    done = maildiag("talk", protocol, "203.0.113.30", "--port", str(port), *mapped)
    assert done.code == 0, done.err
    heard = [line for line in done.out.splitlines() if "<- " in line or "<~ " in line]
    assert first in heard[0]
    assert ("<~" in heard[0]) == (port == 993)


def test_talk_without_a_connection_exits_with_3(maildiag: Run) -> None:
    done = maildiag(
        "talk", "smtp", "192.0.2.1", "--port-map", f"192.0.2.1:25={NOBODY}", "--helo", "me.example"
    )
    assert (done.code, "*** connection refused" in done.out) == (3, True)


def test_talk_with_a_name_nobody_has_says_so(maildiag: Run, harbour: Reachable) -> None:
    done = maildiag("talk", "smtp", "nosuch.harbour.example", "-n", harbour.resolver)
    assert (done.code, done.out) == (2, "")
    assert "nosuch.harbour.example does not exist" in done.err


def test_version_is_data(maildiag: Run) -> None:
    done = maildiag("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("maildiag 1.")


HEAVY = ("anyio", "dns", "OpenSSL", "cryptography", "checkdmarc", "spf", "jinja2", "diag.run", "checks.mx")


@pytest.mark.parametrize("arguments", [["--help"], ["rules"], ["--version"], ["check", "--help"]])
def test_what_is_heavy_is_not_loaded_before_it_is_needed(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom diag.cli import main\n"
        f"code = main({arguments!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout


def test_the_program_itself_loses_nothing_at_its_abrupt_end() -> None:
    code = "from diag.cli import program\nprogram()\n"
    done = subprocess.run(
        [sys.executable, "-c", code, "rules", "-f", "json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)) > 200
    wrong = subprocess.run([sys.executable, "-c", code, "chek"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("maildiag: unknown command 'chek'")
