"""A pytest plugin for runs on several workers: all tests of the laboratory go to one, so that one world is started.

Load it with `-p lab.one_world --dist loadgroup` and tests/ on PYTHONPATH.  Marks for xdist would say the same, but
xdist tells of them in the ids of tests, and pytest 9.2 no longer lets it.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

FOLDER = "tests/lab/"


class OneWorld(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
    """Tests go where there is room, those of the laboratory together."""

    def _split_scope(self, nodeid: str) -> str:
        return FOLDER if nodeid.startswith(FOLDER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneWorld | None:
    """The scheduler, where tests are handed out by groups."""
    return OneWorld(config, log) if config.getvalue("dist") == "loadgroup" else None
