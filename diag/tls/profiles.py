"""Profiles: what an authority asks of TLS, as dated tables (data/profiles/*.toml), and how far something departs from one.

A table lists, for every kind of thing that a server speaks, rows of conditions; the first row that fits decides. Profiles
are read when one is asked for.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from diag.model.frozen import frozen
from diag.model.tables import table

from .groups import group
from .offer import VERSION_NAMES
from .primes import named_prime
from .schemes import scheme
from .suites import suite

PROFILES = (
    "ietf-2026",
    "ncsc-nl-2025",
    "bsi-2026",
    "nist-800-52r2",
    "mozilla-modern",
    "mozilla-intermediate",
    "mozilla-old",
)
"""Names to choose from, as `--tls-profile` takes them."""


class Level(enum.StrEnum):
    """How an authority judges a thing."""

    GOOD = "good"
    SUFFICIENT = "sufficient"
    PHASE_OUT = "to be phased out"
    UNLISTED = "not listed"
    """Neither recommended nor forbidden in so many words."""
    INSUFFICIENT = "insufficient"
    MISSING = "missing"
    """Demanded, and not there."""

    @property
    def conforms(self) -> bool:
        """Whether nothing has to be changed for it."""
        return self in (Level.GOOD, Level.SUFFICIENT)


_LEVELS = {level.name.lower().replace("_", "-"): level for level in Level}


@frozen
class Spoken:
    """What a server was seen to speak, as far as it was asked."""

    versions: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    """Versions that it was seen to refuse."""
    suites: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    primes: tuple[bytes, ...] = ()
    """Of finite-field key exchanges up to TLS 1.2."""
    schemes: tuple[int, ...] = ()
    """By which it signed in the handshake."""
    keys: tuple[tuple[str, int, str], ...] = ()
    """Of its certificates: kind ("RSA", "EC", "Ed25519"), bits, curve."""
    hashes: tuple[str, ...] = ()
    """By which its certificates are signed: "sha256"."""


@frozen
class Deviation:
    """One thing in which a server departs from a profile."""

    item: str
    """Such as "TLS 1.0" or "ECDHE-RSA-AES128-SHA"."""
    level: Level
    section: str
    """Where the authority says so."""

    def __str__(self) -> str:
        return f"{self.item} is {self.level} ({self.section})"


@frozen
class Profile:
    """What one authority asks."""

    name: str
    title: str
    edition: str
    """Year and month."""
    url: str
    source: str
    """What the rows were compared with, and how: a secondary source is named as one."""
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]

    def judge(self, kind: str, item: str, day: date, /, **properties: Any) -> Deviation:
        """The verdict on one thing, on a day; a row that has run out by then makes it insufficient."""
        row = next(row for row in self.rows[kind] if _fits(row, properties))
        level = _LEVELS[row["level"]]
        if "until" in row and day > row["until"]:
            level = Level.INSUFFICIENT
        return Deviation(item, level, row["section"])

    def deviations(self, spoken: Spoken, day: date) -> tuple[Deviation, ...]:
        """Everything in which a server departs from it, each thing once: versions first, certificates last."""
        judged = dict.fromkeys((*self._missing(spoken, day), *self._judged(spoken, day)))
        return tuple(each for each in judged if not each.level.conforms)

    def _missing(self, spoken: Spoken, day: date) -> Iterator[Deviation]:
        refused = {VERSION_NAMES[number] for number in spoken.refused}
        spoke = {VERSION_NAMES[number] for number in spoken.versions}
        for row in self.rows["required"]:
            if row.get("unless") in spoke:
                continue
            if row["version"] in refused and day >= row.get("since", day):
                yield Deviation(row["version"], Level.MISSING, row["section"])

    def _judged(self, spoken: Spoken, day: date) -> Iterator[Deviation]:
        for number in spoken.versions:
            name = VERSION_NAMES[number]
            yield self.judge("version", name, day, name=name)
        for each in map(suite, spoken.suites):
            label = each.name if each.ssl2 else each.openssl or each.name
            yield self.judge(
                "suite", label, day, **each.made._asdict(), openssl=each.openssl, tls13=each.tls13
            )
        for curve in map(group, spoken.groups):
            yield self.judge("group", curve.name, day, name=curve.name, kind=curve.kind, bits=curve.bits)
        for prime in spoken.primes:
            bits, known = int.from_bytes(prime).bit_length(), named_prime(prime)
            yield self.judge("dh", f"DH {known or bits}", day, bits=bits, name=known)
        for by in map(scheme, spoken.schemes):
            padding = "" if by.key != "RSA" else "PSS" if by.pss else "PKCS#1 v1.5"
            yield self.judge("signature", f"signature {by.name}", day, hash=by.hash, padding=padding)
        for key, bits, on in spoken.keys:
            label = f"{key} key on {on}" if on else f"{key} key of {bits} bits" if bits else f"{key} key"
            yield self.judge("key", label, day, key=key, bits=bits, curve=on)
        for digest in spoken.hashes:
            plain = digest.upper().replace("-", "")
            yield self.judge("certificate", f"certificate signed with {plain}", day, hash=plain)


def _fits(row: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Whether every condition of a row holds; one without conditions always fits."""
    for key, wanted in row.items():
        if key in ("level", "section", "until"):
            continue
        if key == "min_bits":
            fits = properties["bits"] >= wanted
        elif isinstance(wanted, list):
            fits = properties[key] in wanted
        else:
            fits = properties[key] == wanted
        if not fits:
            return False
    return True


@cache
def profile(name: str) -> Profile:
    """The profile of a name in PROFILES; KeyError for any other."""
    if name not in PROFILES:
        raise KeyError(name)
    read = table("diag.tls", f"profiles/{name}")
    kinds = ("required", "version", "suite", "group", "dh", "signature", "key", "certificate")
    rows = {kind: tuple(read.get(kind, ())) for kind in kinds}
    return Profile(name, read["title"], read["date"], read["url"], read["source"].strip(), rows)
