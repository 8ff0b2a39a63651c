"""The user's own login: where it was taken and by what mechanism, and what is in his mailbox's favour."""

from __future__ import annotations

from diag.api import LoginTried, MailboxSeen, Many, Report, Unavailable
from reports.hostile import plain

from .page import Page

BASIC = frozenset({"IMAP4REV1", "IMAP4REV2", "LITERAL+", "SASL-IR", "LOGIN-REFERRALS"})
"""Capabilities that say nothing to a reader."""


def access(page: Page, report: Report) -> None:
    """Every port where the login was tried."""
    tried = report.fact(LoginTried)
    if not isinstance(tried, Many) or not tried.items:
        return
    page.heading(f"The login of {plain(report.target.login)}")
    rows = []
    for subject, login in tried.items.items():
        if isinstance(login, LoginTried):
            endpoint = login.place.endpoint
            mark = "✓ taken" if login.taken else "✗ refused"
            rows.append((f"{endpoint.host}:{endpoint.port}", mark, plain(login.mechanism)))
        elif isinstance(login, Unavailable):
            host, _, rest = subject.partition(" ")
            port = rest.rpartition(":")[2]
            rows.append((plain(f"{host}:{port}"), "? open", plain(login.because.partition(":")[0])))
    page.table(rows, fixed={1})
    seen = report.fact(MailboxSeen)
    visits = [each.visit for each in seen.values()] if isinstance(seen, Many) else []
    for visit in visits[:1]:
        for quota in visit.quotas:
            if quota.resource == "STORAGE":
                page.say(f"Quota: {quota.percent} % of {quota.limit:,} KiB are used.")
        shown = [name for name in visit.capabilities if name.upper() not in BASIC]
        if shown:
            page.say((f"After the login over IMAP: {plain(' '.join(shown))}.", "dim"))
