"""A pytest plugin for CI: with CI=true a skipped test is a failed run, because it stands for something unseen.

Load it with `-p lab.strict` and tests/ on PYTHONPATH.  Without CI=true it only lists the reasons.
"""

import os

import pytest

_skipped: dict[str, str] = {}


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    # an expected failure is reported as skipped, too: it ran
    if report.skipped and not hasattr(report, "wasxfail"):
        place = report.longrepr
        _skipped[report.nodeid] = str(place[2]) if isinstance(place, tuple) else str(place)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that was skipped."""
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a whole file that was skipped."""
    _note(report)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when something was skipped and nobody is there to read the reason."""
    worker = hasattr(session.config, "workerinput")
    if (
        _skipped
        and os.environ.get("CI") == "true"
        and not worker
        and session.exitstatus == pytest.ExitCode.OK
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why the run failed although no test did."""
    if _skipped and os.environ.get("CI") == "true":
        terminalreporter.section("skipped, which CI=true does not allow", red=True)
        for test, reason in sorted(_skipped.items()):
            terminalreporter.write_line(f"{test}: {reason}")
