"""Other people's cases: we agree on each, or a table names it with the reason."""

from __future__ import annotations

import pytest
from suite_runs import SUITES, exceptions
from suites import DATA, Suite

HERE = [suite for suite in SUITES if not suite.elsewhere]


@pytest.mark.parametrize("suite", HERE, ids=lambda suite: suite.key)
def test_every_case_agrees_or_is_excused(suite: Suite) -> None:
    if not suite.is_here:
        pytest.skip(f"{suite.path} is absent (set MAILDIAG_DATA; now {DATA})")
    cases = list(suite.run(suite.path))
    assert len(cases) == suite.count
    differing = {case.name for case in cases if not case.agrees}
    assert differing == set(exceptions().get(suite.key, {}))
