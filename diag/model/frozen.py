"""Values: frozen dataclasses that load fast."""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A frozen dataclass: equal, hashed and shown by its fields.

    dataclasses compiles each of these methods anew for every class, which for hundreds of classes is a
    noticeable part of the time before the first question is asked; here they are shared.
    """
    made = dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
    names = [each.name for each in dataclasses.fields(made)]  # type: ignore[arg-type]
    made._fields_of = staticmethod(attrgetter(*names) if names else lambda _: ())  # type: ignore[attr-defined]
    for name, method in (("__eq__", _equal), ("__hash__", _hashed), ("__repr__", _shown)):
        if name not in vars(cls):
            setattr(made, name, method)
    return made


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return bool(self._fields_of(self) == other._fields_of(other))


def _hashed(self: Any) -> int:
    return hash((self.__class__, self._fields_of(self)))


def _shown(self: Any) -> str:
    said = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self))
    return f"{self.__class__.__qualname__}({said})"
