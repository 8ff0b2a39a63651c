"""The DKIM keys found, and what the search for them is worth."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Absent, Many, Report, Severity, Unavailable
from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors
from diag.records.dkim import DkimKey
from diag.records.dkim_keys import RECOMMENDED_RSA, SHORTEST_RSA, RsaKey

from . import states

_SEARCH = {
    Below.POSSIBLE: "Nobody can list selectors: a key that was not found here may still exist.",
    Below.NONE: "There is no key: nothing exists below _domainkey.",
    Below.WILDCARD: "A wildcard answers for every selector, so finding one says little.",
    Below.CONTRADICTED: "Name servers disagree on whether anything exists below _domainkey.",
}
_MOST = 50


@dataclass(frozen=True, slots=True)
class Key:
    """One selector."""

    selector: str
    source: str
    lives_at: str
    """Where an alias leads; empty where there is none."""
    kind: str
    flags: str
    shown: states.Shown


@dataclass(frozen=True, slots=True)
class Keys:
    """All that were found."""

    rows: tuple[Key, ...]
    tried: int
    search: str


def keys(report: Report) -> Keys | None:
    """The keys; None where nobody looked for any."""
    search, found = report.fact(DkimSelectors), report.fact(DkimKeyFound)
    if not isinstance(search, DkimSelectors):
        return None
    items = found.items.items() if isinstance(found, Many) else ()
    rows = tuple(row for subject, value in items if (row := _row(subject, value)) is not None)
    return Keys(rows[:_MOST], len(search.tried), _SEARCH[search.below])


def _row(subject: str, value: DkimKeyFound | Absent | Unavailable) -> Key | None:
    if isinstance(value, Absent):
        return None
    if isinstance(value, Unavailable):
        return Key(subject, "", "", "", "", states.unknown(value.because))
    source = {"given": "given by you", "provider": f"used by {value.selector.provider}"}
    key = value.key
    return Key(
        value.selector.name,
        source.get(value.selector.source, "well-known name"),
        value.owner if value.aliases else "",
        _kind(key) if key is not None else "",
        _flags(key) if key is not None else "",
        _shown(value),
    )


def _kind(key: DkimKey) -> str:
    name = "RSA" if isinstance(key.key, RsaKey) else key.key_type
    return f"{name}, {key.bits} bits" if key.bits else name


def _flags(key: DkimKey) -> str:
    said = []
    if key.is_testing:
        said.append("t=y: a test, failures do not count")
    if key.is_strict:
        said.append("t=s: no subdomains in i=")
    if key.hashes is not None:
        said.append(f"only {', '.join(key.hashes)}")
    return "; ".join(said)


def _shown(found: DkimKeyFound) -> states.Shown:
    key = found.key
    if key is None:
        word = "several records: none counts" if found.keys else "no key record"
        return states.short(Severity.ERROR, word)
    if key.is_revoked:
        return states.mute("revoked")
    if key.key is None:
        first = key.defects[0].problem.replace("-", " ") if key.defects else "no key in it"
        return states.short(Severity.ERROR, first)
    if isinstance(key.key, RsaKey) and key.key.bits < SHORTEST_RSA:
        return states.short(Severity.ERROR, "too short")
    if isinstance(key.key, RsaKey) and key.key.bits < RECOMMENDED_RSA:
        return states.short(Severity.NOTICE, "short by today's measure")
    return states.good("usable")
