"""The report as one HTML file: no script, nothing loaded from elsewhere, every remote octet harmless."""

from __future__ import annotations

from diag.api import Report, renderer


@renderer("html", "text/html")
def html(report: Report) -> str:
    """One self-contained page, for people: the verdict on top, the proof at the bottom."""
    from .page import page  # jinja2 and X.509 are loaded only when a page is wanted

    return page(report)
