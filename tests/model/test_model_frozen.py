"""Our frozen dataclasses behave as those of the standard library do."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import sys
from typing import Any

import pytest

from diag.model import frozen as module
from diag.model.frozen import frozen


@frozen
class Point:
    x: int
    y: int = 2
    marks: list[str] = dataclasses.field(default_factory=list)


@frozen
class Named(Point):
    name: str = ""


@frozen(kw_only=True)
class Spoken:
    first: int
    second: int = 0


@dataclasses.dataclass(frozen=True)
class StandardPoint:
    x: int
    y: int = 2
    marks: list[str] = dataclasses.field(default_factory=list)


def test_values_are_equal_and_hashed_by_class_and_fields() -> None:
    assert Point(1) == Point(x=1, y=2)
    assert Point(1) != Point(1, 3)
    assert Point(1) != Named(1)
    assert Spoken(first=1) == Spoken(first=1, second=0)
    assert hash(Spoken(first=1)) == hash(Spoken(first=1, second=0))


def test_defaults_made_by_a_factory_are_nobody_elses() -> None:
    one, other = Point(1), Point(1)
    one.marks.append("seen")
    assert other.marks == []
    assert Point(1, marks=["given"]).marks == ["given"]


@pytest.mark.parametrize("made", [Point(1), Named(1, name="n"), Spoken(first=1)])
def test_nothing_can_be_changed_or_taken_away(made: Any) -> None:
    name = dataclasses.fields(made)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, name, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(made, name)


@pytest.mark.parametrize(
    ("args", "named"), [((), {}), ((1, 2, [], 4), {}), ((1,), {"z": 3}), ((1,), {"x": 1})]
)
def test_what_the_standard_one_refuses_is_refused(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Point, StandardPoint):
        with pytest.raises(TypeError):
            kind(*args, **named)


def test_keywords_only_means_keywords_only() -> None:
    with pytest.raises(TypeError):
        Spoken(1)  # type: ignore[misc]


def test_dataclasses_own_tools_work_on_them() -> None:
    point = Named(1, name="n")
    assert dataclasses.replace(point, x=3) == Named(3, name="n")
    assert dataclasses.asdict(point) == {"x": 1, "y": 2, "marks": [], "name": "n"}
    assert repr(point) == "Named(x=1, y=2, marks=[], name='n')"
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_a_method_of_its_own_is_kept() -> None:
    @frozen
    class Odd:
        x: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Odd)

        def __hash__(self) -> int:
            return 7

    assert Odd(1) == Odd(2)
    assert hash(Odd(1)) == 7


@pytest.mark.parametrize("guarded", [True, False])
def test_a_value_is_the_same_with_and_without_its_guard(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GUARDED", guarded)

    @frozen
    class Place:
        host: str
        port: int = 25
        seen: list[str] = dataclasses.field(default_factory=list, hash=False)

        @functools.cached_property
        def told(self) -> str:
            return f"{self.host}:{self.port}"

    @frozen
    class Mark:
        name: str
        count: int = 1

    place = Place("mx.example")
    assert (place.told, place.seen, repr(Mark("a"))) == (
        "mx.example:25",
        [],
        f"{Mark.__qualname__}(name='a', count=1)",
    )
    assert (Mark("a"), hash(Mark("a"))) == (Mark(name="a", count=1), hash(Mark("a", 1)))
    assert dataclasses.replace(place, port=587) == Place("mx.example", 587)
    assert (type(place).__setattr__ is object.__setattr__) is not guarded


def test_the_guard_stands_in_the_development_mode_of_python_alone() -> None:
    said = "from diag.model.frozen import GUARDED; print(GUARDED)"
    told = [
        subprocess.run(
            [sys.executable, *mode, "-c", said], capture_output=True, text=True, check=True
        ).stdout.strip()
        for mode in ([], ["-X", "dev"])
    ]
    assert told == ["False", "True"]
