"""Settings that are told to people are ones their product reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import checks


def lines() -> Iterator[str]:
    """Every line of every text in the checks."""
    for path in sorted(Path(checks.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from node.value.splitlines()


def test_dovecot_is_given_no_block_on_one_line() -> None:
    """It stops at `service x { … }`: nothing may follow an opening brace on its line."""
    blocks = [line for line in lines() if line.lstrip().startswith(("service ", "inet_listener "))]
    assert len(blocks) >= 6
    assert [line for line in blocks if "{" in line and not line.rstrip().endswith("{")] == []


def test_postfix_is_told_of_old_versions_in_words_that_every_release_reads() -> None:
    """`>=TLSv1.2` is unknown before 3.6, and a server that speaks nothing newer is an old one."""
    settings = [line for line in lines() if "_protocols = " in line]
    assert settings
    assert not [line for line in settings if ">=" in line]
