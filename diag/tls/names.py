"""Matching the names in a certificate with those we meant to reach (RFC 9525 section 6)."""

from __future__ import annotations

import ipaddress

from diag.names.domain import fits_the_dns


def matches(pattern: str, reference: str) -> bool:
    """Whether a dNSName covers a host name given in A-labels; case does not matter.

    A common name is compared alike where DANE has it count (RFC 7672 section 3.2.3), and plays no part elsewhere (RFC
    9525 section 2). An IP address is never matched by a dNSName (section 6.2: see `address_matches`).
    """
    wanted = reference.lower().removesuffix(".")
    given = pattern.lower()
    if address(wanted) is not None or not usable(given) or not wanted:
        return False
    if not given.startswith("*."):
        return given == wanted
    # The wildcard stands for exactly one label (RFC 9525 section 6.3).
    label, _, parent = wanted.partition(".")
    return bool(label) and parent == given[2:]


def nearly_matches(pattern: str, reference: str) -> bool:
    """Whether a name with a `*` anywhere would cover a host name if each stood for any part of its label."""
    given, wanted = pattern.lower().split("."), reference.lower().removesuffix(".").split(".")
    if len(given) != len(wanted) or address(reference) is not None:
        return False
    return all(_fits(label, shape) for label, shape in zip(wanted, given, strict=True))


def _fits(label: str, shape: str) -> bool:
    """In time linear in the label, whatever a stranger's certificate holds."""
    begin, *parts = shape.split("*")
    if not parts:
        return label == shape
    end = parts.pop()
    at, until = len(begin), len(label) - len(end)
    if at > until or not label.startswith(begin) or not label.endswith(end):
        return False
    for part in parts:
        found = label.find(part, at, until)
        if found < 0:
            return False
        at = found + len(part)
    return True


def address_matches(given: str, reference: str) -> bool:
    """Whether an iPAddress names the same address as the reference (RFC 9525 section 6.4)."""
    wanted = address(reference)
    return wanted is not None and address(given) == wanted


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address literal as a value; None for anything else."""
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def usable(pattern: str) -> bool:
    """Whether a dNSName can match anything: a proper name, a wildcard only where it is allowed."""
    if not well_formed(pattern):
        return False
    return "*" not in pattern or not misused_wildcard(pattern)


def well_formed(pattern: str) -> bool:
    """Whether a dNSName is in the preferred syntax of host names, `*` aside (RFC 5280 section 4.2.1.6)."""
    return (
        pattern.isascii()
        and fits_the_dns(pattern)
        and all(octet.isalnum() or octet in "-_*." for octet in pattern)
    )


def misused_wildcard(pattern: str) -> bool:
    """Whether a `*` stands where it matches nothing, or would match a whole top-level domain.

    RFC 9525 section 6.3: only as the complete left-most label. Of public suffixes it says nothing (section 7.1), but
    clients (OpenSSL among them) pass over a wildcard directly below the root or a top-level domain.
    """
    if "*" not in pattern:
        return False
    first, _, parent = pattern.partition(".")
    return first != "*" or "*" in parent or parent.strip(".").count(".") < 1
