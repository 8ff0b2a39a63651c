"""SPF terms: mechanisms and modifiers, read strictly by the grammar (RFC 7208 sections 4.6.1, 5, 6 and 12)."""

from __future__ import annotations

import dataclasses
import difflib
import enum
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from diag.model.frozen import frozen

from .spf_macros import BadMacro, MacroString, Use, parse_domain_spec, parse_macro_string

MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
"""RFC 7208 section 5."""
LOOKUP_MECHANISMS = frozenset({"include", "a", "mx", "ptr", "exists"})
"""Mechanisms that cost one of the ten look-ups; so does an honoured `redirect` (section 4.6.4)."""
REPORT_MODIFIERS = frozenset({"ra", "rp", "rr"})
"""Modifiers of RFC 6652: registered, so never called unknown."""
QUALIFIERS = "+-?~"

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=")
_MECHANISM = re.compile(r"([^:/]*)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/([0-9]+))?(?://([0-9]+))?")
_LONGEST_TYPO = 16


class SpfProblem(enum.StrEnum):
    """What kind of syntax error a term has."""

    UNKNOWN_MECHANISM = "unknown-mechanism"
    QUALIFIED_MODIFIER = "qualified-modifier"
    MISSING_ARGUMENT = "missing-argument"
    UNEXPECTED_ARGUMENT = "unexpected-argument"
    BAD_ADDRESS = "bad-address"
    BAD_PREFIX_LENGTH = "bad-prefix-length"
    BAD_DOMAIN = "bad-domain"
    BAD_MACRO = "bad-macro"
    REPEATED_MODIFIER = "repeated-modifier"


@frozen
class SpfError:
    """A term that breaks the grammar. `position` is the offset of the offending text in the record."""

    position: int
    text: str
    """The whole term as published."""
    kind: SpfProblem
    reason: str
    """One line for people, without the term."""


@frozen
class Mechanism:
    """A directive: qualifier and mechanism (section 4.6.2)."""

    qualifier: str
    """`+` where none is written."""
    name: str
    """Lower case."""
    position: int
    text: str
    domain_spec: MacroString | None = None
    """The argument after the colon; None means the domain being evaluated."""
    address: IPv4Address | IPv6Address | None = None
    """For ip4 and ip6: the address as written, host bits included."""
    network: IPv4Network | IPv6Network | None = None
    """For ip4 and ip6: the network that matches."""
    cidr4: int = 32
    """For a and mx: prefix length for an IPv4 client."""
    cidr6: int = 128

    @property
    def costs_lookup(self) -> bool:
        """Whether it counts against the limit of ten (section 4.6.4)."""
        return self.name in LOOKUP_MECHANISMS


@frozen
class Modifier:
    """`name=value` (section 6). For redirect and exp, `macros` is the checked domain-spec."""

    name: str
    """Lower case."""
    value: str
    position: int
    text: str
    macros: MacroString

    @property
    def is_known(self) -> bool:
        """redirect, exp, or one of RFC 6652."""
        return self.name in ("redirect", "exp") or self.name in REPORT_MODIFIERS

    @property
    def meant(self) -> str | None:
        """The term an unknown modifier probably was to be, if its name is or nearly is one (`include=`)."""
        return None if self.is_known else nearest_term(self.name)


Term = Mechanism | Modifier | SpfError


def nearest_term(name: str) -> str | None:
    """The mechanism or modifier whose name is nearest to this one, or None."""
    if len(name) > _LONGEST_TYPO:
        return None
    known = (*MECHANISMS, "redirect", "exp")
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)), None)


class _Broken(Exception):
    def __init__(self, kind: SpfProblem, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.offset = kind, reason, offset


def parse_term(text: str, position: int, *, suggest: bool = True) -> Term:
    """Read one term that begins at `position`. Never raises: a broken one comes back as SpfError.

    With `suggest` the reason names the mechanism that an unknown one is near to, which takes a while.
    """
    try:
        modifier = _MODIFIER.match(text)
        if modifier:
            return _modifier(text, modifier[1], position)
        return _directive(text, position, suggest)
    except _Broken as broken:
        return SpfError(position + broken.offset, text, broken.kind, broken.reason)


def _modifier(text: str, written: str, position: int) -> Modifier:
    name, start = written.lower(), len(written) + 1
    value = text[start:]
    if name in ("redirect", "exp"):
        return Modifier(name, value, position, text, _domain(value, start))
    try:
        return Modifier(name, value, position, text, parse_macro_string(value, Use.MODIFIER))
    except BadMacro as bad:
        raise _Broken(SpfProblem.BAD_MACRO, bad.reason, start + bad.offset) from None


def _domain(text: str, start: int) -> MacroString:
    try:
        return parse_domain_spec(text)
    except BadMacro as bad:
        if not text:
            raise _Broken(SpfProblem.MISSING_ARGUMENT, bad.reason, start) from None
        kind = SpfProblem.BAD_MACRO if text[bad.offset : bad.offset + 1] == "%" else SpfProblem.BAD_DOMAIN
        raise _Broken(kind, bad.reason, start + bad.offset) from None


def _directive(text: str, position: int, suggest: bool) -> Mechanism:
    qualifier = text[0] if text[0] in QUALIFIERS else ""
    found = _MECHANISM.fullmatch(text, len(qualifier))
    written, argument = (found[1], found[2]) if found else (text, "")
    name, start = written.lower(), len(qualifier) + len(written)
    made = Mechanism(qualifier or "+", name, position, text)
    match name:
        case "all":
            if argument:
                raise _Broken(SpfProblem.UNEXPECTED_ARGUMENT, "'all' takes no argument", start)
            return made
        case "include" | "exists":
            if not argument.startswith(":"):
                raise _Broken(SpfProblem.MISSING_ARGUMENT, f"{name!r} needs a domain after a colon", start)
            return _with(made, domain_spec=_domain(argument[1:], start + 1))
        case "ptr":
            if not argument:
                return made
            if not argument.startswith(":"):
                raise _Broken(
                    SpfProblem.UNEXPECTED_ARGUMENT, "'ptr' takes a domain and no prefix length", start
                )
            return _with(made, domain_spec=_domain(argument[1:], start + 1))
        case "a" | "mx":
            return _host_term(made, argument, start)
        case "ip4" | "ip6":
            return _address_term(made, argument, start)
    if _MODIFIER.match(text, len(qualifier)):
        raise _Broken(SpfProblem.QUALIFIED_MODIFIER, "a modifier takes no qualifier")
    raise _Broken(SpfProblem.UNKNOWN_MECHANISM, _unknown(name, suggest), len(qualifier))


def _with(made: Mechanism, **parts: Any) -> Mechanism:
    return dataclasses.replace(made, **parts)


def _unknown(name: str, suggest: bool) -> str:
    if "," in name or ";" in name:
        return "terms are separated by spaces alone"
    near = nearest_term(name) if suggest else None
    return "there is no such mechanism" + (f"; {near!r} is near" if near else "")


def _host_term(made: Mechanism, argument: str, start: int) -> Mechanism:
    """`a` and `mx`: [":" domain-spec] [dual-cidr-length] (sections 5.3 and 5.4)."""
    # A domain-spec may hold slashes itself, so prefix lengths are those at the very end.
    spec, suffix = _split_suffix(argument)
    lengths = _DUAL_CIDR.fullmatch(suffix)
    assert lengths is not None  # _split_suffix returns nothing else
    at = start + len(spec)
    cidr4 = _prefix(lengths[1], 32, at)
    cidr6 = _prefix(lengths[2], 128, at)
    domain_spec = None
    if spec.startswith(":"):
        domain_spec = _domain(spec[1:], start + 1)
    elif spec:
        raise _Broken(SpfProblem.BAD_PREFIX_LENGTH, "what follows is no prefix length", start)
    return _with(made, domain_spec=domain_spec, cidr4=cidr4, cidr6=cidr6)


def _split_suffix(argument: str) -> tuple[str, str]:
    """Split off `/n`, `//n` or `/n//n` at the end."""
    end = len(argument.rstrip("0123456789"))
    if end == len(argument) or not argument[:end].endswith("/"):
        return argument, ""
    if not argument[:end].endswith("//"):
        return argument[: end - 1], argument[end - 1 :]
    six = end - 2
    four = len(argument[:six].rstrip("0123456789"))
    if four < six and argument[:four].endswith("/"):
        return argument[: four - 1], argument[four - 1 :]
    return argument[:six], argument[six:]


def _prefix(digits: str | None, most: int, offset: int) -> int:
    """A prefix length; RFC 7208 section 12 allows no leading zero."""
    if digits is None:
        return most
    if (digits != "0" and digits.startswith("0")) or len(digits) > 3 or int(digits) > most:
        shown = digits if len(digits) <= 8 else digits[:8] + "…"
        raise _Broken(SpfProblem.BAD_PREFIX_LENGTH, f"/{shown} is no prefix length from 0 to {most}", offset)
    return int(digits)


def _address_term(made: Mechanism, argument: str, start: int) -> Mechanism:
    """`ip4` and `ip6`: ":" network ["/" length] (section 5.6)."""
    if argument in ("", ":") or not argument.startswith(":"):
        raise _Broken(SpfProblem.MISSING_ARGUMENT, f"{made.name!r} needs an address after a colon", start)
    written, slash, digits = argument[1:].partition("/")
    # ipaddress takes no leading zeros (so neither qnum nor we do), but it takes IPv6 zones.
    wanted = IPv4Address if made.name == "ip4" else IPv6Address
    try:
        address: IPv4Address | IPv6Address = wanted(written)
    except ValueError:
        address = _not_an_address(made.name, written, start + 1)
    if "%" in written:
        raise _Broken(SpfProblem.BAD_ADDRESS, "an address takes no zone and no macro", start + 1)
    at = start + 1 + len(written)
    if slash and not re.fullmatch("[0-9]+", digits):
        raise _Broken(SpfProblem.BAD_PREFIX_LENGTH, "what follows the slash is no prefix length", at)
    length = _prefix(digits if slash else None, address.max_prefixlen, at)
    network: IPv4Network | IPv6Network
    if isinstance(address, IPv4Address):
        network = IPv4Network((address, length), strict=False)
    else:
        network = IPv6Network((address, length), strict=False)
    return _with(made, address=address, network=network)


def _not_an_address(name: str, written: str, offset: int) -> IPv4Address:
    other = "ip6" if name == "ip4" else "ip4"
    looks_other = (":" in written) if name == "ip4" else re.fullmatch(r"[0-9.]+", written)
    kind = "IPv4" if name == "ip4" else "IPv6"
    hint = f"; use {other!r} for the other family" if looks_other else ""
    raise _Broken(SpfProblem.BAD_ADDRESS, f"this is no {kind} address{hint}", offset)
