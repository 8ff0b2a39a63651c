"""SPF macro-strings: syntax and expansion (RFC 7208 section 7)."""

from __future__ import annotations

import enum
import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

from diag.model.frozen import frozen

MOST_NAME_OCTETS = 253
"""An expanded domain-spec is cut from the left to this length (RFC 7208 section 7.3)."""

_EXPAND = re.compile(r"%\{([slodiphcrtv])([0-9]*)(r?)([.+,/_=-]*)\}", re.IGNORECASE | re.ASCII)
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]+")
_EXPLAIN_LITERAL = re.compile(r"[\x20-\x24\x26-\x7e]+")
_ESCAPES = {"%%": "%", "%_": " ", "%-": "%20"}
_ONLY_IN_EXPLANATIONS = "crt"
_LONGEST_SHOWN = 24


class Use(enum.Enum):
    """Where a macro-string stands, which decides what may stand in it."""

    DOMAIN = "domain-spec"
    """An argument that becomes a name: no `c`, `r`, `t` macros (RFC 7208 section 7.2)."""
    MODIFIER = "macro-string"
    """The value of an unknown modifier: any macro letter, no spaces."""
    EXPLANATION = "explain-string"
    """The text that `exp` points to: any macro letter, and spaces."""


class BadMacro(ValueError):
    """A macro-string breaks the grammar; `offset` counts characters from its start."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@frozen
class Macro:
    """One macro-expand: `%{d2r-}` is letter `d`, keep 2, reversed, split at `-`."""

    text: str
    letter: str
    """Lower case; empty for `%%`, `%_` and `%-`."""
    keep: int = 0
    """How many right-hand parts stay after splitting; 0 means all."""
    reverse: bool = False
    delimiters: str = "."
    escape: bool = False
    """The letter was upper case: the value is URL-escaped (RFC 7208 section 7.3)."""


@frozen
class MacroString:
    """A checked macro-string: its text and the literals and macros it consists of."""

    text: str
    parts: tuple[str | Macro, ...]

    @property
    def letters(self) -> frozenset[str]:
        """The macro letters used, lower case."""
        return frozenset(part.letter for part in self.parts if isinstance(part, Macro) and part.letter)

    @property
    def is_static(self) -> bool:
        """Whether the string expands to the same text for every message."""
        return not self.letters

    @property
    def name(self) -> str | None:
        """The domain name where no message can change it, lower case without trailing dot; else None."""
        if not self.is_static:
            return None
        plain = "".join(part if isinstance(part, str) else _ESCAPES[part.text] for part in self.parts)
        return fit_name(plain).lower()


@frozen
class MacroValues:
    """What macros stand for in one evaluation (RFC 7208 section 7.2).

    `sender` is the reverse-path, or empty; without a local-part it is `postmaster` (section 4.3).
    `moment` is in seconds since 1970. `validated_name` is the `p` macro's: "unknown" where there is none.
    """

    sender: str
    domain: str
    ip: IPv4Address | IPv6Address
    helo: str = "unknown"
    receiver: str = "unknown"
    moment: int = 0
    validated_name: str = "unknown"

    def value(self, letter: str) -> str:
        """The unmodified value of one lower-case macro letter."""
        local, _, host = self.sender.rpartition("@")
        host = host or self.helo  # RFC 7208 section 2.4: an empty reverse-path is postmaster at the HELO name
        local = local or "postmaster"
        address = client_address(self.ip)
        match letter:
            case "s":
                return f"{local}@{host}"
            case "l":
                return local
            case "o":
                return host
            case "d":
                return self.domain
            case "i":
                # One nibble a label, in capitals as in the reference suite; names compare without case.
                return (
                    str(address)
                    if address.version == 4
                    else ".".join(address.exploded.replace(":", "")).upper()
                )
            case "p":
                return self.validated_name
            case "v":
                return "in-addr" if address.version == 4 else "ip6"
            case "h":
                return self.helo
            case "c":
                return str(address)
            case "r":
                return self.receiver
            case _:
                return str(self.moment)


def client_address(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The client's address; an IPv4-mapped one is an IPv4 client (RFC 7208 section 5)."""
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def parse_macro_string(text: str, use: Use) -> MacroString:
    """Check and split a macro-string. Raises BadMacro at the first character that breaks the grammar."""
    literal = _EXPLAIN_LITERAL if use is Use.EXPLANATION else _LITERAL
    parts: list[str | Macro] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            part: str | Macro = _macro(text, at, use)
            length = len(part.text) if isinstance(part, Macro) else 0
        else:
            found = literal.match(text, at)
            if not found:
                raise BadMacro(f"the character {_named(text[at])} may not stand here", at)
            part, length = found[0], len(found[0])
        parts.append(part)
        at += length
    return MacroString(text, tuple(parts))


def _macro(text: str, at: int, use: Use) -> Macro:
    pair = text[at : at + 2]
    if pair in _ESCAPES:
        return Macro(pair, "")
    found = _EXPAND.match(text, at)
    if not found:
        shown = text[at : at + _LONGEST_SHOWN]
        raise BadMacro(f"{shown!r} is no macro: '%' must begin '%{{letter}}', '%%', '%_' or '%-'", at)
    letter, digits, reverse, delimiters = found.groups()
    if use is Use.DOMAIN and letter.lower() in _ONLY_IN_EXPLANATIONS:
        raise BadMacro(f"the macro {found[0]!r} is allowed only in explanation text", at)
    kept = digits.lstrip("0")
    if digits and not kept:  # RFC 7208 section 7.3: the number must not be zero
        raise BadMacro(f"the macro {found[0]!r} keeps zero parts", at)
    keep = int(kept) if 0 < len(kept) <= 3 else 0  # more parts than any name has: all of them
    return Macro(found[0], letter.lower(), keep, bool(reverse), delimiters or ".", letter.isupper())


def parse_domain_spec(text: str) -> MacroString:
    """A domain-spec: a macro-string that ends in a macro or in a dot and a top label (RFC 7208 section 7.1).

    Raises BadMacro.
    """
    if not text:
        raise BadMacro("the domain is missing", 0)
    spec = parse_macro_string(text, Use.DOMAIN)
    last = spec.parts[-1]
    if isinstance(last, Macro):
        return spec
    above, dot, top = last.removesuffix(".").rpartition(".")
    start = len(text) - len(last) + len(above)
    if not dot:
        raise BadMacro(f"{text[:_LONGEST_SHOWN]!r} is a single label, not a domain name", start)
    if not _is_top_label(top):
        shown = top[:_LONGEST_SHOWN]
        raise BadMacro(f"the name ends in {shown!r}, which cannot be a top-level domain", start + 1)
    return spec


def _is_top_label(label: str) -> bool:
    """RFC 7208 section 7.1 toplabel: letters, digits, inner hyphens, and not digits alone."""
    return (
        bool(re.fullmatch(r"[0-9A-Za-z-]+", label))
        and label[0] != "-"
        and label[-1] != "-"
        and not label.isdigit()
    )


def _named(char: str) -> str:
    return repr(char) if char.isascii() and char.isprintable() else f"U+{ord(char):04X}"


def expand(macros: MacroString, values: MacroValues) -> str:
    """The text a macro-string stands for."""
    return "".join(part if isinstance(part, str) else _expanded(part, values) for part in macros.parts)


def _expanded(macro: Macro, values: MacroValues) -> str:
    if not macro.letter:
        return _ESCAPES[macro.text]
    value = values.value(macro.letter)
    parts = re.split(f"[{re.escape(macro.delimiters)}]", value)
    if macro.reverse:
        parts.reverse()
    if macro.keep:
        parts = parts[-macro.keep :]
    plain = ".".join(parts)
    return quote(plain, safe="", errors="replace") if macro.escape else plain


def expand_name(spec: MacroString, values: MacroValues) -> str:
    """The name a domain-spec stands for, without trailing dot, cut from the left to 253 octets.

    It may still be no valid name (an empty or overlong label); no query is made for such a one.
    """
    return fit_name(expand(spec, values))


def fit_name(name: str) -> str:
    """Remove one trailing dot, then whole labels from the left until 253 octets are left (section 7.3)."""
    bare = name.removesuffix(".")
    if len(bare) <= MOST_NAME_OCTETS:
        return bare
    cut = bare.find(".", len(bare) - MOST_NAME_OCTETS - 1)
    return bare[cut + 1 :] if cut >= 0 else bare.rpartition(".")[2]
