"""Name constraints of CA certificates, applied to what stands below them (RFC 5280 section 4.2.1.10)."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from diag.model.frozen import frozen

from .certificate import parsed
from .library import x509
from .names import well_formed

COMPARISONS = 100_000
"""The most comparisons of a name with a constraint on one path: their product is a lever for attack."""


@frozen
class Subtrees:
    """Both halves of one certificate's constraints; None: absent."""

    permitted: tuple[x509.GeneralName, ...]
    excluded: tuple[x509.GeneralName, ...]


def refused(path: tuple[bytes, ...]) -> str:
    """Which constraint on a path (leaf first, DER) a name below it breaks; empty where none is broken."""
    left = COMPARISONS
    for depth in range(1, len(path)):
        subtrees = _subtrees(path[depth])
        if subtrees is None:
            continue
        for below in range(depth):
            # Self-issued intermediates are exempt, the end-entity certificate never (section 6.1.3 b, c).
            if below and _self_issued(path[below]):
                continue
            names = _names(path[below])
            left -= len(names) * (len(subtrees.permitted) + len(subtrees.excluded))
            if left < 0:
                return "there are too many names and constraints to compare"
            for name in names:
                problem = _breaks(name, subtrees)
                if problem:
                    return problem
    return ""


def _breaks(name: x509.GeneralName, subtrees: Subtrees) -> str:
    if isinstance(name, x509.DNSName) and not well_formed(name.value):
        return f"{name.value!r} is not a name that constraints can be applied to"
    for constraint in (*subtrees.permitted, *subtrees.excluded):
        if isinstance(constraint, x509.DNSName) and not _proper(constraint.value):
            return f"the constraint {constraint.value!r} is not a domain name"
    same = [one for one in subtrees.permitted if type(one) is type(name)]
    if same and not any(_covers(one, name, whole=True) for one in same):
        return f"{_shown(name)} is outside the permitted names"
    for one in subtrees.excluded:
        if type(one) is type(name) and _covers(one, name, whole=False):
            return f"{_shown(name)} is excluded"
    return ""


def _proper(constraint: str) -> bool:
    return constraint == "" or ("*" not in constraint and well_formed(constraint))


def _covers(constraint: x509.GeneralName, name: x509.GeneralName, *, whole: bool) -> bool:
    """Whether a constraint covers a name: all a wildcard stands for (`whole`), or any of it."""
    match constraint, name:
        case x509.DNSName(), x509.DNSName():
            base, given = constraint.value.lower(), name.value.lower()
            if not given.startswith("*."):
                return _within(given, base)
            parent = given[2:]
            one_label_below = base.partition(".")[2] == parent
            return _within(parent, base) or (not whole and one_label_below)
        case x509.IPAddress(), x509.IPAddress():
            network, address = constraint.value, name.value
            if isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network) and isinstance(
                address, ipaddress.IPv4Address | ipaddress.IPv6Address
            ):
                return address in network
            return False
        case x509.DirectoryName(), x509.DirectoryName():
            outer, inner = constraint.value.rdns, name.value.rdns
            return list(inner[: len(outer)]) == list(outer)
        case x509.RFC822Name(), x509.RFC822Name():
            wanted, mailbox = constraint.value.lower(), name.value.lower()
            host = mailbox.rpartition("@")[2]
            if "@" in wanted:
                return wanted == mailbox
            return host.endswith(wanted) if wanted.startswith(".") else host == wanted
        case _:
            return False


def _within(name: str, base: str) -> bool:
    return base == "" or name == base or name.endswith("." + base)


def _shown(name: x509.GeneralName) -> str:
    return str(name.value.rfc4514_string() if isinstance(name, x509.DirectoryName) else name.value)


@lru_cache(maxsize=256)
def _subtrees(der: bytes) -> Subtrees | None:
    certificate = parsed(der)
    if certificate is None:
        return None
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except Exception:
        return None  # absent, or unreadable: extensions are reported as such, for the whole certificate
    return Subtrees(tuple(found.permitted_subtrees or ()), tuple(found.excluded_subtrees or ()))


@lru_cache(maxsize=256)
def _names(der: bytes) -> tuple[x509.GeneralName, ...]:
    """Every name a certificate claims: subject and subjectAltName."""
    certificate = parsed(der)
    if certificate is None:
        return ()
    try:
        subject = (x509.DirectoryName(certificate.subject),) if certificate.subject.rdns else ()
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return subject
        return (*subject, *names)
    except Exception:
        return ()  # likewise


def _self_issued(der: bytes) -> bool:
    certificate = parsed(der)
    try:
        return certificate is not None and certificate.subject == certificate.issuer
    except ValueError:
        return False
