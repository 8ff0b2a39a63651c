"""Scripts as people write them: lines that begin with `C:` and `S:`, or TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from .script import BadScript, Expect, Line, Protocol, Script, Step, Upgrade, Wait, script

LONGEST = 1 << 16
"""Characters of a script."""


def parse(text: str, spoken: Protocol | None = None) -> Script:
    """A script from either form. Raises BadScript, naming the line.

    One is TOML with `protocol`, `opens` and `[[step]]` tables of one key each: `say`, `expect` (one or several),
    `tls = true`, `pause`. The other has a step a line:

        # a comment
        S: 220
        C: EHLO {helo}
        S: 250 | 251
        TLS
        PAUSE 3

    `spoken` is the protocol where the text names none.
    """
    if len(text) > LONGEST:
        raise BadScript(f"more than {LONGEST} characters")
    return _from_toml(text, spoken) if _TOML.search(text) else _from_lines(text, spoken)


def said(spoken: Protocol, lines: Iterable[str]) -> Script:
    """Lines said one after the other behind the usual beginning, each answered before the next. Raises BadScript."""
    steps: list[Step] = []
    for line in lines:
        steps += (Upgrade(),) if line.strip().upper() == "TLS" else (Line(line), Expect())
    return script(spoken, tuple(steps), opens=True)


def _from_lines(text: str, spoken: Protocol | None) -> Script:
    steps: list[Step] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            steps += _step(line.strip())
        except BadScript as error:
            raise BadScript(f"line {number}: {error}") from None
    return script(_protocol("", spoken), tuple(steps))


def _step(line: str) -> tuple[Step, ...]:
    if not line or line.startswith("#"):
        return ()
    if found := _SAYS.fullmatch(line):
        who, what = found[1].upper(), found[2].strip()
        if who == "C":
            return (Line(what),)
        alternatives = (each.strip() for each in what.split(" | "))
        return (Expect(tuple(each for each in alternatives if each)),)
    if line.upper() == "TLS":
        return (Upgrade(),)
    if found := _PAUSE.fullmatch(line):
        return (Wait(float(found[1])),)
    raise BadScript(f"{line[:40]!r} begins with none of C:, S:, TLS, PAUSE, #")


def _from_toml(text: str, spoken: Protocol | None) -> Script:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadScript(f"{error}") from None
    _refuse_unknown(tables, ("protocol", "opens", "step"), "")
    steps = tables.get("step", [])
    if not isinstance(steps, list) or not all(isinstance(each, dict) for each in steps):
        raise BadScript("steps are tables: [[step]]")
    found = tuple(_of_table(number, table) for number, table in enumerate(steps, 1))
    protocol = _protocol(str(tables.get("protocol", "")), spoken)
    return script(protocol, found, opens=tables.get("opens", False) is True)


def _of_table(number: int, table: Mapping[str, Any]) -> Step:
    where = f"step {number}: "
    _refuse_unknown(table, ("say", "expect", "tls", "pause"), where)
    match list(table.items()):
        case [("say", str(text))]:
            return Line(text)
        case [("expect", str(text))]:
            return Expect((text,) if text else ())
        case [("expect", list(texts))] if all(isinstance(each, str) for each in texts):
            return Expect(tuple(texts))
        case [("tls", True)]:
            return Upgrade()
        case [("pause", int() | float() as seconds)]:
            return Wait(float(seconds))
    raise BadScript(f"{where}one of say, expect, tls = true, pause, with a text, texts or seconds")


def _protocol(named: str, spoken: Protocol | None) -> Protocol:
    known = get_args(Protocol)
    if named and named not in known:
        raise BadScript(f"unknown protocol {named!r}; known are {', '.join(known)}")
    if named and spoken and named != spoken:
        raise BadScript(f"it is for {named}, not for {spoken}")
    if not named and spoken is None:
        raise BadScript("no protocol is named")
    return cast(Protocol, named or spoken)


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise BadScript(f"{where}unknown key {key!r}; known are {', '.join(known)}")


_TOML = re.compile(r"^\s*(?:\[\[step\]\]|protocol\s*=|opens\s*=)", re.MULTILINE)
_SAYS = re.compile(r"([CS]):(.*)", re.IGNORECASE)
_PAUSE = re.compile(r"(?:PAUSE |\u23f8)\s*([0-9]{1,4}(?:\.[0-9]{1,3})?)\s*s?", re.IGNORECASE)
