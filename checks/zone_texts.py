"""The text of policy records: how it was cut, and characters that do not belong there."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import Finding, PolicyText, PolicyTexts, Replace, Rfc, Severity, SpfRecord, check, is_spf, rule

_TYPOGRAPHIC = "\u2018\u2019\u201c\u201d"
_NOT_SEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00a0\u00ad"
_BLANK_IN_SPF = "\t\r\n"
"""Between the terms of an SPF record nothing but spaces may stand (RFC 7208 section 12)."""


@rule("zone/split-in-word", Severity.ERROR, Rfc(7208, "3.3"), since="1.0")
class SplitInWord(Finding):
    """An SPF record was cut into pieces between two words, and the space between them was lost.

    ## Why it matters
    Receivers join the pieces with nothing between. Two words become one that nobody understands, and the whole
    record fails.

    ## How to fix
    Put the space inside the quotes: `"v=spf1 a " "mx -all"`. Better, publish it as one piece if it fits into 255
    characters.
    """

    message = "The SPF record of {subject} loses a space where it is cut: {where}."
    where: str


@check
def strings_are_not_cut_between_words(texts: PolicyTexts) -> Iterator[Finding]:
    """SPF records lose no space where they are cut into strings."""
    for record in texts.records:
        spaced = " ".join(record.strings)
        if len(record.strings) > 1 and not _reads(record.text) and _reads(spaced):
            whole = Replace(record.name, "TXT", _meant(spaced), old=record.shown)
            yield SplitInWord(subject=record.name, where=_cut(record), evidence=record.asked, fix=(whole,))


def _reads(text: str) -> bool:
    return is_spf(text) and not SpfRecord.parse(text).errors


def _cut(record: PolicyText) -> str:
    pairs = zip(record.strings, record.strings[1:], strict=False)
    words = (
        (before.rpartition(" ")[2], after.partition(" ")[0])
        for before, after in pairs
        if not before.endswith(" ") and not after.startswith(" ")
    )
    return ", ".join(f"{before} and {after} are read as {before}{after}" for before, after in words)


@rule("zone/stray-quotes", Severity.ERROR, Rfc(1035, "5.1"), since="1.0")
class StrayQuotes(Finding):
    """A policy record contains quotation marks as part of its text.

    ## Why it matters
    Quotes are the way a zone file writes a text; here they were published with it. Receivers do not recognise the
    record, or fail at it.

    ## How to fix
    Publish the text without quotation marks; in most panels type it without any.
    """

    message = "The record at {subject} contains {what} as part of its text."
    what: str


@rule("zone/invisible-characters", Severity.ERROR, Rfc(7208, "4.5"), Rfc(9989, "4.8"), since="1.0")
class InvisibleCharacters(Finding):
    """A policy record contains characters that cannot be seen.

    ## Why it matters
    They come along when a text is copied from a web page or a word processor. A reader sees nothing wrong,
    receivers do not recognise the record or a word of it.

    ## How to fix
    Type the record anew, or publish the one shown here.
    """

    message = "The record at {subject} contains {what}, which cannot be seen."
    what: str


@check
def policies_hold_only_what_can_be_typed(texts: PolicyTexts) -> Iterator[Finding]:
    """Policy records hold neither quotation marks nor characters that cannot be seen."""
    for record in texts.records:
        shown = record.shown
        if shown.isascii() and shown.isprintable() and '"' not in shown:
            continue  # as nearly all are
        unseen = _NOT_SEEN + (_BLANK_IN_SPF if "spf1" in shown else "")
        strange = sorted(set(shown).intersection(unseen), key=shown.index)
        quotes = sorted(set(shown).intersection(_TYPOGRAPHIC), key=shown.index)
        if '\\"' in shown or shown[:1] == '"' or shown[-1:] == '"':
            quotes.append('"')
        if not (quotes or strange):
            continue
        clean = (Replace(record.name, "TXT", _meant(shown), old=shown),)
        if quotes:
            what = "typographic quotation marks" if quotes[0] != '"' else "quotation marks"
            yield StrayQuotes(subject=record.name, what=what, evidence=record.asked, fix=clean)
        if strange:
            what = f"U+{ord(strange[0]):04X}"
            yield InvisibleCharacters(subject=record.name, what=what, evidence=record.asked, fix=clean)


def _meant(text: str) -> str:
    """The text without what does not belong there."""
    for char in "\u00a0\t\r\n":
        text = text.replace(char, " ")
    dropped = dict.fromkeys(map(ord, _TYPOGRAPHIC + _NOT_SEEN + '"\\'))
    return text.translate(dropped).strip()
