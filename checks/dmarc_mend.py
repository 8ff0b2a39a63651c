"""What a broken DMARC record was meant to be, and the fixes that say so (RFC 9989 section 4.8)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from diag.api import (
    TAGS,
    Configure,
    DmarcPolicy,
    DmarcProblem,
    DmarcRecord,
    Fix,
    Policy,
    Replace,
    ReportUri,
    is_dmarc,
)

from .txt import as_written

_VERSION = re.compile(
    r"(?:\A|;\s{0,9})(?:v\s{0,9}[=:]?\s{0,9}dmarc[\s_-]{0,9}1?|dmarc[\s_-]{0,9}1)(?:\.0)?(?=[\s;,:.]|\Z)[\s;,:.]*",
    re.IGNORECASE,
)
_TAG_AHEAD = re.compile(r"[\s,]+(?=(?:" + "|".join((*TAGS, "pct", "rf", "ri")) + r")\s{0,9}=)", re.IGNORECASE)
_MAILBOX = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{3,253}")
_LONGEST = 2048
_ROUND = " \t\r\n\"'\\\u201c\u201d\xe2\x80\x9c\x9d"
"""What people copy along with a record: white space, quotes, backslashes; typographic quotes also as octets."""
_LONG_FORMS = {
    ("adkim", "relaxed"): "r",
    ("adkim", "strict"): "s",
    ("aspf", "relaxed"): "r",
    ("aspf", "strict"): "s",
    ("t", "yes"): "y",
    ("t", "no"): "n",
}
_MEANT = {"monitor": "none", "monitoring": "none", "block": "reject", "deny": "reject", "spam": "quarantine"}


def recognised(text: str) -> str:
    """The record that a text was meant to be, beginning with the version; empty where that is a guess."""
    if len(text) > _LONGEST:
        return ""
    body = text.strip(_ROUND)
    found = _VERSION.search(body)
    rest = body if found is None else f"{body[: found.start()].rstrip('; ')}; {body[found.end() :]}"
    rest = _TAG_AHEAD.sub("; ", rest).strip("; ")
    made = corrected(f"v=DMARC1; {rest}")
    return made if DmarcRecord.parse(made).policies_are_valid else ""


def corrected(text: str, changes: Mapping[str, str] | None = None) -> str:
    """A recognised record without its faults: `v`, `p`, then the other tags as they stood, each once.

    `changes` sets tags to other values, and takes away those whose new value is empty.
    """
    record = DmarcRecord.parse(text)
    values: dict[str, str] = {}
    for tag in record.tags.tags:
        name = meant_tag(tag.name, record)
        value = _value(name, tag.value) if name and name != "v" else ""
        if name in ("rua", "ruf"):  # several addresses belong into one tag
            value = ",".join(
                dict.fromkeys(filter(None, (*values.get(name, "").split(","), *value.split(","))))
            )
            values[name] = value
        elif value:
            values.setdefault(name, value)
    strays = [part.text for part in record.tags.malformed if part.text.lower().startswith("mailto:")]
    if strays and "rua" in values:
        values["rua"] = ",".join(filter(None, (values["rua"], *strays)))
    values = {"p": values.pop("p", "") or "none", **values, **(changes or {})}
    return "; ".join(["v=DMARC1", *(f"{name}={value}" for name, value in values.items() if value)])


def meant_tag(name: str, record: DmarcRecord) -> str:
    """The tag that a name stands for: itself, or the one it misspells and that is missing; else empty."""
    if name in TAGS:
        return name
    near = next((d.nearest for d in record.defects if d.tag == name and d.nearest), None)
    if near in ("rua", "ruf"):  # one letter apart, and nearly everybody means the former
        near = next((each for each in ("rua", "ruf") if record.tags.first(each) is None), None)
    return near if near is not None and record.tags.first(near) is None else ""


def _value(name: str, value: str) -> str:
    """The value as it was meant; empty where the default is as good a guess."""
    alone = DmarcRecord.parse(f"v=DMARC1; {name}={value}")
    lowered = value.lower()
    if name in ("p", "sp", "np"):
        made = _policy(lowered)
        # Without a tag of its own a name follows the one above; names that nobody has lose no mail by it.
        unread = not value or (name == "np" and made == "none" != lowered)
        return "" if unread and name != "p" else made
    if name in ("rua", "ruf"):
        return ",".join(filter(None, map(_uri, alone.rua if name == "rua" else alone.ruf)))
    if not alone.has(DmarcProblem.VALUE_INVALID):
        return value
    if name == "fo":
        options = dict.fromkeys(re.split(r"[\s:,]+", lowered))
        # Whoever wants a report when either does not pass gets those when neither does as well.
        known = [option for option in options if option in ("1", "d", "s")]
        return ":".join(known)
    return _LONG_FORMS.get((name, lowered), "")


def _policy(value: str) -> str:
    if value in tuple(Policy):
        return value
    bare = value.strip("\"' .,")
    close = difflib.get_close_matches(bare, tuple(Policy), n=1, cutoff=0.7)
    return next(iter(close), _MEANT.get(bare, "none"))


def _uri(uri: ReportUri) -> str:
    """An entry without the obsolete size, with the scheme it lacks; empty where it is beyond repair."""
    if uri.is_usable:
        return uri.bare
    bare = uri.bare.strip("<>\"' ").removeprefix("//")
    bare = re.sub(r"(?i)^mail\s{0,9}to\s{0,9}:?\s{0,9}", "", bare).strip("<>/ ")
    return f"mailto:{bare}" if _MAILBOX.fullmatch(bare) else ""


MOST_MENDED = 8192
"""Octets of a record that a fix is spelt out for: nobody's mistake is longer."""


def mend(policy: DmarcPolicy, changes: Mapping[str, str] | None = None) -> tuple[Fix, ...]:
    """Publish the record that applies without its faults, and with these changes."""
    if len(policy.record.text) > MOST_MENDED:
        return ()
    return publish(policy, corrected(policy.record.text, changes))


def publish(policy: DmarcPolicy, text: str) -> tuple[Fix, ...]:
    """Publish this record instead of the one that applies; at an alias that is up to the target's owner."""
    name = f"_dmarc.{policy.found_at}"
    if policy.owner != name:
        return (Configure(policy.owner, f'{policy.owner}. 3600 IN TXT "{text}"'),)
    return (Replace(name, "TXT", text, old=as_written(policy.record.text)),) if is_dmarc(text) else ()
