"""The user's own logins as JSON, port by port."""

from __future__ import annotations

from typing import Any

from diag.api import LoginTried, MailboxSeen, Many, Report


def logins(report: Report) -> list[dict[str, Any]]:
    """Those that were decided; what left others open stands among the results."""
    tried = report.fact(LoginTried)
    seen = report.fact(MailboxSeen)
    visits = {each.subject: each.visit for each in seen.values()} if isinstance(seen, Many) else {}
    return [
        {
            "endpoint": login.subject,
            "service": str(login.place.service),
            "taken": login.taken,
            "mechanism": login.mechanism,
            "offered": list(login.place.mechanisms),
            "capabilities": list(visits[login.subject].capabilities) if login.subject in visits else [],
            "quotas": [
                {"root": quota.root, "resource": quota.resource, "used": quota.used, "limit": quota.limit}
                for quota in (visits[login.subject].quotas if login.subject in visits else ())
            ],
        }
        for login in (tried.values() if isinstance(tried, Many) else ())
    ]
