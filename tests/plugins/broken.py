"""Plugins that cannot be used, each by one fault: the rest of each is sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOUND = '''
from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from diag.api import *


@rule("orchard/worm", Severity.ERROR, Rfc(5321, "5.1"), since="1.0")
class Worm(Finding):
    """There is a worm.

    ## Why it matters
    It eats.

    ## How to fix
    Remove it.
    """

    message = "A worm in {subject}."


@dataclass(frozen=True)
class Apple:
    weight: int


@dataclass(frozen=True)
class Pear:
    weight: int


@dataclass(frozen=True)
class MxHosts:
    number: int
'''


@dataclass(frozen=True)
class Fault:
    """What makes a plugin unusable, and what must be said of it; `HERE` stands for where the plugin lies."""

    name: str
    body: str
    said: tuple[str, ...]


HERE = "orchard/plugin.py"
FIRST = f"{HERE}:{len(SOUND.splitlines()) + 1}"
"""Where the body of a fault begins."""

_CHECK = "@check\ndef no_worm({}) -> Iterator[Finding]:\n    yield Worm(subject='x')\n"

FAULTS = (
    Fault(
        "fails-to-import",
        "import no_such_orchard\n",
        (
            f"cannot be imported from {FIRST}",
            "No module named 'no_such_orchard'",
            "mend or uninstall the distribution",
        ),
    ),
    Fault(
        "rule-without-page",
        "@rule('orchard/blight', Severity.ERROR, Rfc(5321), since='1.0')\nclass Blight(Finding):\n    message = 'x'\n",
        (
            f"cannot be imported from {FIRST}",
            "rule orchard/blight: the docstring needs",
            "'## Why it matters'",
        ),
    ),
    Fault(
        "needs-in-a-circle",
        "@fact\nasync def apple(p: Pear) -> Apple: ...\n@fact\nasync def pear(a: Apple) -> Pear: ...\n",
        (f"in a circle: {FIRST} apple → {HERE}:", " pear → ", "let one of them ask the lab itself"),
    ),
    Fault(
        "duplicate-rule-id",
        "@rule('mx/implicit', Severity.ERROR, Rfc(5321), since='1.0')\nclass Again(Finding):\n"
        "    'S.\\n\\n## Why it matters\\nW.\\n\\n## How to fix\\nH.'\n    message = 'x'\n",
        (
            f"rule id 'mx/implicit' of {FIRST} Again",
            "is taken by checks/mx.py:",
            "give it an id of its own",
        ),
    ),
    Fault(
        "nobody-gives-it",
        _CHECK.format("hosts: MxHosts"),
        (
            f"{FIRST} no_worm",
            "no fact gives MxHosts (parameter 'hosts')",
            "did you mean MxHost (gather/mx.py:",
            "facts: ",
        ),
    ),
    Fault(
        "check-asks-for-the-lab",
        _CHECK.format("lab: Lab"),
        (f"check {FIRST} no_worm asks for the lab", "put the look-up into a fact"),
    ),
    Fault(
        "two-facts-of-one-type",
        "@fact\nasync def my_routing(lab: Lab) -> Routing: ...\n",
        (
            f"fact {FIRST} my_routing gives Routing, which gather/mx.py:",
            "give a type of your own, or ask for that one",
        ),
    ),
    Fault(
        "spread-twice",
        "@fact\nasync def apples(lab: Lab) -> Many[Apple]: ...\n"
        + _CHECK.format("apple: Apple, host: MxHost"),
        (
            "no_worm is spread over subjects twice: apple: Apple and host: MxHost",
            "ask for one of them as Many",
        ),
    ),
    Fault(
        "check-without-a-rule",
        "@check\ndef no_worm(routing: Routing) -> Iterator[Finding]:\n    yield from ()\n",
        (f"check {FIRST} no_worm raises no rule", "name a rule class in its body"),
    ),
    Fault(
        "unknown-annotation",
        _CHECK.format("quince: Quince"),
        (
            f"{FIRST} no_worm: name 'Quince' is not defined",
            "must be imported at run time, not under TYPE_CHECKING",
        ),
    ),
    Fault(
        "annotation-that-is-no-type",
        _CHECK.format("routing: Routing | 3"),
        (f"{FIRST} no_worm: an annotation is no type", "name a type"),
    ),
    Fault(
        "parameter-without-a-type",
        _CHECK.format("routing"),
        (f"{FIRST} no_worm: parameter 'routing' has no type", "facts are found by type"),
    ),
    Fault(
        "fact-that-gives-nothing",
        "@fact\nasync def apple(lab: Lab): ...\n",
        (f"fact {FIRST} apple must give one type", "annotate what it returns"),
    ),
    Fault(
        "many-of-what-is-one",
        _CHECK.format("routing: Many[Routing]"),
        (f"{FIRST} no_worm asks for Many[Routing], but gather/mx.py:", "gives one value; ask for Routing"),
    ),
    Fault(
        "fact-asks-for-one-of-many",
        "@fact\nasync def apple(host: MxHost) -> Apple: ...\n",
        (f"fact {FIRST} apple must ask for Many[MxHost]: gather/mx.py:", "gives many"),
    ),
    Fault(
        "format-offered-already",
        "@renderer('text')\ndef mine(report: Report) -> str:\n    return ''\n",
        (
            f"format 'text' at {FIRST} mine is offered already by text/__init__.py:",
            "offer one of your own, or uninstall",
        ),
    ),
    Fault(
        "probe-performed-already",
        "@performs(DnsQuery)\nasync def mine(probe, means): ...\n",
        (
            f"probe DnsQuery at {FIRST} mine is offered already by live/dns.py:",
            "offer one of your own, or uninstall",
        ),
    ),
    Fault(
        "modules-that-are-none",
        "modules = 3\n",
        (HERE, "`modules` must be a tuple of modules"),
    ),
)


def installed(fault: Fault, site: Path) -> Path:
    """The plugin of a fault as an installed distribution in a folder."""
    package = site / "orchard"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(SOUND + fault.body, encoding="utf-8")
    about = site / "orchard-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: orchard\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[maildiag.plugins]\nfruit = orchard.plugin\n")
    return site
