"""A form of the report: text from one Report, worked out without input or output."""

from __future__ import annotations

from diag.api import Report, renderer


@renderer("brief")
def brief(report: Report) -> str:
    """One line a domain: grade, domain, and the rules raised."""
    raised = " ".join(dict.fromkeys(finding.id for finding in report.findings))
    return f"{report.grade} {report.target.domain} {raised or '-'}\n"
