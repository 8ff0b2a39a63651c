"""What would cure a finding: values that can be tried in a zone before they are printed."""

from __future__ import annotations

from diag.model.frozen import frozen


@frozen
class Publish:
    """Add a record beside whatever is published at that name already."""

    name: str
    rdtype: str
    value: str
    ttl: int = 3600

    def __str__(self) -> str:
        return record_line(self.name, self.ttl, self.rdtype, self.value)


@frozen
class Withdraw:
    """Remove one record, or with an empty value every record of that type at that name."""

    name: str
    rdtype: str
    value: str = ""

    def __str__(self) -> str:
        what = (
            record_line(self.name, None, self.rdtype, self.value)
            if self.value
            else f"{self.name}. {self.rdtype}"
        )
        return f"remove: {what}"


@frozen
class Replace:
    """Publish these records instead of all that are published at that name with that type.

    For TXT, `old` names the one record to replace, so that unrelated TXT records stay; an empty
    `old` replaces the RRset.
    """

    name: str
    rdtype: str
    value: str
    old: str = ""
    ttl: int = 3600

    def __str__(self) -> str:
        return record_line(self.name, self.ttl, self.rdtype, self.value)


@frozen
class Configure:
    """A setting of a server or service, which no overlay can try.

    `where` names the host or panel, `setting` is what to type there, in the product's own words.
    """

    where: str
    setting: str
    product: str = ""

    def __str__(self) -> str:
        return self.setting


DnsFix = Publish | Withdraw | Replace
Fix = Publish | Withdraw | Replace | Configure


def record_line(name: str, ttl: int | None, rdtype: str, value: str) -> str:
    """One record in the presentation format of RFC 1035 section 5.1, ready to paste into a zone file."""
    owner = name.rstrip(".") + "."
    life = "" if ttl is None else f" {ttl}"
    return f"{owner}{life} IN {rdtype} {quoted(value) if rdtype == 'TXT' else value}"


def quoted(text: str) -> str:
    """A TXT value as character-strings of at most 255 octets each (RFC 1035 section 3.3)."""
    octets = text.encode("utf-8", "surrogateescape")
    pieces = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(_escaped(octet) for octet in piece) + '"' for piece in pieces)


def _escaped(octet: int) -> str:
    if octet in b'"\\':
        return "\\" + chr(octet)
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"
