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

_VERSION = re.compile(r"(?:v\s{0,9}[=:]?\s{0,9})?dmarc[\s_-]{0,9}1?(?:\.0)?[\s;,:.]*", re.IGNORECASE)
_TAG_AHEAD = re.compile(r"[\s,]+(?=(?:" + "|".join((*TAGS, "pct", "rf", "ri")) + r")\s{0,9}=)", re.IGNORECASE)
_MAILBOX = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{3,253}")
_LONGEST = 2048
_ROUND = " \t\r\n\"'\\\u201c\u201d\xe2\x80\x9c\x9d"
"""What people copy along with a record: white space, quotes, backslashes; typographic quotes also as octets."""
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
        name = tag.name
        if name not in TAGS:
            unknown = (d for d in record.defects if d.problem is DmarcProblem.UNKNOWN_TAG)
            name = next((d.nearest or "" for d in unknown if d.tag == tag.name), "")
        if name and name != "v" and name not in values and record.tags.first(name) in (None, tag):
            values[name] = _value(name, tag.value, record)
    for part in record.tags.malformed:
        if "rua" in values and part.text.lower().startswith("mailto:"):
            values["rua"] = ",".join(filter(None, (values["rua"], part.text)))
    values = {"p": values.pop("p", "") or "none", **values, **(changes or {})}
    return "; ".join(["v=DMARC1", *(f"{name}={value}" for name, value in values.items() if value)])


def _value(name: str, value: str, record: DmarcRecord) -> str:
    if name in ("p", "sp", "np"):
        return _policy(value.lower())
    if name in ("rua", "ruf"):
        return ",".join(filter(None, (_uri(uri) for uri in (record.rua if name == "rua" else record.ruf))))
    lowered = value.lower()
    if name in ("adkim", "aspf") and lowered not in ("r", "s"):
        return {"relaxed": "r", "strict": "s"}.get(lowered, "")
    if name == "t" and lowered not in ("y", "n"):
        return {"yes": "y", "no": "n"}.get(lowered, "")
    if name == "psd" and lowered not in ("y", "n", "u"):
        return ""
    if name == "fo" and ":".join(record.fo) != lowered:
        return "1" if "1" in re.split(r"[\s:,]+", lowered) else ":".join(record.fo)
    return value


def _policy(value: str) -> str:
    if value in tuple(Policy):
        return value
    bare = value.strip("\"' .,")
    close = difflib.get_close_matches(bare, tuple(Policy), n=1, cutoff=0.7)
    return next(iter(close), _MEANT.get(bare, "none"))


def _uri(uri: ReportUri) -> str:
    """An entry without the obsolete size, with the scheme it lacks; empty where it is beyond repair."""
    if uri.is_usable:
        return uri.text.removesuffix(uri.size_suffix)
    bare = uri.text.removesuffix(uri.size_suffix).strip("<>\"' ").removeprefix("//")
    bare = re.sub(r"(?i)^mail\s{0,9}to\s{0,9}:?\s{0,9}", "", bare).strip("<>/ ")
    return f"mailto:{bare}" if _MAILBOX.fullmatch(bare) else ""


def mend(policy: DmarcPolicy, changes: Mapping[str, str] | None = None) -> tuple[Fix, ...]:
    """Publish the record that applies without its faults, and with these changes."""
    return publish(policy, corrected(policy.record.text, changes))


def publish(policy: DmarcPolicy, text: str) -> tuple[Fix, ...]:
    """Publish this record instead of the one that applies; at an alias that is up to the target's owner."""
    name = f"_dmarc.{policy.found_at}"
    if policy.owner != name:
        return (Configure(policy.owner, f'{policy.owner}. 3600 IN TXT "{text}"'),)
    return (Replace(name, "TXT", text, old=as_written(policy.record.text)),) if is_dmarc(text) else ()
