"""The areas of checks in words, whatever form a report has, and what a reason leaves open, by area."""

from __future__ import annotations

from collections.abc import Iterable

from diag.api import Result

from .verdict import listed, plural

TITLES = {
    "mx": "MX",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mta-sts": "MTA-STS",
    "tlsrpt": "TLS-RPT",
    "dane": "DANE",
    "dnssec": "DNSSEC",
    "smtp": "SMTP",
    "imap": "IMAP",
    "pop3": "POP3",
    "managesieve": "ManageSieve",
    "bimi": "BIMI",
    "tls": "TLS",
    "caa": "CAA",
}
"""Those that are not written as they are called."""
_AMID = {"reverse": "reverse names", "vantage": "our own place", "zone": "the zone"}
FEW = 3
"""So many checks are named; of more it is told how many they are, and of what."""


def title(area: str) -> str:
    """As a heading."""
    return TITLES.get(area, area.capitalize())


def left_open(results: Iterable[Result]) -> str:
    """How many checks, each counted once: "20 checks of TLS", "9 checks of certificates and 2 of TLS"."""
    claims: dict[str, set[str]] = {}
    for result in results:
        claims.setdefault(result.area, set()).add(result.claim)
    most_first = sorted(claims.items(), key=lambda each: (-len(each[1]), each[0]))
    counts = [
        f"{plural(len(some), 'check') if at == 0 else len(some)} of {TITLES.get(area) or _AMID.get(area, area)}"
        for at, (area, some) in enumerate(most_first)
    ]
    return listed(counts)
