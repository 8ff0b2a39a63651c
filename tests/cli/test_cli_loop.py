"""Which event loop a run has."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from diag.cli.loop import LEAST, loop_options
from diag.model.target import Target


@pytest.mark.parametrize(
    ("domains", "dns_only", "in_c"),
    [(LEAST, True, True), (LEAST - 1, True, False), (LEAST, False, False), (1, True, False)],
)
def test_long_lists_of_the_dns_alone_have_the_loop_in_c(domains: int, *, dns_only: bool, in_c: bool) -> None:
    options = loop_options(domains, Target("d.example", dns_only=dns_only))

    async def module() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert (anyio.run(module, backend_options=options) == "uvloop") is in_c


def test_without_it_asyncio_s_own_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diag.cli.loop.find_spec", lambda _: None)
    assert loop_options(LEAST, Target("d.example", dns_only=True)) == {"use_uvloop": False}
