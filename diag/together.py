"""Several things at the same time, every one of them ended before the next line runs, and what that waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import anyio

T = TypeVar("T")

WAITED: ContextVar[int] = ContextVar("round trips", default=0)
"""How many round trips, one after another, what runs here has waited for. Where things are done at the same time,
those that come after them have waited for the longest."""


class Known(Coroutine[Any, Any, T]):
    """What is known already, as a coroutine with nothing to do: awaiting it counts the round trips it once took."""

    def __init__(self, value: T, waited: int) -> None:
        self.value = value
        self.waited = waited

    def send(self, value: Any, /) -> Any:
        """Ends at once."""
        _wait(self.waited)
        raise StopIteration(self.value)

    def throw(self, *error: Any) -> Any:
        """As any coroutine that is not waiting for anything."""
        return super().throw(*error)

    def close(self) -> None:
        """There is nothing to end."""

    def __await__(self) -> Generator[Any, Any, T]:
        yield from ()
        _wait(self.waited)
        return self.value


def _wait(round_trips: int) -> None:
    """Count what runs here as having waited for so many, if for no more."""
    if round_trips > WAITED.get():
        WAITED.set(round_trips)


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

    def __init__(self) -> None:
        super().__init__()
        self._waited = 0

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> object:
        """See Tasks."""
        return self.create_task(self._followed(function, *arguments))

    async def _followed(self, function: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        # Made here: one that is made before the task, and never begun, would be complained of.
        await function(*arguments)
        self._waited = max(self._waited, WAITED.get())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, trace)
        _wait(self._waited)


def task_group() -> Tasks:
    """A new task group. Those of anyio give every task a scope and events of its own, which costs a run that
    begins hundreds of them a domain more than all its questions; so asyncio's are taken where it runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.create_task_group()
    return _Plain()


async def all_of(ask: Callable[[str], Coroutine[Any, Any, T]], subjects: Iterable[str]) -> dict[str, T]:
    """Ask for every subject at the same time; the answers in the order of the subjects."""
    answers: dict[str, Any] = dict.fromkeys(subjects)
    asked: dict[str, Coroutine[Any, Any, T]] = {}
    waited = 0

    async def one(subject: str, answer: Coroutine[Any, Any, T]) -> None:
        answers[subject] = await answer

    try:
        for subject in answers:
            answer = ask(subject)
            if type(answer) is Known:
                answers[subject] = answer.value
                waited = max(waited, answer.waited)
            else:
                asked[subject] = answer
        if len(asked) == 1:
            for subject, answer in asked.items():
                answers[subject] = await answer
        elif asked:
            async with task_group() as group:
                for subject, answer in asked.items():
                    group.start_soon(one, subject, answer)
    finally:
        for answer in asked.values():
            answer.close()  # one that was never begun would be complained of
    _wait(waited)
    return answers
