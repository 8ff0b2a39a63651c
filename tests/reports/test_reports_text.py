"""The text report as a whole: the order of its parts, lines that fit, lines that must not be broken, hostile peers."""

from __future__ import annotations

import re

import pytest
from poison import HOSTILE, poisoned
from text_sample import LONG, TALK, made, shown


def pasteable(line: str) -> bool:
    """Records, settings, commands and dialogue lines stand whole, from the first column on."""
    return line.startswith(("s._domainkey", "a.example.", "openssl ", "dig ", "swaks ")) or bool(
        re.match(r" {2,}[0-9]+\.[0-9]{3} ", line)
    )


def test_the_parts_stand_in_the_order_in_which_they_are_needed() -> None:
    headings = re.findall(r"^(.+)\n─+$", shown(made(), verbose=True), re.MULTILINE)
    assert headings == [
        "Do this first",
        "Also found",
        "Endpoints",
        "Could not be determined",
        "Waived",
        "Passed",
        "Not applicable",
        "mx.a.example [2001:db8:ffff:ffff:ffff:ffff:ffff:1]:25",
    ]


def test_what_is_to_be_copied_stands_whole_on_a_line_of_its_own() -> None:
    lines = shown(made()).splitlines()
    assert f's._domainkey.a.example. 3600 IN TXT "{LONG[:255]}" "{LONG[255:]}"' in lines
    assert "a.example. IN MX 10 x." in lines
    assert "smtpd_banner = $myhostname ESMTP" in lines
    assert TALK.command() in lines
    assert lines[lines.index(TALK.command()) - 1].strip() == "See it for yourself:"


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_other_line_fits(width: int, verbose: bool) -> None:
    lines = shown(made(), width=width, verbose=verbose).splitlines()
    assert [line for line in lines if len(line) > width and not pasteable(line)] == []
    assert any(len(line) > width for line in lines), "the long record was broken"
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_no_peer_reaches_the_terminal(verbose: bool, colour: bool) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(made(), verbose=verbose, colour=colour)) if colour else shown(
        made(), verbose=verbose
    )  # fmt: skip
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "spoofed" in text
    assert "\nspoofed" not in text


def test_colour_adds_nothing_but_colour() -> None:
    coloured = shown(made(), colour=True)
    assert "\x1b[" in coloured
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in uncoloured.splitlines()] == shown(made()).splitlines()


def test_a_report_with_nothing_to_say_is_short() -> None:
    text = shown(made(results=(), evidence={}, waived=()))
    assert text.startswith("a.example   A+\n")
    assert "─" not in text


def test_partial_and_proposed_are_said_at_the_top() -> None:
    top = shown(made(partial="interrupted", proposed="new.zone")).split("\n\n")[0]
    assert "Partial report: interrupted." in top
    assert "Judged as if new.zone were published." in top


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda bad: ascii(bad)[:16])
def test_remote_text_can_do_nothing(bad: str) -> None:
    text = shown(poisoned(bad), verbose=True)
    assert [char for char in text if not (char.isprintable() or char == "\n")] == []
    assert "At a glance" in text


def test_every_fact_that_holds_remote_text_is_shown() -> None:
    """Else the test above would prove nothing of it."""
    text = shown(poisoned("remotely-said"), verbose=True)
    for title in ("Do this first", "At a glance", "Reverse names", "Policies for transport"):
        part = text[text.index(title) :]
        assert "remotely-said" in part[: part.index("\n\n")], title
