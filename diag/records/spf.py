"""SPF records: version selection, parsing with positions, and small edits (RFC 7208 sections 4.5, 4.6, 12).

Parsing is strict about the grammar and never raises: a term that breaks it stays in place as an
SpfError, because one such term makes the whole evaluation a permerror (section 4.6), wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from diag.model.frozen import frozen
from diag.model.kept import kept

from .spf_terms import (
    LOOKUP_MECHANISMS,
    MECHANISMS,
    QUALIFIERS,
    REPORT_MODIFIERS,
    Mechanism,
    Modifier,
    SpfError,
    SpfProblem,
    Term,
    nearest_term,
    parse_term,
)

__all__ = [
    "LOOKUP_MECHANISMS",
    "MECHANISMS",
    "MOST_SUGGESTIONS",
    "REPORT_MODIFIERS",
    "VERSION",
    "Mechanism",
    "Modifier",
    "SpfError",
    "SpfProblem",
    "SpfRecord",
    "Term",
    "is_spf",
    "looks_like_spf",
    "nearest_term",
]

VERSION = "v=spf1"
MOST_KEPT, MOST_RECORDS_KEPT = 512, 256
"""Octets of a record that is remembered once it is read, and how many are: many domains include the same few.

Larger ones should not exist (RFC 7208 section 3.4). A hostile one takes 130 times its length: 17 MiB all together.
"""
MOST_SUGGESTIONS = 20
"""Broken terms for which the nearest mechanism is looked for: thousands of them would take seconds."""

_TERM = re.compile(r"[^ ]+")
_JUNK = " \t\r\n\"'`“”„‘’«»\ufeff\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060"
_NEAR = re.compile(r"(?:v\s{0,9}[=:-]?\s{0,9})?(?:spf|sfp)[\s:=-]{0,9}v?1(?![0-9.])", re.IGNORECASE)


def is_spf(text: str) -> bool:
    """Whether version selection keeps this TXT record (section 4.5): `v=spf1`, then a space or the end."""
    return text[:6].lower() == VERSION and text[6:7] in ("", " ")


def looks_like_spf(text: str) -> bool:
    """Whether this was meant as an SPF record although version selection drops it.

    `v=spf1;`, `v=spf 1`, `spf1 …`, `v=spf1mx`, a leading space or quote. Not `v=spf10`, not `spf2.0/…`.
    """
    return not is_spf(text) and bool(_NEAR.match(text[:64].lstrip(_JUNK)))


@frozen
class SpfRecord:
    """One parsed record, whatever its version; use `is_spf` to select records first."""

    text: str
    terms: tuple[Term, ...]
    """In order, the broken ones included."""
    repeated: tuple[SpfError, ...] = ()
    """`redirect` or `exp` after their first occurrence (section 6): as bad as broken grammar."""

    @classmethod
    def parse(cls, text: str) -> SpfRecord:
        """Read a record. Never raises; takes time linear in the text."""
        return _kept(text) if len(text) <= MOST_KEPT else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> SpfRecord:
        found = iter(_TERM.finditer(text))
        next(found, None)  # the version
        terms: list[Term] = []
        broken = 0
        for match in found:
            terms.append(parse_term(match[0], match.start(), suggest=broken < MOST_SUGGESTIONS))
            broken += isinstance(terms[-1], SpfError)
        return cls(text, tuple(terms), tuple(_repeated(tuple(terms))))

    @kept
    def errors(self) -> tuple[SpfError, ...]:
        """Every syntax error, in order of position; any one makes evaluation a permerror."""
        broken = [term for term in self.terms if isinstance(term, SpfError)]
        return tuple(sorted((*broken, *self.repeated), key=lambda error: error.position))

    @kept
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The well-formed directives, in order."""
        return tuple(term for term in self.terms if isinstance(term, Mechanism))

    @kept
    def modifiers(self) -> tuple[Modifier, ...]:
        """The well-formed modifiers, in order."""
        return tuple(term for term in self.terms if isinstance(term, Modifier))

    @property
    def unknown_modifiers(self) -> tuple[Modifier, ...]:
        """Modifiers that evaluation ignores (section 6) and no registry names."""
        return tuple(term for term in self.modifiers if not term.is_known)

    @kept
    def redirect(self) -> Modifier | None:
        """The first `redirect`, honoured or not."""
        return self._modifier("redirect")

    @kept
    def exp(self) -> Modifier | None:
        """The first `exp`."""
        return self._modifier("exp")

    def _modifier(self, name: str) -> Modifier | None:
        return next((term for term in self.modifiers if term.name == name), None)

    @kept
    def all(self) -> Mechanism | None:
        """The first `all`: nothing after it is ever tested (section 5.1)."""
        return next((term for term in self.mechanisms if term.name == "all"), None)

    @property
    def honoured_redirect(self) -> Modifier | None:
        """`redirect`, unless an `all` anywhere makes it ignored (sections 5.1 and 6.1)."""
        return None if self.all else self.redirect

    @kept
    def tested(self) -> tuple[Mechanism, ...]:
        """The directives evaluation can reach: up to and including the first `all`."""
        end = self.all
        return tuple(term for term in self.mechanisms if end is None or term.position <= end.position)

    @property
    def untested(self) -> tuple[Mechanism, ...]:
        """Directives behind the first `all`."""
        return self.mechanisms[len(self.tested) :]

    @property
    def duplicates(self) -> tuple[Mechanism, ...]:
        """Directives that say again what an earlier one says, whatever their qualifier."""
        seen: set[str] = set()
        again = []
        for term in self.mechanisms:
            body = term.text.lstrip(QUALIFIERS).lower()
            if body in seen:
                again.append(term)
            seen.add(body)
        return tuple(again)

    @property
    def _version(self) -> str:
        return self.text[:6] if is_spf(self.text) else VERSION

    def render(self) -> str:
        """The record with single spaces and every term as it was written."""
        return " ".join((self._version, *(term.text for term in self.terms)))

    def without(self, *terms: Term) -> SpfRecord:
        """The record without these terms, which are terms of this record."""
        gone = {term.position for term in terms}
        kept = [term.text for term in self.terms if term.position not in gone]
        return SpfRecord.parse(" ".join((self._version, *kept)))

    def with_terms(self, *texts: str) -> SpfRecord:
        """The record with these terms added where they take effect: before `all`, else before modifiers."""
        end = self.all
        at = next(
            (
                index
                for index, term in enumerate(self.terms)
                if term == end or (end is None and isinstance(term, Modifier))
            ),
            len(self.terms),
        )
        written = [term.text for term in self.terms]
        return SpfRecord.parse(" ".join((self._version, *written[:at], *texts, *written[at:])))


@lru_cache(maxsize=MOST_RECORDS_KEPT)
def _kept(text: str) -> SpfRecord:
    return SpfRecord._read(text)


def _repeated(terms: tuple[Term, ...]) -> Iterator[SpfError]:
    """RFC 7208 section 6: redirect and exp must not appear more than once each."""
    seen: set[str] = set()
    for term in terms:
        if isinstance(term, Modifier) and term.name in ("redirect", "exp"):
            if term.name in seen:
                reason = f"{term.name!r} may appear only once"
                yield SpfError(term.position, term.text, SpfProblem.REPEATED_MODIFIER, reason)
            seen.add(term.name)
