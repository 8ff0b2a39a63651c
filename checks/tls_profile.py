"""Holding TLS against the profile of an authority, where one was chosen."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Finding, Rfc, Severity, TlsByProfile, check, rule


@rule("tls/profile-deviation", Severity.INFO, Rfc(9325), since="1.0")
class ProfileDeviation(Finding):
    """A server's TLS departs from the profile that it was held against.

    ## Why it matters
    You chose the profile (`--tls-profile`), so you know whom it has to please. What it costs in delivery, the
    other rules of this area tell: they go by the standards of the IETF.

    ## How to fix
    Change what is listed. On port 25 think first: a sender that finds nothing in common delivers in plain text.
    """

    message = "{subject} departs from {profile} ({edition}): {items}."
    profile: str
    edition: str
    items: str


@check
def tls_is_as_the_profile_asks(held: TlsByProfile) -> Iterator[Finding]:
    """Versions, suites, groups and certificates are as the chosen profile asks."""
    if held.deviations:
        yield ProfileDeviation(
            subject=str(held.survey.endpoint),
            profile=held.title,
            edition=held.edition,
            items="; ".join(map(str, held.deviations)),
            evidence=held.cites,
        )
