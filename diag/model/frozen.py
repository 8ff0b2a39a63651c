"""Values: frozen dataclasses that load fast."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")

GUARDED = sys.flags.dev_mode
"""Whether classes made from now on refuse assignment when it happens, too, and not to the type checker alone.

With a guard a value is several times the work to make, and a domain an eighth more. `python -X dev` has it, and so
have the tests.
"""


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True)
def frozen(cls: Any = None, /, *, kw_only: bool = False) -> Any:
    """A frozen dataclass: equal, hashed and shown by its fields; `replace` and `fields` of dataclasses apply.

    dataclasses compiles each method of each class anew, which for hundreds of classes is a fifth of the time
    before the first question is asked. Here all share theirs, and `__init__`, which cannot be shared, is
    compiled when the first value is made: most runs never make one of most classes.

    A class derived from one of these must be made by this decorator too.
    """
    if cls is None:
        return lambda each: _made(each, kw_only)
    return _made(cls, kw_only)


def _made(cls: type[T], kw_only: bool) -> type[T]:
    own = vars(cls)
    offered = _SHARED + _GUARDS if GUARDED else _SHARED
    shared = [(name, method) for name, method in offered if name not in own]
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    names = [each.name for each in dataclasses.fields(made)]
    made._fields_of = staticmethod(attrgetter(*names) if names else lambda _: ())
    made._hash_kept = None
    for name, method in shared:
        setattr(made, name, method)
    if "__init__" not in own:
        made.__init__ = _first_init(made)
    return made  # type: ignore[no-any-return]


def _first_init(cls: Any) -> Callable[..., None]:
    """An `__init__` that puts the real one in its place."""

    def first(self: Any, *args: Any, **kwargs: Any) -> None:
        cls.__init__ = _init(cls)
        cls.__init__(self, *args, **kwargs)

    return first


def _init(cls: Any) -> Callable[..., None]:
    """What dataclasses would have made: one parameter for each field, and nothing else."""
    known: dict[str, Any] = {"_set": object.__setattr__}
    positional: list[str] = []
    keyword: list[str] = []
    guarded = cls.__setattr__ is not object.__setattr__
    body: list[str] = []
    for number, each in enumerate(dataclasses.fields(cls)):
        parameter, value = each.name, each.name
        if each.default is not dataclasses.MISSING:
            known[f"_default_{number}"] = each.default
            parameter += f"=_default_{number}"
        elif each.default_factory is not dataclasses.MISSING:
            known[f"_default_{number}"] = known["_UNSET"] = _UNSET
            known[f"_factory_{number}"] = each.default_factory
            parameter += f"=_default_{number}"
            value = f"_factory_{number}() if {each.name} is _UNSET else {each.name}"
        (keyword if each.kw_only else positional).append(parameter)
        body.append(
            f"    _set(self, {each.name!r}, {value})" if guarded else f"    self.{each.name} = {value}"
        )
    parameters = ["self", *positional, *(["*", *keyword] if keyword else [])]
    exec("\n".join([f"def __init__({', '.join(parameters)}):", *body, "    pass"]), known)  # noqa: S102
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


_UNSET: Any = object()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return bool(self._fields_of(self) == other._fields_of(other))


def _hashed(self: Any) -> int:
    known: int | None = self._hash_kept
    if known is None:
        known = hash((self.__class__, self._fields_of(self)))
        object.__setattr__(self, "_hash_kept", known)
    return known


def _shown(self: Any) -> str:
    said = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self))
    return f"{self.__class__.__qualname__}({said})"


def _kept(self: Any, name: str, *_: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"{self.__class__.__qualname__}.{name} cannot be changed")


_SHARED = (
    ("__eq__", _equal),
    ("__hash__", _hashed),
    ("__repr__", _shown),
)
_GUARDS = (
    ("__setattr__", _kept),
    ("__delattr__", _kept),
)
