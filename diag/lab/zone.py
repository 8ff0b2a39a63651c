"""Records laid over the world: read from a zone file, and asked as a name server would be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tokenizer
import dns.ttl

from diag.model.fix import DnsFix, Publish, Replace, Withdraw, quoted
from diag.model.frozen import frozen

MOST_OCTETS = 255
"""Of one character-string (RFC 1035 section 3.3)."""
LONGEST_SHOWN = 4096
"""Characters of a record that is shown whole: half a record would be pasted."""


class BadZone(ValueError):
    """A zone file that cannot be used; the message names the file, the line and what is wrong."""


@frozen
class Looked:
    """What a zone says to a question: records, an alias, or why there is nothing."""

    rcode: str
    rrset: dns.rrset.RRset | None = None
    alias: dns.rrset.RRset | None = None


@dataclass
class Zone:
    """RRsets by owner and type. An RRset that is present but empty says: there is none any more."""

    rrsets: dict[dns.name.Name, dict[dns.rdatatype.RdataType, dns.rrset.RRset]] = field(default_factory=dict)
    source: str = ""
    _inhabited: set[dns.name.Name] | None = field(default=None, init=False, repr=False, compare=False)
    """The names at or below which there are records; None until somebody asks."""

    @classmethod
    def parse(cls, text: str, origin: str, source: str = "zone") -> Zone:
        """Read master file format (RFC 1035 section 5.1). Relative names are below `origin`.

        Raises BadZone naming the line. Several zones may stand in one file: names are absolute or
        below $ORIGIN, and nothing need lie below the origin.
        """
        zone = cls(source=source)
        root = dns.name.root if origin in ("", ".") else dns.name.from_text(origin)
        for owner, ttl, rdata in _records(text, root, source):
            # Signatures are over what stood there: whoever publishes the zone makes them anew.
            if rdata.rdtype != dns.rdatatype.RRSIG:
                zone.add(dns.rrset.from_rdata(owner, ttl, rdata))
        return zone

    def add(self, rrset: dns.rrset.RRset) -> None:
        """Add records to what the zone holds at that owner and type."""
        self._inhabited = None
        held = self.rrsets.setdefault(rrset.name, {}).get(rrset.rdtype)
        if held is None:
            self.rrsets[rrset.name][rrset.rdtype] = rrset
        else:
            for rdata in rrset:
                held.add(rdata)

    def put(self, rrset: dns.rrset.RRset) -> None:
        """Hold exactly these records at that owner and type."""
        self._inhabited = None
        self.rrsets.setdefault(rrset.name, {})[rrset.rdtype] = rrset

    def held(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        """The RRset held for an owner and type, or its alias: None where the zone says nothing of it."""
        here = self.rrsets.get(name, {})
        found = here.get(rdtype)
        if found is None and rdtype != dns.rdatatype.CNAME:
            found = here.get(dns.rdatatype.CNAME)
        return found

    def has_below(self, name: dns.name.Name) -> bool:
        """Whether records exist at a name or below it, so that the name exists (RFC 8020)."""
        if self._inhabited is None:
            self._inhabited = set()
            for owner, types in self.rrsets.items():
                if any(map(len, types.values())):
                    self._inhabited.update(_and_above(owner))
        return name in self._inhabited

    def ask(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Looked:
        """What an authority for all of this zone says: one step, aliases are not followed."""
        for owner in (name, *self._wildcards(name)):
            if owner in self.rrsets:
                found = self.held(owner, rdtype)
                if found is None or not len(found):
                    return Looked("NOERROR")
                answer = dns.rrset.from_rdata_list(name, found.ttl, list(found))
                if found.rdtype == dns.rdatatype.CNAME and rdtype != dns.rdatatype.CNAME:
                    return Looked("NOERROR", alias=answer)
                return Looked("NOERROR", answer)
            if owner == name and self.has_below(name):
                return Looked("NOERROR")  # an empty non-terminal (RFC 4592 section 2.2.2)
        return Looked("NXDOMAIN")

    def _wildcards(self, name: dns.name.Name) -> Iterable[dns.name.Name]:
        """The wildcard at the closest encloser, the only one that may answer (RFC 4592 section 3.3.1)."""
        ancestor = name
        while ancestor != dns.name.root:
            ancestor = ancestor.parent()
            if ancestor in self.rrsets or self.has_below(ancestor):
                return (dns.name.Name((b"*", *ancestor.labels)),)
        return ()

    def patched(self, patch: Zone) -> Zone:
        """This zone with the patch's RRsets in place of its own."""
        merged = {owner: dict(types) for owner, types in self.rrsets.items()}
        for owner, types in patch.rrsets.items():
            here = merged.setdefault(owner, {})
            if dns.rdatatype.CNAME in types:
                here.clear()
            elif types:
                here.pop(dns.rdatatype.CNAME, None)
            here.update(types)
        return Zone(merged, self.source)


def _and_above(name: dns.name.Name) -> Iterable[dns.name.Name]:
    yield name
    while name != dns.name.root:
        name = name.parent()
        yield name


def _records(
    text: str, origin: dns.name.Name, source: str
) -> Iterable[tuple[dns.name.Name, int, dns.rdata.Rdata]]:
    """Each record of a master file."""
    tokens = dns.tokenizer.Tokenizer(text, source)
    owner, ttl = origin, 3600
    while True:
        line = tokens.line_number
        kind = dns.rdatatype.NONE
        try:
            token = tokens.get(want_leading=True)
            if token.is_eof():
                return
            if token.is_eol() or token.is_comment():
                continue
            if token.is_whitespace():
                token = tokens.get()
                if token.is_eol_or_eof():
                    continue
            elif token.is_identifier() and token.value.upper() == "$ORIGIN":
                origin = tokens.get_name(origin)
                tokens.get_eol()
                continue
            elif token.is_identifier() and token.value.upper() == "$TTL":
                ttl = tokens.get_ttl()
                tokens.get_eol()
                continue
            elif token.is_identifier() and token.value.startswith("$"):
                raise BadZone(f"{source}:{line}: {token.value} is not supported here")
            else:
                owner = tokens.as_name(token, origin)
                token = tokens.get()
            own_ttl = ttl
            for _ in range(2):  # TTL and class come in either order, both optional
                value = token.value.upper()
                if value == "IN":
                    token = tokens.get()
                elif value[:1].isdigit():
                    own_ttl = dns.ttl.from_text(value)
                    token = tokens.get()
            try:
                kind = dns.rdatatype.from_text(token.value)
            except dns.rdatatype.UnknownRdatatype:
                raise BadZone(f"{source}:{line}: no record type {token.value!r}") from None
            rdata = dns.rdata.from_text(dns.rdataclass.IN, kind, tokens, origin, relativize=False)
        except BadZone:
            raise
        except (dns.exception.DNSException, ValueError) as error:
            why = _cut_anew(text, line) if kind == dns.rdatatype.TXT else ""
            raise BadZone(f"{source}:{line}: {why or error}") from None
        yield owner, own_ttl, rdata


def _cut_anew(text: str, line: int) -> str:
    """What to write in place of the TXT record at a line, where one of its strings is too long; else empty."""
    tokens = dns.tokenizer.Tokenizer("\n".join(text.split("\n")[line - 1 :]))
    try:
        tokens.get(want_leading=True)  # the owner, or the space in its place
        while (token := tokens.get()).value.upper() != "TXT":
            if token.is_eol_or_eof():
                return ""  # the type was written otherwise: TYPE16
        strings = [token.unescape_to_bytes().value for token in tokens.get_remaining()]
    except dns.exception.DNSException:
        return ""
    longest = max(map(len, strings), default=0)
    if longest <= MOST_OCTETS:
        return ""
    why = f"a string of a TXT record has at most {MOST_OCTETS} octets (RFC 1035 section 3.3), and this one {longest}"
    # Readers join the strings with nothing between (RFC 7208 section 3.3): cut anew, the record says the same.
    record = quoted(b"".join(strings).decode("utf-8", "surrogateescape"))
    cured = f": TXT ( {record} )" if len(record) <= LONGEST_SHOWN else ""
    return f"{why}. Cut it into several, each in quotes of its own{cured}"


def with_fixes(fixes: Iterable[DnsFix], current: Zone) -> Zone:
    """A patch that carries out these fixes on what is published now.

    `current` holds the RRsets as they stand at the names the fixes touch.
    """
    patch = Zone(source="proposed fix")
    for fix in fixes:
        name, kind = dns.name.from_text(fix.name), dns.rdatatype.from_text(fix.rdtype)
        now = patch.rrsets.get(name, {}).get(kind) or current.rrsets.get(name, {}).get(kind)
        kept = [] if now is None else list(now)
        match fix:
            case Withdraw(value=value):
                kept = [r for r in kept if value and not _same(r, value)]
            case Replace(old=old):
                kept = [r for r in kept if old and not _same(r, old)]
            case Publish():
                pass
        ttl = 3600 if isinstance(fix, Withdraw) else fix.ttl
        rrset = dns.rrset.RRset(name, dns.rdataclass.IN, kind)
        rrset.ttl = ttl
        for rdata in kept:
            rrset.add(rdata, ttl)
        if not isinstance(fix, Withdraw):
            value = quoted(fix.value) if fix.rdtype == "TXT" else fix.value
            rrset.add(dns.rdata.from_text("IN", kind, value), ttl)
        patch.put(rrset)
    return patch


def _same(rdata: dns.rdata.Rdata, value: str) -> bool:
    if rdata.rdtype == dns.rdatatype.TXT:
        joined: bytes = b"".join(rdata.strings)  # type: ignore[attr-defined]
        return joined == value.encode("utf-8", "surrogateescape")
    try:
        return bool(rdata == dns.rdata.from_text(rdata.rdclass, rdata.rdtype, value))
    except dns.exception.DNSException:
        return False
