"""What a plugin offers, as values: checks, facts, performers and renderers.

The decorators return these; nothing registers itself and nothing happens at import. Wiring is by
parameter type and is resolved by diag.run.plan before any I/O.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from diag.model.frozen import frozen
from diag.model.kept import kept

from .finding import Finding, Severity


@frozen
class Check:
    """A claim that holds when all is well, and the function that says where it does not."""

    function: Callable[..., Any]

    @kept
    def name(self) -> str:
        """The function's name: the claim as an identifier."""
        return self.function.__name__

    @kept
    def claim(self) -> str:
        """The claim as a sentence: the first line of the docstring."""
        return (inspect.getdoc(self.function) or self.name.replace("_", " ")).splitlines()[0].rstrip(".")

    @kept
    def rules(self) -> tuple[type[Finding], ...]:
        """The rules it can raise: the rule classes its body names, or those of the functions it calls."""
        return tuple(dict.fromkeys(_rules_named(self.function, set())))

    @kept
    def area(self) -> str:
        """The area of its rules."""
        return self.rules[0].id.partition("/")[0] if self.rules else ""

    @kept
    def could(self) -> Severity:
        """The gravest severity it can raise."""
        return max((rule.severity for rule in self.rules), default=Severity.INFO)

    @property
    def where(self) -> str:
        """File and line, for messages about the plugin."""
        return located(self.function)


@frozen
class Fact:
    """An async function that asks the lab and gives a value: what the evidence means."""

    function: Callable[..., Awaitable[Any]]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def where(self) -> str:
        """File and line, for messages about the plugin."""
        return located(self.function)


@frozen
class Performer:
    """How a kind of probe is carried out: the only code that touches the network."""

    probe: type[Any]
    function: Callable[..., Awaitable[Any]]

    @property
    def where(self) -> str:
        """File and line, for messages about the plugin."""
        return located(self.function)


@frozen
class Renderer:
    """A report's form: a pure function from one Report to text."""

    name: str
    function: Callable[..., str]
    media_type: str = "text/plain"

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").split("\n", maxsplit=1)[0]

    @property
    def where(self) -> str:
        """File and line, for messages about the plugin."""
        return located(self.function)


def check(function: Callable[..., Any]) -> Check:
    """Make a generator function a check. Its parameters name, by type, the facts it judges."""
    return Check(function)


def fact(function: Callable[..., Awaitable[Any]]) -> Fact:
    """Make an async function a fact. Its return annotation names the one type it gives."""
    return Fact(function)


def performs(probe: type[Any]) -> Callable[[Callable[..., Awaitable[Any]]], Performer]:
    """Make an async function (probe, means) the performer of one kind of probe."""

    def decorate(function: Callable[..., Awaitable[Any]]) -> Performer:
        return Performer(probe, function)

    return decorate


def renderer(name: str, media_type: str = "text/plain") -> Callable[[Callable[..., str]], Renderer]:
    """Make a function (report) a renderer, chosen on the command line by `--format NAME`."""

    def decorate(function: Callable[..., str]) -> Renderer:
        return Renderer(name, function, media_type)

    return decorate


@cache
def located(function: Callable[..., Any]) -> str:
    """`folder/file.py:line name`, short enough for a message."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return getattr(function, "__qualname__", repr(function))
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_firstlineno} {function.__name__}"


def _rules_named(function: Callable[..., Any], seen: set[Any]) -> Iterator[type[Finding]]:
    if function in seen or not isinstance(function, FunctionType):
        return
    seen.add(function)
    for name in _names(function.__code__):
        thing = function.__globals__.get(name)
        if isinstance(thing, type) and issubclass(thing, Finding) and thing.id:
            yield thing
        elif isinstance(thing, FunctionType) and thing.__module__ == function.__module__:
            yield from _rules_named(thing, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
