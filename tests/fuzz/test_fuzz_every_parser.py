"""Each reader of what people publish is fed by a fuzz target, so that none is forgotten when one is added."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

from fuzz_target import look
from fuzz_targets import targets

from diag import records


def parsers() -> Iterator[tuple[str, CodeType]]:
    """Every public function of `diag.records`, and every public method of its public classes, properties included."""
    for module in pkgutil.iter_modules(records.__path__, f"{records.__name__}."):
        found = importlib.import_module(module.name)
        for name, value in vars(found).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.name:
                continue
            if inspect.isclass(value):
                yield from (
                    (f"{module.name}.{name}.{own}", code)
                    for own, method in vars(value).items()
                    if not own.startswith("_") and (code := _code(method))
                )
            elif code := _code(value):
                yield f"{module.name}.{name}", code


def _code(value: Any) -> CodeType | None:
    for held in ("__func__", "fget", "func"):  # classmethod, property, cached_property
        value = getattr(value, held, value)
    value = inspect.unwrap(value) if callable(value) else value
    return value.__code__ if isinstance(value, FunctionType) else None


def entered(run: Callable[[], object]) -> set[CodeType]:
    """The code of each function that is called meanwhile."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return seen


def feed_all() -> None:
    for target in targets().values():
        for seed in target.seeds:
            look(target.read(seed))


def test_whatever_reads_records_has_a_target() -> None:
    known = dict(parsers())
    assert "diag.records.spf.SpfRecord.parse" in known
    fed = entered(feed_all)
    assert [name for name, code in known.items() if code not in fed] == []
