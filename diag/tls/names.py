"""Matching the names in a certificate with those we meant to reach (RFC 9525 section 6)."""

from __future__ import annotations

import ipaddress


def matches(pattern: str, reference: str) -> bool:
    """Whether a dNSName covers a host name given in A-labels; case does not matter.

    The common name never plays a part (RFC 9525 section 2), and an IP address is never matched by a
    dNSName (section 6.4: see `address_matches`).
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
    labels = pattern.split(".")
    return (
        pattern.isascii()
        and 0 < len(pattern) <= 253
        and all(0 < len(label) <= 63 for label in labels)
        and all(octet.isalnum() or octet in "-_*." for octet in pattern)
    )


def misused_wildcard(pattern: str) -> bool:
    """Whether a `*` stands where it matches nothing, or would match a whole top-level domain.

    RFC 9525 section 6.3: only as the complete left-most label. A wildcard directly below the root or
    a top-level domain covers registrations of strangers and is ignored by clients.
    """
    if "*" not in pattern:
        return False
    first, _, parent = pattern.partition(".")
    return first != "*" or "*" in parent or parent.strip(".").count(".") < 1
