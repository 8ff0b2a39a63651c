"""What plugins offer: found by entry point, looked through once, refused by name where broken."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diag.model.finding import Finding
from diag.model.plugin import Check, Fact, Performer, Renderer
from diag.probes.probe import Probe

GROUP = "maildiag.plugins"
OURS = {
    "probes": "diag.lab.live.plugin",
    "facts": "diag.gather.plugin",
    "checks": "checks.plugin",
    "reports": "reports.plugin",
}
"""Our own entry points, in the order in which they are read."""


@dataclass(frozen=True)
class _Ours:
    """An entry point of our own, known without looking."""

    name: str
    module: str


if TYPE_CHECKING:
    import importlib.metadata

    Point = importlib.metadata.EntryPoint | _Ours
    """A plugin to import: its name and module."""


class BadPlugin(Exception):
    """A plugin that cannot be used; the message says which, where and what to do."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where
        """The place of what is at fault, where the message does not name its plugin yet."""


@dataclass
class Registry:
    """Everything on offer, by what it is.

    Our own checks may be `later`: they are imported when rules or checks are first looked at, or by
    `complete`.
    """

    facts: list[Fact] = field(default_factory=list)
    performers: dict[type[Probe[Any]], Performer] = field(default_factory=dict)
    renderers: dict[str, Renderer] = field(default_factory=dict)
    plans: dict[object, Any] = field(default_factory=dict)
    """Plans made of it so far, by what was chosen."""
    owners: dict[str, str] = field(default_factory=dict)
    """The plugin of each module looked through, and of each place where one of its checks and facts stands."""
    later: list[Point] = field(default_factory=list)
    in_hand: bool = False
    """Whether a run, of several side by side, has undertaken to complete it."""
    _checks: list[Check] = field(default_factory=list)
    _rules: dict[str, type[Finding]] = field(default_factory=dict)
    _completing: RLock = field(default_factory=RLock)

    @property
    def checks(self) -> list[Check]:
        """Every check, in the order of the plugins and of their modules. Raises BadPlugin."""
        self.complete()
        return self._checks

    @property
    def rules(self) -> dict[str, type[Finding]]:
        """Every rule by its id. Raises BadPlugin."""
        self.complete()
        return self._rules

    @property
    def probes(self) -> dict[str, type[Probe[Any]]]:
        """The probes that can be performed, by their kind on tape."""
        return {probe.kind: probe for probe in self.performers}

    def complete(self) -> None:
        """Import what was left for later. Raises BadPlugin."""
        if self.later:
            with self._completing:
                while self.later:
                    self.read(self.later[0])
                    del self.later[0]

    def read(self, point: Point) -> None:
        """Import a plugin and take in what it offers. Raises BadPlugin."""
        try:
            module = importlib.import_module(point.module)
        except Exception as error:
            raise BadPlugin(
                f"plugin {named(point)} cannot be imported from {_last_line_of(point.module, error)}: "
                f"{type(error).__name__}: {error}; mend or uninstall the distribution that offers it"
            ) from error
        self.take(module, named(point))

    def take(self, module: ModuleType, plugin: str) -> None:
        """Take in what a module offers, and the modules its `modules` names. Raises BadPlugin."""
        if module.__name__ in self.owners:
            return
        self.owners[module.__name__] = plugin
        inside = getattr(module, "modules", ())
        if not isinstance(inside, tuple | list) or not all(isinstance(inner, ModuleType) for inner in inside):
            raise BadPlugin(f"plugin {plugin}: {module.__file__}: `modules` must be a tuple of modules")
        for inner in inside:
            self.take(inner, plugin)
        for thing in vars(module).values():
            match thing:
                case Check() if thing.function.__module__ == module.__name__:
                    if not thing.rules:
                        raise BadPlugin(
                            f"plugin {plugin}: check {thing.where} raises no rule: name a rule class in its body"
                        )
                    self._checks.append(thing)
                    self.owners[thing.where] = plugin
                    for rule in thing.rules:
                        self._rule(rule, plugin)
                case Fact() if thing.function.__module__ == module.__name__:
                    self.facts.append(thing)
                    self.owners[thing.where] = plugin
                case Performer() if thing.function.__module__ == module.__name__:
                    self._once(self.performers, thing.probe, thing, f"probe {thing.probe.__name__}", plugin)
                case Renderer() if thing.function.__module__ == module.__name__:
                    self._once(self.renderers, thing.name, thing, f"format {thing.name!r}", plugin)
                case type() if (
                    issubclass(thing, Finding) and thing.id and thing.__module__ == module.__name__
                ):
                    self._rule(thing, plugin)
                case _:
                    pass

    def _rule(self, rule: type[Finding], plugin: str) -> None:
        held = self._rules.setdefault(rule.id, rule)
        if held is not rule:
            raise BadPlugin(
                f"plugin {plugin}: rule id {rule.id!r} of {_placed(rule)} is taken by {_placed(held)}; "
                "give it an id of its own"
            )

    @staticmethod
    def _once(held: dict[Any, Any], key: Any, thing: Any, what: str, plugin: str) -> None:
        other = held.setdefault(key, thing)
        if other is not thing:
            raise BadPlugin(
                f"plugin {plugin}: {what} at {thing.where} is offered already by {other.where}; "
                "offer one of your own, or uninstall one of the two plugins"
            )

    def blamed(self, error: BadPlugin) -> BadPlugin:
        """The same error with the plugin named whose check or fact is at fault."""
        owner = self.owners.get(error.where)
        return BadPlugin(f"plugin {owner}: {error}") if owner else error


def entry_points() -> tuple[Point, ...]:
    """The plugins installed, ours first, then by name, so that every run reads them in one order."""
    ours = tuple(_Ours(name, module) for name, module in OURS.items())
    if not others_offer(sys.path):
        return ours
    import importlib.metadata

    found = {(point.name, point.module): point for point in importlib.metadata.entry_points(group=GROUP)}
    others = [point for key, point in found.items() if key not in OURS.items()]
    return (*ours, *sorted(others, key=lambda point: point.name))


def others_offer(folders: Iterable[str]) -> bool:
    """Whether a distribution beside ours offers plugins; where that is not seen at once, it may.

    Loading importlib.metadata takes a twentieth of a short run, and most often there is none.
    """
    for folder in folders:
        try:
            names = [each.name for each in Path(folder or ".").iterdir()]
        except FileNotFoundError:
            continue
        except OSError:  # an archive, which the library can read
            return True
        for name in names:
            if name.endswith((".dist-info", ".egg-info", "EGG-INFO")) and not name.startswith("maildiag-"):
                with suppress(OSError):
                    said = Path(folder, name, "entry_points.txt").read_text("utf-8", "replace")
                    if f"[{GROUP}]" in said:
                        return True
    return False


def load(points: Iterable[Point] | None = None, *, checks_later: bool = False) -> Registry:
    """Import every plugin and take in what it offers; with `checks_later`, our checks when they are needed.

    Where other plugins are installed nothing waits: a clash is the fault of whoever comes after us.
    Raises BadPlugin.
    """
    points = tuple(entry_points() if points is None else points)
    ours = all((point.name, point.module) in OURS.items() for point in points)
    registry = Registry()
    for point in points:
        if checks_later and ours and point.name == "checks":
            registry.later.append(point)
        else:
            registry.read(point)
    return registry


def named(point: Point) -> str:
    """The plugin by its name and the distribution that offers it."""
    owner = "maildiag" if isinstance(point, _Ours) else point.dist and point.dist.name
    owner = owner or "unknown distribution"
    return f"{point.name!r} of {owner}"


def _last_line_of(module: str, error: Exception) -> str:
    """The last line of the plugin's own that was being run when its import failed; else the module."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    package = module.partition(".")[0]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if package in (*path.parts, path.stem):
            return f"{path.parent.name}/{path.name}:{frame.lineno}"
    return module


def _placed(rule: type[Finding]) -> str:
    """`folder/file.py:line Class`; the module where there is no source to be read."""
    try:
        path, line = Path(inspect.getfile(rule)), inspect.getsourcelines(rule)[1]
    except (OSError, TypeError):
        return f"{rule.__module__}.{rule.__name__}"
    return f"{path.parent.name}/{path.name}:{line} {rule.__name__}"


def areas(rules: Iterable[str]) -> Iterator[str]:
    """The areas of these rule ids, each once."""
    yield from dict.fromkeys(rule.partition("/")[0] for rule in rules)
