"""The pages that several tests read."""

from __future__ import annotations

import dataclasses

import pytest
import sample

from reports.html import html


@pytest.fixture(scope="session")
def broken() -> str:
    """The page of the broken world."""
    return html.function(sample.broken())


@pytest.fixture(scope="session")
def healthy() -> str:
    """The page of the healthy world."""
    return html.function(sample.healthy())


@pytest.fixture(params=["broken", "healthy", "bare"])
def text(request: pytest.FixtureRequest, broken: str, healthy: str) -> str:
    """Each of these pages, and one of a report that knows nothing."""
    bare = dataclasses.replace(sample.healthy(), facts={}, evidence={}, results=())
    return {"broken": broken, "healthy": healthy, "bare": html.function(bare)}[request.param]
