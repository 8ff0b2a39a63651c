"""The top and the bottom of the page: the verdict, the view we had, and the counts."""

from __future__ import annotations

from collections import Counter

from diag.api import DnsQuery, Report, Status, VantagePoint
from diag.names.domain import to_unicode

from .hostile import plain
from .text_page import STYLES, Page
from .verdict import grade_line, plural, sentence


def verdict(page: Page, report: Report) -> None:
    """The domain, the grade, what it comes to, and when and from where it was seen."""
    domain = report.target.domain
    shown = plain(to_unicode(domain))
    name = domain if shown == domain else f"{shown} ({domain})"
    worst = report.worst
    style = STYLES[worst] if worst is not None else "bold green"
    page.say(
        (name, "bold"),
        "  ",
        (f" {report.grade} ", f"reverse {style}" if worst is None else f"{style} reverse"),
    )
    page.say((sentence(report), "bold"))
    page.say(plain(grade_line(report)))
    if report.partial:
        page.say((f"Partial report: {plain(report.partial)}.", "bold"))
    if report.proposed:
        page.say((f"Judged as if {plain(report.proposed)} were published.", "bold"))
    page.say((f"{report.moment:%Y-%m-%d %H:%M} UTC{_view(report)}", "dim"))


def _view(report: Report) -> str:
    """What our own position lets us see; a reader must not take its limits for the domain's."""
    seen = report.fact(VantagePoint)
    if not isinstance(seen, VantagePoint):
        return ""
    told = []
    families = [name for name, address in (("IPv4", seen.ipv4), ("IPv6", seen.ipv6)) if address]
    told.append(f"over {' and '.join(families)}" if families else "without any route")
    if seen.port_25 is False:
        told.append("our port 25 is closed")
    if seen.honest is False:
        told.append("our resolver invents answers")
    if seen.validating is False:
        told.append("our resolver does not validate")
    return ", " + ", ".join(told)


def counts(page: Page, report: Report) -> None:
    """How much was asked, and what became of the checks."""
    statuses = Counter(result.status for result in report.results)
    told = ", ".join(f"{statuses[status]} {status}" for status in Status if statuses[status])
    page.blank()
    asked = f"{plural(questions(report), 'question')}, {plural(connections(report), 'connection')}"
    page.say((f"{plural(len(report.results), 'check')}: {told or 'none'}. {asked}.", "dim"))


def questions(report: Report) -> int:
    """DNS questions asked."""
    return sum(isinstance(probe, DnsQuery) for probe in report.evidence)


def connections(report: Report) -> int:
    """Connections made or tried: probes that name an address and a port."""
    return sum(hasattr(probe, "address") and hasattr(probe, "port") for probe in report.evidence)
