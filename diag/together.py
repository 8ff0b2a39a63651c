"""Several things at the same time, every one of them ended before the next line runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import anyio

T = TypeVar("T")


class Tasks(Protocol):
    """A task group. Left, it waits for all it began; where one fails the others are cancelled."""

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> object:
        """Begin a task."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...


class _Plain(asyncio.TaskGroup):
    """asyncio's own, by the name its method has elsewhere."""

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> object:
        """See Tasks."""
        return self.create_task(function(*arguments))


def tasks() -> Tasks:
    """A new task group. Those of anyio give every task a scope and events of its own, which costs a run that
    begins hundreds of them a domain more than all its questions; so asyncio's are taken where it runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.create_task_group()
    return _Plain()


async def all_of(ask: Callable[[str], Awaitable[T]], subjects: Iterable[str]) -> dict[str, T]:
    """Ask for every subject at the same time; the answers in the order of the subjects."""
    subjects = tuple(dict.fromkeys(subjects))
    if len(subjects) == 1:
        return {subjects[0]: await ask(subjects[0])}
    answers: dict[str, T] = {}

    async def one(subject: str) -> None:
        answers[subject] = await ask(subject)

    async with tasks() as group:
        for subject in subjects:
            group.start_soon(one, subject)
    return {subject: answers[subject] for subject in subjects}
